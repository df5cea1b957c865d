//! A gateway, its agents and its operators, from the first start to the last look at the log.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::house::{House, edge_ledger, eventually, outcome, task};

#[test]
fn two_variables_are_all_it_takes_from_a_token_to_a_task_that_is_done() {
    let mut house = House::served();

    house.agent("rack", &[]);
    let submitted = house.submit(&json!({ "tasks": [task("first"), task("second")] })).json();
    let (first, _) = (house.done("first"), house.done("second"));

    assert_eq!(
        submitted["tasks"],
        json!([
            { "id": "first", "created": true },
            { "id": "second", "created": true },
        ])
    );
    assert_eq!((&first["rows"], &first["run"]), (&json!(4), &json!(1)));
    let results = house.ask(&["task", "results", "first", "--json"]).json();
    assert_eq!(results["items"].as_array().unwrap().len(), 4);
    let edges = house.ask(&["edge", "list", "--json", "--liveness", "online"]).json();
    assert_eq!(edges["items"][0]["displayName"], "rack");
    let why = house.ask(&["task", "why", "first"]).text();
    assert!(why.contains("it is done"), "{why}");
    assert_eq!(house.end_agents(), [Some(0)]);
}

#[test]
fn refusals_end_with_the_code_that_says_what_to_do() {
    let mut house = House::served();
    house.agent("rack", &[]);
    house.submit(&task("first")).json();
    house.done("first");

    let other = json!({ "id": "first", "payload": 3 });
    for (outcome, code, told) in [
        (house.ask(&["task", "show", "nope"]), 3, "task nope is not in the ledger"),
        (house.ask(&["edge", "show", "nope"]), 3, "edge nope is not registered"),
        (house.ask(&["task", "retry", "first"]), 4, "task is DONE"),
        (house.submit(&other), 4, "task id first is taken"),
        (house.submit(&json!({ "id": "x", "prioritee": 3 })), 2, "prioritee"),
        (house.submit(&json!({ "tasks": [] })), 2, "the list is empty"),
        (
            outcome(house.operator(&["task", "list"]).env("EDGE_LEDGER_TOKEN", "op_live_x")),
            4,
            "EDGE_LEDGER_TOKEN",
        ),
    ] {
        assert_eq!(outcome.code, Some(code), "{told}: {outcome:#?}");
        assert!(outcome.stderr.contains(told), "{told}: {outcome:#?}");
    }
}

#[test]
fn on_the_same_machine_the_data_directory_stands_for_the_token() {
    let house = House::served();
    let url = fs::read_to_string(house.path("url")).unwrap();

    let outcome = house.look(&["token", "create", "--url", url.trim()]);

    let token = outcome.text();
    assert!(token.starts_with("etr_live_") && token.lines().count() == 1, "{token}");
    assert!(!house.gateway_log().contains(token.trim()), "no secret is logged");
}

#[test]
fn the_first_start_tells_where_the_operators_token_is_and_never_what_it_is() {
    let house = House::served();

    let log = house.gateway_log();

    let path = house.data().join("operator.token");
    let token = fs::read_to_string(&path).unwrap();
    assert!(log.contains(&format!("the operator's token is in {}", path.display())), "{log}");
    assert!(!log.contains(token.trim()), "{log}");
}

#[test]
fn a_data_directory_in_use_is_refused_by_name_and_left_alone() {
    let house = House::served();

    let commands: [&[&str]; 4] =
        [&["serve", "--addr", "127.0.0.1:0"], &["log", "verify"], &["log", "show"], &["liveness"]];
    // Each waits for a while whether the other process is only just closing: all at once, then.
    let (house, look) = (&house, |house: &House, args| (args, house.look(args)));
    let outcomes = std::thread::scope(|scope| {
        let looking = commands.map(|args| scope.spawn(move || look(house, args)));
        looking.map(|looked| looked.join().unwrap())
    });

    for (args, outcome) in outcomes {
        assert_eq!(outcome.code, Some(5), "{args:?}: {outcome:#?}");
        let journal = house.data().join("journal");
        let told = format!("{} is in use by another process", journal.display());
        assert!(outcome.stderr.contains(&told), "{args:?}: {outcome:#?}");
    }

    house.ask(&["task", "list"]).text();
}

#[test]
fn what_cannot_be_served_is_refused_before_anything_is_made() {
    let house = House::empty();
    let data = house.path("data");
    let mut serve = edge_ledger();
    serve.args(["serve", "--addr", "127.0.0.1:0", "--retention-tasks", "1h", "--data"]);

    let refused = outcome(serve.arg(&data));

    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("retention.tasks is 1h, at least 1day"), "{}", refused.stderr);
    assert!(!data.exists());
}

#[test]
fn a_gateway_that_is_told_to_stop_closes_its_ledger() {
    for signal in ["TERM", "INT"] {
        let mut house = House::served();

        assert_eq!(house.stop(signal), Some(0), "{signal}: {}", house.gateway_log());

        assert!(!house.path("url").exists());
        let verified = house.look(&["log", "verify", "--json"]).json();
        assert_eq!((&verified["ok"], &verified["closed"]), (&json!(true), &json!(true)));
    }
}

#[test]
fn a_killed_gateway_has_lost_nothing_that_it_answered() {
    let mut house = House::served();
    house.agent("rack", &[]);
    house.submit(&task("first")).json();
    house.done("first");
    house.end_agents();
    let ledger = ledger(&house);

    house.stop("KILL");

    let verified = house.look(&["log", "verify", "--json"]).json();
    assert_eq!(verified["closed"], json!(false));
    assert_eq!((&verified["head"], &verified["digest"]), (&ledger["head"], &ledger["digest"]));
    let late = house.look(&["liveness", "--json", "--at", "2099-01-01T00:00:00Z"]).json();
    assert_eq!((&late["open"], &late["items"][0]["liveness"]), (&json!(false), &json!("ONLINE")));
    house.serve();
    assert_eq!(house.ask(&["task", "show", "first", "--json"]).json()["status"], "DONE");
}

#[test]
fn a_gateway_that_goes_on_from_a_copy_begins_an_epoch() {
    let mut house = House::served();
    house.stop("TERM");

    house.serve_with(&["--new-epoch"]);
    assert_eq!(ledger(&house)["epoch"], 1);
    house.stop("TERM");

    house.serve();
    assert_eq!(ledger(&house)["epoch"], 1);
}

/// Asks the gateway for its ledger as a whole.
fn ledger(house: &House) -> Value {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = fs::read_to_string(house.path("url")).unwrap();
    let token = fs::read_to_string(house.data().join("operator.token")).unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asking = client.get(format!("{}/v1/ledger", url.trim())).bearer_auth(token.trim());
        asking.send().await.unwrap().json().await.unwrap()
    })
}

#[test]
fn the_log_tells_who_was_alive_at_any_instant() {
    let mut house = House::served();
    house.agent("rack", &[]);
    house.submit(&task("first")).json();
    house.done("first");
    house.end_agents();
    house.stop("TERM");

    let events = house.look(&["log", "show", "--json"]).text();
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = |name: &str| {
        let found = events.iter().find(|event| event["event"]["type"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {events:#?}")).clone()
    };
    let liveness = |at: &str| house.look(&["liveness", "--json", "--at", at]).json();

    let leased = at("task.leased");
    let then = liveness(&leased["position"].to_string());
    assert_eq!(then["items"][0]["liveness"], "ONLINE");
    assert_eq!(then["items"][0]["holds"], json!(["first"]));

    let closed = at("ledger.closed");
    let late = liveness("2099-01-01T00:00:00Z");
    assert_eq!(late["open"], json!(false));
    assert_eq!(late["items"][0]["liveness"], "ONLINE", "nobody falls silent while nobody listens");
    assert_eq!(late["head"], closed["position"]);

    let beyond = house.look(&["liveness", "--at", "1000000"]);
    assert_eq!(beyond.code, Some(3), "{beyond:#?}");

    let of_task = house.look(&["log", "show", "--task", "first", "--limit", "2"]).text();
    assert_eq!(of_task.lines().count(), 3, "{of_task}");
    assert!(of_task.contains("task.submitted") && of_task.contains("task.leased"), "{of_task}");
}

#[test]
fn a_log_with_a_damaged_block_is_not_vouched_for() {
    let mut house = House::served();
    house.submit(&task("a-name-to-be-found-on-disk")).json();
    house.stop("TERM");
    house.look(&["log", "verify"]).text();

    let db = house.data().join("journal").join("db");
    let mut bytes = fs::read(&db).unwrap();
    let name = b"a-name-to-be-found-on-disk";
    let found: Vec<_> =
        (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at] = b'X';
    }
    fs::write(&db, bytes).unwrap();

    let outcome = house.look(&["log", "verify"]);
    assert_eq!(outcome.code, Some(1), "{outcome:#?}");
    assert!(outcome.stderr.starts_with("error: "), "{outcome:#?}");
}

#[test]
fn a_program_does_the_work_with_its_own_arguments() {
    const WORKER: &str = r#"cat >/dev/null
printf '{"type":"result","configId":"%s","strategyConfig":{},"metrics":{}}\n' "$1$2"
printf '{"type":"complete","bestConfigIds":["%s"]}\n' "$1$2""#;
    let mut house = House::served();

    house.agent("rack", &["--exec", "sh", "-c", WORKER, "sh", "--poll", "-x"]);
    house.submit(&json!({ "id": "first", "payload": { "any": "thing" } })).json();

    let done = house.done("first");
    assert_eq!(done["finished"]["bestConfigIds"], json!(["--poll-x"]));
}

#[test]
fn a_name_from_elsewhere_cannot_steer_the_terminal() {
    let mut house = House::served();
    house.agent("rack\u{1b}[31m\u{9b}2J", &[]);
    eventually("the edge is there", || {
        house.ask(&["edge", "list", "--json"]).json()["items"] != json!([])
    });

    for args in [&["edge", "list"][..], &["edge", "list", "--json"]] {
        let text = house.ask(args).text();
        assert!(text.contains("rack"), "{text:?}");
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    }
}

#[test]
fn an_operator_steps_in() {
    let mut house = House::served();
    house.agent("rack", &[]);
    eventually("the edge is there", || {
        house.ask(&["edge", "list", "--json"]).json()["items"] != json!([])
    });
    let edges = house.ask(&["edge", "list", "--json"]).json();
    let edge = edges["items"][0]["id"].as_str().unwrap();
    let step = |args: &[&str]| {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        house.ask(&args).json()
    };

    assert_eq!(step(&["edge", "labels", edge, "gpu=a100", "zone=b"])["labels"]["gpu"], "a100");
    assert_eq!(step(&["edge", "labels", edge, "--none"])["labels"], json!({}));
    assert_eq!(step(&["edge", "capacity", edge, "3"])["capacity"], 3);
    assert_eq!(step(&["edge", "disable", edge, "--reason", "moved"])["statusReason"], "moved");
    assert_eq!(step(&["edge", "enable", edge])["status"], "ACTIVE");
    let rotated = step(&["edge", "rotate", edge, "--overlap", "1h"]);
    assert!(rotated["credential"].as_str().unwrap().starts_with("wk_live_"));
    assert_eq!(step(&["edge", "revoke", edge])["credentials"], json!([]));

    house.submit(&json!({ "id": "idle", "requires": { "gpu": "h100" } })).json();
    assert_eq!(step(&["task", "why", "idle"])["reasons"][0]["code"], "no_edge_meets_requirements");
    assert_eq!(step(&["task", "reassign", "idle", "--to", edge])["assignedTo"], edge);
    assert_eq!(step(&["task", "reassign", "idle", "--any"])["assignedTo"], Value::Null);
    assert_eq!(step(&["task", "cancel", "idle", "--reason", "no"])["status"], "CANCELLED");
    assert_eq!(step(&["task", "retry", "idle"])["run"], 2);
    assert_eq!(step(&["task", "late", "idle"])["items"], json!([]));

    let tokens = step(&["token", "list"]);
    let token = tokens["items"][0]["id"].as_str().unwrap();
    assert_eq!(step(&["token", "revoke", token])["status"], "REVOKED");
}

#[test]
fn lists_are_filtered_by_the_words_that_they_show() {
    let house = House::served();
    house.submit(&json!({ "id": "idle", "payload": 1 })).json();

    for status in ["AWAIT", "await"] {
        let tasks = house.ask(&["task", "list", "--json", "--status", status]).json();
        assert_eq!(tasks["items"][0]["id"], "idle", "{status}");
    }
    for filter in [["--status", "ACTIVE"], ["--liveness", "ONLINE"]] {
        let edges = house.ask(&["edge", "list", "--json", filter[0], filter[1]]).json();
        assert_eq!(edges["items"], json!([]), "{filter:?}");
    }
}

#[test]
fn tasks_come_from_stdin_too() {
    let house = House::served();
    let mut command = house.operator(&["task", "submit", "-", "--json"]);
    let file = house.path("list.json");
    fs::write(&file, json!([task("a"), task("b")]).to_string()).unwrap();

    let submitted = outcome(command.stdin(fs::File::open(file).unwrap())).json();

    assert_eq!(submitted["tasks"].as_array().unwrap().len(), 2);
}

#[test]
fn processes_that_belong_to_a_parent_end_with_it() {
    let house = House::empty();
    let mut command: Command = edge_ledger();
    command.args(["serve", "--with-parent", "--addr", "127.0.0.1:0", "--data"]).arg(house.data());

    let mut gateway = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    eventually("it has begun", || house.data().join("operator.token").exists());
    drop(gateway.stdin.take());

    assert_eq!(gateway.wait().unwrap().code(), Some(0));
}
