//! Logs folded again, and decisions made again, as whoever embeds or operates it does.
use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::house::{House, Outcome, edge_ledger, eventually, outcome, task};

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/logs");

fn replay(args: &[&str]) -> Outcome {
    outcome(edge_ledger().arg("replay").args(args))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Copies a golden log and its snapshot into a house, and returns where the log is.
fn copied(house: &House, log: &str) -> PathBuf {
    let from = Path::new(LOGS).join(log);
    let to = house.path(from.file_name().unwrap().to_str().unwrap());
    fs::copy(&from, &to).unwrap();
    fs::copy(format!("{}.snapshot.json", from.display()), snapshot_of(&to)).unwrap();
    to
}

fn snapshot_of(log: &Path) -> PathBuf {
    PathBuf::from(format!("{}.snapshot.json", log.display()))
}

#[test]
fn every_golden_log_comes_to_what_it_came_to() {
    let told = replay(&[LOGS, "--expect-all", "--json"]).json();

    let logs = told["logs"].as_array().unwrap();
    assert!(logs.len() >= 18, "{told:#}");
    for log in logs {
        assert_eq!(log["ok"], true, "{log:#}");
        assert!(log["head"].as_u64().unwrap() > 0 && log["eventsPerSecond"].is_number(), "{log:#}");
    }
    let table = replay(&[&format!("{LOGS}/v1"), "--expect-all"]).text();
    assert_eq!(table.matches("as expected").count(), 3, "{table}");
}

#[test]
fn a_changed_log_is_told_by_the_first_difference_of_its_state() {
    let house = House::empty();
    let log = copied(&house, "v2/finished_tasks_are_archived.hex");
    let was = fs::read_to_string(&log).unwrap();
    // The name of an edge, "rack", in hex.
    assert!(was.contains("7261636b"));
    fs::write(&log, was.replacen("7261636b", "7261636c", 1)).unwrap();

    let told = replay(&[text(&log), "--expect-all"]);

    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(
        told.stderr.contains(".identity.display_name\n  expected: \"rack\"\n  found:    \"racl\""),
        "{told:#?}"
    );
    let json = replay(&[text(&log), "--expect", text(&snapshot_of(&log)), "--json"]);
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["logs"][0]["difference"]["found"], "racl", "{json:#}");
}

#[test]
fn a_log_that_says_the_same_in_other_bytes_is_told_too() {
    let house = House::empty();
    let log = copied(&house, "v2/finished_tasks_are_archived.hex");
    let was = fs::read_to_string(&log).unwrap();
    let (header, commits) = was.split_once('\n').unwrap();
    fs::write(&log, format!("{header}\n{}", commits.replacen("7261636b", "7261636B", 1))).unwrap();

    let told = replay(&[text(&log), "--expect-all"]);

    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains(".file.blake3\n  expected: "), "{told:#?}");
}

#[test]
fn a_log_that_cannot_be_read_is_told_by_where() {
    let house = House::empty();
    let log = copied(&house, "v2/idempotency_keys.hex");
    let was = fs::read(&log).unwrap();
    for (bytes, told) in [
        (was[..was.len() - 3].to_vec(), "does not decode"),
        (was[..was.len() - 2].to_vec(), "is no hex"),
        (b"{}\n".to_vec(), "the first line is no header"),
        (b"\xff\n".to_vec(), "it is no text in UTF-8 from byte 0 on"),
    ] {
        fs::write(&log, bytes).unwrap();
        let outcome = replay(&[text(&log), "--expect-all"]);
        assert_eq!(outcome.code, Some(1), "{outcome:#?}");
        assert!(outcome.stderr.contains(told), "{told}: {outcome:#?}");
    }
}

#[test]
fn a_packed_log_with_a_changed_byte_is_told_by_where() {
    let house = House::empty();
    let log = house.path("many.backup");
    let mut bytes = fs::read(Path::new(LOGS).join("v2/ten_thousand_tasks.backup")).unwrap();
    let at = bytes.len() / 20;
    bytes[at] ^= 1;
    fs::write(&log, bytes).unwrap();

    let told = replay(&[text(&log)]);

    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains("it cannot be relied on after position "), "{told:#?}");
}

#[test]
fn a_log_without_a_snapshot_and_a_snapshot_without_its_log_both_fail() {
    let house = House::empty();
    let log = copied(&house, "v2/idempotency_keys.hex");
    fs::remove_file(snapshot_of(&log)).unwrap();
    let told = replay(&[text(&house.path("")), "--expect-all"]);
    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains("there is no snapshot beside it"), "{told:#?}");

    let log = copied(&house, "v2/idempotency_keys.hex");
    fs::remove_file(&log).unwrap();
    let told = replay(&[text(&house.path("")), "--expect-all"]);
    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains("its log is gone"), "{told:#?}");

    let told = replay(&[text(&house.path("nowhere"))]);
    assert_eq!(told.code, Some(3), "{told:#?}");
}

#[test]
fn a_snapshot_is_of_the_log_whatever_it_is_kept_in() {
    let mut house = House::served();
    house.submit(&task("first")).json();
    house.stop("TERM");
    let data = house.data();
    replay(&[text(&data), "--write-snapshots"]).text();
    let snapshot = snapshot_of(&data);
    let written = fs::read_to_string(&snapshot).unwrap();
    let backup = house.path("backup");
    house.look(&["backup", text(&backup)]).text();
    let files = house.path("files");
    house.look(&["log", "convert", "--to", "segments", "--into", text(&files)]).text();

    for log in [&data, &backup, &files] {
        replay(&[text(log), "--expect", text(&snapshot)]).text();
    }
    house.serve();
    house.stop("TERM");
    let told = replay(&[text(&data), "--expect-all"]);

    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.contains(".ledger.head\n  expected: "), "{told:#?}");
    assert!(written.lines().count() > 50, "people read it: {written}");
    let kept = replay(&[text(&data), "--write-snapshots"]).text();
    assert!(kept.contains("has a snapshot"), "{kept}");
    assert_eq!(fs::read_to_string(&snapshot).unwrap(), written, "it is never written over");
}

#[test]
fn a_log_is_shown_as_it_was() {
    let log = format!("{LOGS}/v2/everything_that_can_happen.hex");
    let head = replay(&[&log, "--json"]).json()["logs"][0]["head"].as_u64().unwrap();

    let then = replay(&[&log, "--at", "2", "--json"]).json();
    assert_eq!(then["logs"][0]["head"], 2);
    let late = replay(&[&log, "--at", "2999-01-01T00:00:00Z", "--json"]).json();
    assert_eq!(
        (&late["logs"][0]["head"], &late["logs"][0]["asOf"]),
        (&json!(head), &json!("2999-01-01T00:00:00.000Z"))
    );
    let beyond = replay(&[&log, "--at", "1000000"]);
    assert_eq!(beyond.code, Some(1), "{beyond:#?}");
    assert!(beyond.stderr.contains("1000000 lies beyond it"), "{beyond:#?}");
}

/// A gateway that records, an agent that has done two tasks, and a refusal.
fn recorded() -> (House, PathBuf) {
    let mut house = House::empty();
    let file = house.path("decisions.jsonl");
    house.serve_with(&["--record", text(&file)]);
    house.agent("rack", &[]);
    house.submit(&json!({ "tasks": [task("first"), task("second")] })).json();
    for name in ["first", "second"] {
        house.done(name);
    }
    assert_eq!(house.ask(&["task", "retry", "first"]).code, Some(4));
    house.end_agents();
    (house, file)
}

#[test]
fn what_a_gateway_decided_is_decided_again_as_it_was() {
    let (mut house, file) = recorded();
    house.stop("TERM");
    house.serve_with(&["--record", text(&file)]);
    house.submit(&task("third")).json();
    house.stop("TERM");

    let told = replay(&["--decisions", text(&file), "--json"]).json();

    let verified = house.look(&["log", "verify", "--json"]).json();
    assert_eq!((&told["ok"], &told["differ"]), (&json!(true), &json!([])), "{told:#}");
    assert_eq!((&told["head"], &told["digest"]), (&verified["head"], &verified["digest"]));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("task_wrong_status"), "refusals are there");
    assert_eq!(text.matches("{\"begins\":").count(), 2, "one for each start");
}

#[test]
fn a_decision_that_was_another_by_a_millisecond_is_named() {
    let (mut house, file) = recorded();
    house.stop("TERM");
    let was = fs::read_to_string(&file).unwrap();
    let leased = was.find("\"leased\":").unwrap();
    let lease = was[leased..].find("\"expires_at\":").unwrap() + leased + 13;
    let number: String = was[lease..].chars().take_while(char::is_ascii_digit).collect();
    let more = (number.parse::<u64>().unwrap() + 1).to_string();
    let edited = format!("{}{more}{}", &was[..lease], &was[lease + number.len()..]);
    fs::write(&file, edited).unwrap();

    let told = replay(&["--decisions", text(&file)]);

    assert_eq!(told.code, Some(1), "{told:#?}");
    assert!(told.stderr.starts_with("error: the decision after position "), "{told:#?}");
    let difference = format!("leased.expires_at\n  expected: {more}\n  found:    {number}");
    assert!(told.stderr.contains(&difference), "{difference}: {told:#?}");
    assert!(told.stderr.contains("{\"poll\":"), "the command is told: {told:#?}");
}

#[test]
fn decisions_that_begin_later_are_made_again_on_the_log_they_belong_to() {
    let mut house = House::served();
    house.submit(&task("first")).json();
    house.stop("TERM");
    let file = house.path("decisions.jsonl");
    house.serve_with(&["--record", text(&file)]);
    house.submit(&task("second")).json();
    house.stop("KILL");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{whole}{{\"decided\":{{\"after\":")).unwrap();

    let alone = replay(&["--decisions", text(&file)]);
    let with = replay(&["--decisions", text(&file), "--log", text(&house.data())]);

    assert_eq!(alone.code, Some(1), "{alone:#?}");
    assert!(alone.stderr.contains("--log DIR"), "{alone:#?}");
    assert_eq!(with.code, Some(0), "{with:#?}");
    assert!(with.stderr.contains("breaks off"), "{with:#?}");
    house.serve_with(&["--record", text(&file)]);
    house.stop("TERM");
    let text_now = fs::read_to_string(&file).unwrap();
    assert!(text_now.starts_with(&whole), "what was torn is cut off, and nothing else");
    let again = replay(&["--decisions", text(&file), "--log", text(&house.data())]);
    assert_eq!(again.code, Some(0), "{again:#?}");
}

#[test]
fn no_secret_is_in_a_file_of_decisions() {
    let mut house = House::empty();
    let file = house.path("decisions.jsonl");
    house.serve_with(&["--record", text(&file)]);
    let token =
        house.ask(&["token", "create", "--json"]).json()["token"].as_str().unwrap().to_owned();
    house.agent("rack", &[]);
    eventually("the edge is there", || {
        house.ask(&["edge", "list", "--json"]).json()["items"] != json!([])
    });
    let edges = house.ask(&["edge", "list", "--json"]).json();
    let edge = edges["items"][0]["id"].as_str().unwrap();
    let rotated = house.ask(&["edge", "rotate", edge, "--json"]).json();
    let credential = rotated["credential"].as_str().unwrap();
    house.stop("TERM");

    let text = fs::read_to_string(&file).unwrap();
    let operator = fs::read_to_string(house.data().join("operator.token")).unwrap();
    assert!(text.contains(edge), "the rotation is there");
    for secret in [token.as_str(), credential, operator.trim()] {
        assert!(!text.contains(secret), "{secret}");
    }
    for prefix in ["etr_live_", "wk_live_", "op_live_"] {
        assert!(!text.contains(prefix), "{prefix}");
    }
}
