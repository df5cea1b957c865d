//! What is old leaves the journal for the archive, and stays part of the log.
use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::house::{House, eventually, task};

#[test]
fn an_archived_log_is_the_same_log_and_what_an_unfinished_task_needs_stays_live() {
    let mut house = House::served();
    house.submit(&task("over")).json();
    house.ask(&["task", "cancel", "over", "--json"]).json();
    house.submit(&task("unfinished")).json();
    let shown = house.ask(&["task", "show", "over", "--json"]).json();
    house.stop("TERM");
    let was = verified(&house);

    house.serve_with(&["--retention-size", "0"]);
    eventually("the log is archived", || archived(&house, ".beats").len() == 1);
    let again = house.ask(&["task", "show", "over", "--json"]).json();
    house.stop("TERM");

    let [archive] = &archived(&house, ".archive")[..] else { panic!("there is one file") };
    let name = archive.file_name().unwrap().to_str().unwrap();
    let last: u64 = name[21..41].parse().unwrap();
    let events = house.look(&["log", "show", "--json"]).text();
    let unfinished = events.lines().find(|event| event.contains("\"unfinished\"")).unwrap();
    let unfinished: Value = serde_json::from_str(unfinished).unwrap();
    let submitted = unfinished["position"].as_u64().unwrap();
    assert!(last > 0 && last < submitted, "{name}, and {submitted} is needed");
    assert_eq!((&shown["payload"], &shown["status"]), (&again["payload"], &again["status"]));
    let now = verified(&house);
    assert_eq!(now["ok"], json!(true));
    assert!(now["head"].as_u64() > was["head"].as_u64());
    let (position, hash) = (was["head"].to_string(), was["hash"].as_str().unwrap());
    let from = ["log", "verify", "--json", "--from", &position, "--hash", hash];
    assert_eq!(house.look(&from).json()["ok"], json!(true));

    let stats = house.look(&["log", "stats", "--json", "--retention-size", "0"]).json();
    let shares = |of: &str| stats[of].as_array().unwrap().clone();
    let events = |of: &str| shares(of).iter().map(|share| share["events"].as_u64().unwrap()).sum();
    assert_eq!(
        (Some(events("kinds")), Some(events("days"))),
        (now["head"].as_u64(), now["head"].as_u64())
    );
    assert!(
        shares("kinds").iter().any(|share| share["of"] == "task.submitted" && share["events"] == 2)
    );
    let archived_bytes = fs::metadata(archive).unwrap().len();
    assert_eq!(stats["onDisk"]["archive"], json!(archived_bytes));
    assert_eq!(stats["retention"]["pinned"], json!(submitted));
    assert_eq!(stats["retention"]["frees"], json!(0), "nothing more than was archived");

    fs::remove_file(archive).unwrap();

    let live = verified(&house);
    assert_eq!((&live["ok"], &live["hash"]), (&json!(true), &now["hash"]));
    assert_eq!(live["knownByHashOnly"]["position"], json!(last));
}

fn verified(house: &House) -> Value {
    house.look(&["log", "verify", "--json"]).json()
}

fn archived(house: &House, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(house.data().join("archive")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().ends_with(suffix)).collect()
}
