//! A log as a file that anything can read: written, read back, compared and searched.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::house::{House, Outcome, edge_ledger, eventually, outcome, task};

#[test]
fn a_log_comes_back_from_its_export_the_same_in_either_store() {
    let house = worked();
    let was = house.look(&["log", "verify", "--json"]).json();

    let file = house.path("log.jsonl");
    let exported = run(&house.data(), &["log", "export", "--json", "--out", text(&file)]).json();
    let printed = run(&house.data(), &["log", "export"]).text();

    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, printed);
    assert_eq!(
        (&exported["head"], &exported["hash"], &exported["commits"]),
        (&was["head"], &was["hash"], &was["commits"])
    );
    for store in ["sled", "segments"] {
        let there = house.path(store);
        let args = ["log", "import", "--json", "--store", store, text(&file)];
        let imported = run(&there, &args).json();
        for fact in ["head", "hash", "commits", "digest"] {
            assert_eq!(imported[fact], was[fact], "{fact} of {imported}");
        }
        assert_eq!(run(&there, &["log", "verify", "--json"]).json(), was);
        assert_eq!(run(&there, &["log", "export"]).text(), written);
        assert_eq!(compared(&house.data(), &there).code, Some(0));
    }
    assert_eq!(run(&house.path("sled"), &["log", "import", text(&file)]).code, Some(4));
    assert_eq!(run(&house.data(), &["log", "export", "--out", text(&file)]).code, Some(4));
}

#[test]
fn an_export_is_read_wherever_a_log_is() {
    let house = worked();
    let file = exported(&house);
    let archive = house.path("archive-only");
    fs::create_dir(&archive).unwrap();

    for args in [
        &["log", "show", "--json"][..],
        &["log", "grep", "--json", "--event", "task.leased"],
        &["log", "export", "--as", "cloudevents"],
    ] {
        assert_eq!(run(&file, args).text(), run(&house.data(), args).text(), "{args:?}");
    }
    let nothing = run(&archive, &["log", "show"]);
    assert_eq!(nothing.code, Some(3), "{nothing:#?}");
    assert!(nothing.stderr.contains("there is no ledger in"), "{nothing:#?}");
    let other = house.path("other.txt");
    fs::write(&other, "anything\n").unwrap();
    let other = run(&other, &["log", "show"]);
    assert_eq!(other.code, Some(2), "{other:#?}");
    assert!(other.stderr.contains("line 1 is not the first line of an export"), "{other:#?}");
}

#[test]
fn a_damaged_export_is_refused_with_its_line_and_leaves_nothing() {
    let house = worked();
    let whole = fs::read_to_string(exported(&house)).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let (second, last) = (lines[1].to_owned(), lines.len());
    let joined = |lines: &[&str]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    let without = |at: usize| joined(&[&lines[..at - 1], &lines[at..]].concat());
    let twice = |at: usize| joined(&[&lines[..at], &lines[at - 1..]].concat());
    let nine_of = |at: usize| lines[at - 1].replacen("\"recorded_at\":1", "\"recorded_at\":9", 1);
    let altered = whole.replacen(lines[3], &nine_of(4), 1);
    let cases = [
        (without(3), "line 3 cannot be relied on: field after is"),
        (twice(4), "line 5 cannot be relied on: field after is"),
        (without(last), &format!("line {last} cannot be relied on: the file breaks off there")),
        (whole[..whole.len() / 2].to_owned(), "the file breaks off there"),
        (altered, "something in them was altered"),
        (whole.replacen("\"format\":2", "\"format\":7", 1), "the newest this build knows is 2"),
        (whole.replacen(&second, &second.replacen(",", ", ", 1), 1), "where this build writes"),
        (whole.clone() + &second + "\n", "there is something behind the last line"),
        (run(&house.data(), &["log", "export", "--as", "cloudevents"]).text(), "line 1 is not"),
    ];

    for (nth, (text_of, told)) in cases.iter().enumerate() {
        let (file, there) = (house.path("damaged.jsonl"), house.path(&format!("there-{nth}")));
        fs::write(&file, text_of).unwrap();
        let refused = run(&there, &["log", "import", text(&file)]);

        assert!(matches!(refused.code, Some(1 | 2)), "{told}: {refused:#?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
        assert!(refused.stderr.contains("next: ") || told.contains("build"), "{refused:#?}");
        assert!(!there.exists(), "{told}");
    }
    let left: Vec<_> =
        fs::read_dir(house.path("")).unwrap().map(|one| one.unwrap().path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().contains(".importing-")), "{left:?}");
}

#[test]
fn a_part_of_a_log_is_exported_by_whole_blocks_and_does_not_fold() {
    let house = worked();
    let file = house.path("part.jsonl");

    let args = ["log", "export", "--json", "--from", "4", "--to", "9", "--out", text(&file)];
    let part = run(&house.data(), &args).json();
    let there = house.path("there");
    let imported = run(&there, &["log", "import", "--json", text(&file)]).json();

    assert!(part["begin"]["position"].as_u64().unwrap() < 4);
    assert!(part["head"].as_u64().unwrap() >= 9);
    assert_eq!((&imported["hash"], &imported["digest"]), (&part["hash"], &Value::Null));
    let shown =
        |data: &Path| run(data, &["log", "grep", "--json", "--since", "4", "--until", "9"]).text();
    assert_eq!(shown(&there), shown(&house.data()));
    assert_eq!(shown(&there).lines().count(), 6);
    let hash = part["hash"].as_str().unwrap();
    let position = part["head"].to_string();
    house.look(&["log", "verify", "--from", &position, "--hash", hash]).text();
    let beyond = run(&house.data(), &["log", "export", "--from", "1000000"]);
    assert_eq!(beyond.code, Some(3), "{beyond:#?}");
}

#[test]
fn events_leave_as_cloud_events() {
    let house = worked();

    let text = run(&house.data(), &["log", "export", "--as", "cloudevents"]).text();

    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown = house.look(&["log", "show", "--json"]).text();
    let shown: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), shown.len());
    for (event, shown) in events.iter().zip(&shown) {
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["id"], shown["position"].to_string());
        assert_eq!(event["time"], shown["recordedAt"]);
        assert_eq!(
            (&event["type"], &event["data"]),
            (&shown["event"]["type"], &shown["event"]["data"])
        );
        assert_eq!(event["cause"], shown["cause"]["command"]);
        assert_eq!(event["source"], events[0]["source"]);
    }
    let leased = events.iter().find(|event| event["type"] == "task.leased").unwrap();
    assert_eq!(leased["subject"], "task/first");
    assert!(leased["principal"].as_str().unwrap().starts_with("edge:"), "{leased}");
    let first = run(&house.data(), &["log", "export", "--as", "cloudevents", "--to", "3"]).text();
    assert_eq!(first.lines().count(), 3);
}

#[test]
fn what_a_real_log_is_exported_as_meets_its_schemas() {
    let house = worked();

    for (form, schema) in [("jsonl", "export-1-format-2"), ("cloudevents", "cloudevent")] {
        let path = format!("../../fixtures/schemas/{schema}.json");
        let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let exported = run(&house.data(), &["log", "export", "--as", form]).text();

        assert!(exported.lines().count() > 10, "{exported}");
        for line in exported.lines() {
            let line = serde_json::from_str(line).unwrap();
            assert!(schema.validate(&line).is_ok(), "{line}: {:?}", schema.validate(&line));
        }
    }
}

#[test]
fn two_logs_are_the_same_or_one_is_longer_or_they_part_somewhere() {
    let mut house = worked();
    let short = exported(&house);
    let copy = house.path("copy");
    run(&copy, &["log", "import", text(&short)]).text();
    let (head, longer) = (head(&house.data()), house.data());
    house.serve();
    house.submit(&task("second")).json();
    house.stop("TERM");

    let same = compared(&short, &copy).json();
    let ahead = compared(&longer, &copy);
    let behind = compared(&copy, &longer);
    let aside = house.path("aside");
    serve_once(&house, &copy, &aside);
    let forked = compared(&copy, &longer);
    let table = run_bare(&["log", "diff", text(&copy), text(&longer)]);

    assert_eq!((&same["relation"], &same["same"]), (&json!("same"), &json!(head)));
    for (outcome, side) in [(&ahead, "a"), (&behind, "b")] {
        let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(outcome.code, Some(1), "{outcome:#?}");
        assert_eq!((&json["relation"], &json["longer"]), (&json!("longer"), &json!(side)));
        assert_eq!((&json["same"], &json["position"]), (&json!(head), &json!(head + 1)));
        assert_eq!(json["next"][0]["event"]["type"], "ledger.opened");
    }
    assert_eq!(forked.code, Some(1), "{forked:#?}");
    let json: Value = serde_json::from_str(&forked.stdout).unwrap();
    assert_eq!((&json["relation"], &json["position"]), (&json!("forked"), &json!(head + 1)));
    let fields: Vec<_> =
        json["differences"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert!(fields.contains(&&json!("cause.command")), "{fields:?}");
    assert!(table.stdout.contains(&format!("differ from position {} on", head + 1)), "{table:#?}");
    assert!(table.stdout.contains("ledger.opened"), "{table:#?}");
}

#[test]
fn grep_finds_what_meets_every_condition() {
    let house = worked();
    let events = |args: &[&str]| -> Vec<Value> {
        let args = [&["log", "grep", "--json"], args].concat();
        let found = run(&house.data(), &args);
        assert!(matches!(found.code, Some(0 | 3)), "{found:#?}");
        found.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let edge = events(&["--event", "edge.registered"])[0]["event"]["data"]["edge"].clone();
    let edge = edge.as_str().unwrap();
    let all = events(&[]);
    let of_first = events(&["--task", "first"]);
    let leased = events(&["--task", "first", "--edge", edge, "--event", "task.leased"]);
    let time = leased[0]["recordedAt"].as_str().unwrap();

    assert_eq!(all.len() as u64, head(&house.data()));
    assert!(of_first.iter().all(|event| event["event"]["data"]["task"] == "first"));
    assert_eq!(leased.len(), 1);
    let since = events(&["--since", time, "--event", "task.*", "--task", "first"]);
    assert_eq!(since[0]["position"], leased[0]["position"]);
    let until = events(&["--until", time, "--task", "first"]);
    assert!(until.contains(&leased[0]) && until.len() < of_first.len());
    assert_eq!(events(&["-i", "RACK", "--event", "edge.registered"]).len(), 1);
    assert_eq!(events(&["RACK", "--event", "edge.registered"]).len(), 0);
    assert_eq!(events(&["--limit", "2"]).len(), 2);
    let none = run(&house.data(), &["log", "grep", "no such thing"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(3), ""), "{none:#?}");
    let table = run(&house.data(), &["log", "grep", "--event", "task.leased"]).text();
    assert!(table.starts_with("POSITION") && table.contains("task.leased"), "{table}");
}

/// A house in which an edge has done a task, its gateway stopped.
pub(crate) fn worked() -> House {
    let mut house = House::served();
    house.agent("rack", &[]);
    house.submit(&json!({ "tasks": [task("first"), task("beside")] })).json();
    house.done("first");
    house.done("beside");
    house.end_agents();
    house.stop("TERM");
    house
}

fn exported(house: &House) -> PathBuf {
    let file = house.path("exported.jsonl");
    run(&house.data(), &["log", "export", "--out", text(&file)]).text();
    file
}

/// Runs a command on a log.
pub(crate) fn run(log: &Path, args: &[&str]) -> Outcome {
    outcome(edge_ledger().args(args).arg("--data").arg(log))
}

fn run_bare(args: &[&str]) -> Outcome {
    outcome(edge_ledger().args(args))
}

fn compared(a: &Path, b: &Path) -> Outcome {
    run_bare(&["log", "diff", "--json", text(a), text(b)])
}

fn head(log: &Path) -> u64 {
    run(log, &["log", "verify", "--json"]).json()["head"].as_u64().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Serves another data directory until it answers, and stops it.
fn serve_once(house: &House, data: &Path, ready: &Path) {
    let mut command = edge_ledger();
    command.args(["serve", "--addr", "127.0.0.1:0", "--ready-file"]).arg(ready);
    let log = fs::File::create(house.path("aside.log")).unwrap();
    let mut gateway =
        command.arg("--data").arg(data).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    eventually("it answers", || ready.exists());
    crate::house::ended(&mut gateway, "TERM");
}
