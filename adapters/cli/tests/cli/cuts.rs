//! A part of a log that folds by itself, to attach to a report.
use std::fs;

use serde_json::{Value, json};

use crate::{
    exports::{run, text, worked},
    house::{House, edge_ledger, eventually, outcome},
};

#[test]
fn a_cut_shows_its_task_as_the_log_does() {
    let mut house = worked();
    let file = house.path("cut.jsonl");
    let whole = house.look(&["log", "verify", "--json"]).json();

    let args = ["log", "cut", "--json", "--task", "first", "--out", text(&file)];
    let cut = run(&house.data(), &args).json();
    let there = house.path("there");
    let imported = run(&there, &["log", "import", "--json", text(&file)]).json();

    assert_eq!((&cut["head"], &cut["ofCommits"]), (&whole["head"], &whole["commits"]));
    assert!(cut["commits"].as_u64() < whole["commits"].as_u64(), "{cut}");
    for fact in ["head", "hash", "digest"] {
        assert_eq!(imported[fact], cut[fact], "{fact}");
    }
    let of_first = ["log", "grep", "--json", "--task", "first"];
    assert_eq!(run(&there, &of_first).text(), run(&house.data(), &of_first).text());
    assert_eq!(run(&there, &["log", "grep", "--task", "beside"]).code, Some(3));
    assert!(!fs::read_to_string(&file).unwrap().contains("beside"), "nothing of another task");

    let at = whole["head"].to_string();
    let liveness = |data: &std::path::Path| {
        run(data, &["liveness", "--json", "--at", &at]).json()["items"].clone()
    };
    assert_eq!(liveness(&there)[0]["edge"], liveness(&house.data())[0]["edge"]);
    assert_eq!(liveness(&there)[0]["liveness"], liveness(&house.data())[0]["liveness"]);
    let leased = run(&there, &["log", "grep", "--json", "--event", "task.leased"]).json();
    let shown = |house: &House| {
        let at = ["task", "show", "first", "--json", "--at"];
        [leased["position"].to_string(), at_head(&whole)]
            .map(|position| house.ask(&[&at[..], &[&position]].concat()).json())
    };
    house.serve();
    let before = shown(&house);
    let results = house.ask(&["task", "results", "first", "--json"]).json();
    house.stop("TERM");
    let mut cut_house = House::empty();
    fs::rename(&there, cut_house.data()).unwrap();
    cut_house.serve_with(&["--new-epoch"]);
    assert_eq!(shown(&cut_house), before);
    assert_eq!(cut_house.ask(&["task", "results", "first", "--json"]).json(), results);
}

#[test]
fn a_cut_has_all_of_an_edge_and_of_the_tasks_it_had() {
    let mut house = House::served();
    house.agent("rack", &[]);
    eventually("the edge is there", || {
        house.ask(&["edge", "list", "--json"]).json()["items"] != json!([])
    });
    house.submit(&crate::house::task("first")).json();
    house.done("first");
    house.end_agents();
    house.agent("other", &[]);
    eventually("the other is there", || {
        house.ask(&["edge", "list", "--json"]).json()["items"].as_array().unwrap().len() == 2
    });
    house.submit(&json!({ "id": "never", "requires": { "gpu": "h100" } })).json();
    house.end_agents();
    house.stop("TERM");
    let registered = ["log", "grep", "--json", "rack", "--event", "edge.registered"];
    let rack = house.look(&registered).json()["event"]["data"]["edge"].clone();
    let rack = rack.as_str().unwrap();

    let file = house.path("cut.jsonl");
    run(&house.data(), &["log", "cut", "--edge", rack, "--out", text(&file)]).text();

    let of_rack = ["log", "grep", "--json", "--edge", rack];
    assert_eq!(run(&file, &of_rack).text(), house.look(&of_rack).text());
    let edges = run(&file, &["log", "grep", "--json", "--event", "edge.registered"]).text();
    assert_eq!(edges.lines().count(), 1, "{edges}");
    assert_eq!(run(&file, &["log", "grep", "--task", "never"]).code, Some(3));
    let unknown = run(&house.data(), &["log", "cut", "--task", "nope"]);
    assert_eq!(unknown.code, Some(3), "{unknown:#?}");
    assert!(unknown.stderr.contains("task nope is not in the log in"), "{unknown:#?}");
}

#[test]
fn a_redacted_cut_has_the_same_shape_and_none_of_the_words() {
    let mut house = House::served();
    house.agent("secret-rack", &[]);
    house
        .submit(&json!({
            "id": "acme-forecast",
            "name": "forecast for acme",
            "dedupeKey": "acme-2026",
            "requires": { "gpu": "h100" },
            "payload": { "customer": "acme" },
        }))
        .json();
    house.ask(&["task", "cancel", "acme-forecast", "--reason", "acme has left"]).text();
    house.end_agents();
    house.stop("TERM");
    let plain = cut(&house, &[]);
    let (first, second) = (cut(&house, &["--redact"]), cut(&house, &["--redact"]));

    for word in ["acme", "h100", "gpu", "\"operator\":{\"name\":\"operator\""] {
        assert!(plain.contains(word), "{word} is not in {plain}");
        assert!(!first.contains(word), "{word} is in {first}");
    }
    let rack = house.look(&["log", "grep", "--json", "--event", "edge.registered"]).json();
    let rack = rack["event"]["data"]["edge"].as_str().unwrap().to_owned();
    let of_rack = run(&house.data(), &["log", "cut", "--edge", &rack, "--redact"]).text();
    assert!(of_rack.contains(&rack) && !of_rack.contains("secret-rack"), "{of_rack}");
    let header: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let task = header["cut"]["of"]["task"].as_str().unwrap().to_owned();
    assert!(task.starts_with("task-") && header["cut"]["redacted"] == json!(true), "{header}");
    assert_ne!(first, second, "each cut has a key of its own");
    assert_eq!(shape(&first), shape(&plain));

    let file = house.path("redacted.jsonl");
    fs::write(&file, &first).unwrap();
    let there = house.path("redacted");
    run(&there, &["log", "import", text(&file)]).text();
    let names = |data: &std::path::Path, task: &str| -> Vec<Value> {
        let found = run(data, &["log", "grep", "--json", "--task", task]).text();
        let events = found.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| json!([event["position"], event["event"]["type"]])).collect()
    };
    assert_eq!(names(&there, &task), names(&house.data(), "acme-forecast"));
}

fn cut(house: &House, flags: &[&str]) -> String {
    let mut command = edge_ledger();
    command.args(["log", "cut", "--task", "acme-forecast"]).args(flags);
    outcome(command.arg("--data").arg(house.data())).text()
}

/// What stays of an export when every text is left out of it: its lines, their fields and numbers.
fn shape(export: &str) -> Vec<Value> {
    fn without(value: &mut Value) {
        match value {
            Value::String(text) => *text = String::new(),
            Value::Array(values) => values.iter_mut().for_each(without),
            Value::Object(fields) => {
                for name in ["requires", "payload", "redacted"] {
                    fields.remove(name);
                }
                fields.values_mut().for_each(without);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let lines = export.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|mut line| {
            without(&mut line);
            line
        })
        .collect()
}

fn at_head(whole: &Value) -> String {
    whole["head"].to_string()
}
