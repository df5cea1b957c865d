//! Every log in `fixtures/logs` still folds, to the very ledger that it folded to then.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use edge_ledger_core::{Digest, Event, Ledger, codec, past, snapshot};
use edge_ledger_proptests::{catalogue, golden};
use serde_json::{Value, json};

/// One format after the other: globs of two threads tell each other's failures.
#[test]
fn every_log_says_what_it_said_and_folds_to_what_it_folded_to() {
    logs_of_format_1();
    logs_of_format_2();
}

fn logs_of_format_1() {
    insta::glob!("../../fixtures/logs/v1", "*.jsonl", |path| {
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_json_snapshot!(folded(path, 1));
        });
    });
}

fn logs_of_format_2() {
    insta::glob!("../../fixtures/logs/v2", "*.hex", |path| {
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_json_snapshot!(folded(path, 2));
        });
    });
}

/// What a build of the format wrote, today's writes too. That it means what it meant is seen by its
/// digest as JSON, in the snapshots above.
#[test]
fn every_event_is_written_byte_for_byte_as_it_was_recorded() {
    let mut events = BTreeSet::new();
    for file in std::fs::read_dir("../fixtures/logs/v2").expect("a folder of logs") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a readable log");
        let (header, blocks) = golden::blocks(&text).expect("a log");
        assert_eq!(header.format, codec::FORMAT, "the newest format has logs");
        for block in blocks {
            let commits = codec::decode(&block).expect("a block");
            assert_eq!(codec::encode(&commits), block, "{commits:?} in {}", path.display());
            events.extend(commits.iter().flat_map(|commit| commit.events.iter().map(Event::name)));
        }
    }
    assert_eq!(events, catalogue::event_names(), "every event there is was recorded");
}

/// Folds a log and tells what came of it, and the digest of all that it said. That it is read
/// today is not enough: it must read back from today's format, and from a snapshot, as the same
/// ledger.
fn folded(path: &Path, format: u8) -> Value {
    let text = std::fs::read_to_string(path).expect("a readable log");
    let (header, log) = golden::read(&text).expect("a log of a known format");
    assert_eq!(header.format, format, "the folder names the format");

    let mut ledger = Ledger::default();
    let mut events = BTreeMap::new();
    for commit in &log {
        ledger.apply(commit).expect("an old log folds");
        for event in &commit.events {
            *events.entry(event.name()).or_insert(0) += 1;
        }
    }

    let again = codec::decode(&codec::encode(&log)).expect("today's block");
    assert_eq!(again, log, "what was lifted is written and read as it is");
    let read = snapshot::decode(&snapshot::encode(&ledger)).expect("today's snapshot");
    assert_eq!(read, ledger);
    let unread = log.iter().cloned().map(Ok::<_, std::convert::Infallible>);
    let head = past::Moment::Position(ledger.head());
    let past = past::Past::at(unread, head, past::LogEnd::Live).expect("the ledger as it was");
    assert_eq!(past.ledger, ledger);

    json!({
        "about": header.about,
        "commits": log.len(),
        "events": events,
        "said": Digest::of(&serde_json::to_vec(&log).expect("commits are JSON")),
        "digest": ledger.digest(),
        "ledger": ledger,
    })
}
