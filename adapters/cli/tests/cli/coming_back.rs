//! A gateway that comes back: from a snapshot, or from the whole log if no snapshot will do.
use std::{
    fs,
    path::{Path, PathBuf},
};

use edge_ledger_core::{
    Cause, CommandId, Commit, Event, Journal as _, Ledger, Position, Principal, Timestamp,
    lifecycle,
};
use edge_ledger_journal::Snapshots;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{House, eventually, task};

#[test]
fn a_start_from_a_snapshot_comes_to_the_ledger_of_the_whole_log() {
    for store in ["sled", "segments"] {
        let mut house = House::empty();
        house.serve_with(&["--store", store, "--snapshot-every", "100"]);
        submit(&house, 0..20);
        assert_eq!(snapshots(&house), [] as [PathBuf; 0], "none is due");
        house.stop("TERM");
        let closed = position(&snapshots(&house).pop().unwrap());
        assert_eq!(closed, head(&house), "the ledger is written as it was closed");

        house.serve_with(&["--snapshot-every", "10"]);
        submit(&house, 20..45);
        eventually("one is written beside the writer", || snapshots(&house).len() == 2);
        // With nobody to close it, the next one begins with what was appended since.
        house.stop("KILL");
        let last = position(&snapshots(&house).pop().unwrap());
        house.serve_with(&["--verify-on-start"]);
        let log = house.gateway_log();
        house.stop("TERM");

        assert!(log.contains(&format!("snapshot={last} ")), "{log}");
        assert!(log.contains("verified=true"), "{log}");
        assert_eq!(house.look(&["log", "verify", "--json"]).json()["counts"]["tasks"], 45);
    }
}

#[test]
fn a_snapshot_that_will_not_do_is_passed_over_with_a_word() {
    let mut house = House::empty();
    house.serve_with(&["--snapshot-every", "10"]);
    submit(&house, 0..20);
    eventually("a snapshot is written", || !snapshots(&house).is_empty());
    house.stop("TERM");
    let found = snapshots(&house);
    for path in &found {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    house.serve_with(&["--snapshot-every", "0"]);
    let log = house.gateway_log();
    let tasks = house.ask(&["task", "list", "--json"]).json();

    assert!(log.contains("snapshot=0 "), "{log}");
    for path in found {
        let told = log.lines().find(|line| line.contains(path.to_str().unwrap()));
        let told = told.unwrap_or_else(|| panic!("{}: {log}", path.display()));
        assert!(told.contains("passed over") && told.contains("damaged or cut short"), "{told}");
    }
    assert_eq!(tasks["items"].as_array().map(Vec::len), Some(20));
}

#[test]
fn a_snapshot_of_another_ledger_is_found_out_by_whoever_asks_for_it() {
    let mut house = House::served();
    submit(&house, 0..5);
    house.stop("TERM");
    let forged = forge(&house, head(&house));

    let refused = house.look(&["serve", "--addr", "127.0.0.1:0", "--verify-on-start"]);

    assert_eq!(refused.code, Some(1), "{refused:#?}");
    let replayed = house.look(&["log", "verify", "--json"]).json();
    for digest in [forged.digest().to_string(), replayed["digest"].as_str().unwrap().to_owned()] {
        assert!(refused.stderr.contains(&digest), "{digest}: {refused:#?}");
    }
    let next = format!("remove {}", house.data().join("snapshots").display());
    assert!(refused.stderr.contains(&next), "{refused:#?}");
    fs::remove_dir_all(house.data().join("snapshots")).unwrap();
    house.serve_with(&["--verify-on-start"]);
}

#[test]
fn a_snapshot_that_the_log_does_not_go_on_from_is_done_without() {
    let mut house = House::served();
    submit(&house, 0..5);
    house.ask(&["task", "cancel", "task-0"]).text();
    house.stop("TERM");
    forge(&house, 4);

    house.serve();
    let log = house.gateway_log();
    let tasks = house.ask(&["task", "list", "--json"]).json();

    assert!(log.contains("the log does not go on from the snapshot snapshot=4"), "{log}");
    assert_eq!(tasks["items"].as_array().map(Vec::len), Some(5));
}

/// Puts the snapshot of a ledger in which nothing has happened where the log's own would be.
fn forge(house: &House, at: u64) -> Ledger {
    let journal = edge_ledger_sled::open(house.data().join("journal")).unwrap();
    let link = journal.reader().link_at(Position::new(at)).unwrap().unwrap();
    let forged = ledger_of_ticks(at);
    drop(fs::remove_dir_all(house.data().join("snapshots")));
    Snapshots::at(house.data().join("snapshots")).write(link, &forged).unwrap();
    forged
}

fn submit(house: &House, numbers: std::ops::Range<u32>) {
    for number in numbers {
        house.submit(&task(&format!("task-{number}"))).json();
    }
}

fn snapshots(house: &House) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(house.data().join("snapshots")) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "snapshot"));
    paths.sort();
    paths
}

fn position(snapshot: &Path) -> u64 {
    snapshot.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

fn head(house: &House) -> u64 {
    let verified: Value = house.look(&["log", "verify", "--json"]).json();
    assert_eq!(verified["ok"], json!(true));
    verified["head"].as_u64().unwrap()
}

fn ledger_of_ticks(head: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for nth in 0..head {
        let event = match nth {
            0 => lifecycle::Event::Opened { epoch: lifecycle::Epoch(0) },
            _ => lifecycle::Event::Ticked,
        };
        let command = CommandId::from_uuid(Uuid::nil());
        let cause = Cause { command, principal: Principal::System, idempotency: None };
        let recorded_at = Timestamp::from_millis(1_000);
        let events = vec![Event::Ledger(event)];
        ledger.apply(&Commit { after: ledger.head(), recorded_at, cause, events }).unwrap();
    }
    ledger
}
