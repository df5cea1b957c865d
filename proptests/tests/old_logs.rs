//! Every log in `fixtures/logs` says what it said, in today's format too. What each folds to is
//! seen by `golden`.
use std::{collections::BTreeSet, fs, path::Path};

use edge_ledger_core::{Event, Ledger, codec, golden, past, snapshot};
use edge_ledger_proptests::catalogue;

#[test]
fn every_log_is_written_and_read_today_as_it_was() {
    for (folder, format) in [("../fixtures/logs/v1", 1), ("../fixtures/logs/v2", 2)] {
        for text in texts(folder) {
            let (header, log) = golden::read(&text).expect("a log of a known format");
            assert_eq!(header.format, format, "the folder names the format");
            let mut ledger = Ledger::default();
            for commit in &log {
                ledger.apply(commit).expect("an old log folds");
            }

            let again = codec::decode(&codec::encode(&log)).expect("today's block");
            assert_eq!(again, log, "what was lifted is written and read as it is");
            let read = snapshot::decode(&snapshot::encode(&ledger)).expect("today's snapshot");
            assert_eq!(read, ledger);
            let unread = log.iter().cloned().map(Ok::<_, std::convert::Infallible>);
            let head = past::Moment::Position(ledger.head());
            let past = past::Past::at(unread, head, past::LogEnd::Live);
            assert_eq!(past.expect("the ledger as it was").ledger, ledger);
        }
    }
}

/// What a build of the format wrote, today's writes too. That it means what it meant is seen by
/// what was said, in the snapshots.
#[test]
fn every_event_is_written_byte_for_byte_as_it_was_recorded() {
    let mut events = BTreeSet::new();
    for text in texts("../fixtures/logs/v2") {
        let (header, blocks) = golden::blocks(&text).expect("a log");
        assert_eq!(header.format, codec::FORMAT, "the newest format has logs");
        for block in blocks {
            let commits = codec::decode(&block).expect("a block");
            assert_eq!(codec::encode(&commits), block, "{commits:?} in {}", header.about);
            events.extend(commits.iter().flat_map(|commit| commit.events.iter().map(Event::name)));
        }
    }
    assert_eq!(events, catalogue::event_names(), "every event there is was recorded");
}

/// Returns every log of a folder that is lines of text.
fn texts(folder: &str) -> Vec<String> {
    let files = fs::read_dir(Path::new(folder)).expect("a folder of logs");
    let paths = files.map(|file| file.expect("a file").path());
    let logs =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl" || kind == "hex"));
    logs.map(|path| fs::read_to_string(path).expect("a readable log")).collect()
}
