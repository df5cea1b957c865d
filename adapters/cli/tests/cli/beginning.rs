//! A log that has lost its beginning, after tasks have left its ledger: it goes on from a snapshot
//! and the archive of tasks, and so does what is restored of its backup.
use std::{fs, path::Path};

use edge_ledger_core::Journal as _;
use edge_ledger_power::workloads::finished_long_ago;
use serde_json::json;

use crate::house::{House, edge_ledger, eventually, outcome};

/// Whatever can leave the journal does, and snapshots stand for it.
const SETTINGS: [&str; 4] = ["--retention-size", "0", "--snapshot-every", "1"];

#[test]
fn a_backup_brings_the_tasks_that_no_log_has_any_more() {
    let mut house = without_beginning();
    house.serve_with(&SETTINGS);
    let asked = house.path("asked");
    house.ask(&["backup", text(&asked)]).text();
    let left = house.ask(&["task", "why", "task-7", "--json"]).json();
    house.stop("TERM");
    let read = house.path("read");
    house.look(&["backup", text(&read)]).text();

    for (backup, store) in [(asked, "sled"), (read, "segments")] {
        let mut there = House::empty();
        let restored = ["restore", text(&backup), "--store", store, "--json", "--data"];
        let restored = outcome(edge_ledger().args(restored).arg(there.data())).json();
        there.serve();

        assert_eq!(restored["counts"]["archived"], json!(600), "{restored}");
        let again = there.ask(&["task", "why", "task-7", "--json"]).json();
        assert_eq!((&again["status"], &again["reasons"]), (&left["status"], &left["reasons"]));
        assert_eq!(there.stop("TERM"), Some(0));
        assert!(!there.gateway_log().contains("does not go on from the snapshot"));
    }
}

#[test]
fn a_start_without_the_tasks_that_no_log_has_any_more_is_refused_and_says_what_to_do() {
    let house = without_beginning();
    let tasks = house.data().join("tasks");
    fs::rename(&tasks, house.path("tasks")).unwrap();

    let refused = house.look(&["serve", "--addr", "127.0.0.1:0"]);
    // What that start made of it has nothing.
    let backup = house.look(&["backup", text(&house.path("backup"))]);
    assert!(tasks.exists(), "{refused:#?} {backup:#?}");
    fs::remove_dir_all(&tasks).unwrap();
    fs::rename(house.path("tasks"), &tasks).unwrap();

    assert_eq!(refused.code, Some(1), "{refused:#?}");
    for told in [
        "it does not have the 600 tasks that have left",
        "the log begins after position ",
        "so nothing can be made anew of it",
        "put back what was moved away of ",
        "or restore a backup",
    ] {
        assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
    }
    assert_eq!(backup.code, Some(1), "{backup:#?}");
    assert!(backup.stderr.contains("does not have the 600 tasks that had left"), "{backup:#?}");
    let mut house = house;
    house.serve();
    assert_eq!(house.ask(&["task", "why", "task-7", "--json"]).json()["status"], "CANCELLED");
}

#[test]
fn a_start_without_a_snapshot_that_stands_for_the_beginning_is_refused_and_says_what_to_do() {
    let house = without_beginning();
    fs::remove_dir_all(house.data().join("snapshots")).unwrap();

    let refused = house.look(&["serve", "--addr", "127.0.0.1:0"]);

    assert_eq!(refused.code, Some(1), "{refused:#?}");
    for told in ["the log begins after position ", "no snapshot in ", "put back what was moved"] {
        assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
    }
}

/// Has all tasks leave and all that can be archived, then moves the archive's files away.
fn without_beginning() -> House {
    let mut house = House::empty();
    let mut journal = edge_ledger_sled::open(house.data().join("journal")).unwrap();
    for commits in finished_long_ago().chunks(100) {
        journal.append(commits).unwrap();
    }
    drop(journal);
    house.serve_with(&SETTINGS);
    eventually("all tasks have left", || {
        house.ask(&["task", "list", "--json"]).json()["items"].as_array().unwrap().is_empty()
    });
    house.stop("TERM");
    // One of a ledger with many tasks holds the next one off.
    fs::remove_dir_all(house.data().join("snapshots")).unwrap();
    // The first thing that it does is to archive.
    house.serve_with(&SETTINGS);
    eventually("the log is archived", || house.gateway_log().contains("the log was archived"));
    house.stop("TERM");
    fs::rename(house.data().join("archive"), house.path("archive")).unwrap();
    house
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
