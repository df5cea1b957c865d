//! Golden logs: what they say, what they fold to, and that no byte of one may change unseen.
use std::{fs, path::PathBuf};

use edge_ledger_core::{
    golden::{self, GoldenError},
    replay::Snapshot,
};
use edge_ledger_journal::BackupReader;
use edge_ledger_proptests::scenario;
use proptest::{prelude::*, sample::Index};

/// Files up to this size have each of their bytes changed, larger ones a sample.
const SMALL: usize = 6_000;

/// How many bytes of a larger file are changed, evenly spread.
const SAMPLE: usize = 200;

/// Returns every golden log that is lines of text, with the snapshot beside it.
fn logs() -> Vec<(PathBuf, Vec<u8>, Snapshot)> {
    let mut logs = Vec::new();
    for folder in ["../fixtures/logs/v1", "../fixtures/logs/v2"] {
        for file in fs::read_dir(folder).expect("a folder of logs") {
            let path = file.expect("a file").path();
            if !path.extension().is_some_and(|kind| kind == "jsonl" || kind == "hex") {
                continue;
            }
            let beside = format!("{}.snapshot.json", path.display());
            let text = fs::read_to_string(&beside).expect("a snapshot lies beside each log");
            let snapshot = Snapshot::parse(&text).expect("a snapshot");
            logs.push((path.clone(), fs::read(path).expect("a log"), snapshot));
        }
    }
    assert!(logs.len() >= 17, "the golden logs are there");
    logs
}

#[test]
fn a_log_reads_back_as_it_was_written() {
    let run = scenario::run("ledger open\nsubmit job\ntask job cancel \"no\"");
    let text = golden::write("a task that is cancelled", run.book.log());
    let (header, log) = golden::read(&text).expect("a golden log");
    assert_eq!(header.about, "a task that is cancelled");
    assert_eq!(log, run.book.log());
    assert!(matches!(golden::read("{}\n"), Err(GoldenError::Header(Some(_)))));
    let cut = &text[..text.len() - 3];
    assert!(matches!(golden::read(cut), Err(GoldenError::Commit(4, _))), "{:?}", golden::read(cut));
    let cut = &text[..text.len() - 2];
    assert!(matches!(golden::read(cut), Err(GoldenError::Hex(4))), "{:?}", golden::read(cut));
}

#[test]
fn every_golden_log_comes_to_its_snapshot() {
    for (path, log, snapshot) in logs() {
        let replay = golden::replay(&log).expect("it folds");
        let difference = snapshot.first_difference(&replay.snapshot());
        assert!(difference.is_none(), "{}: {}", path.display(), difference.expect("one"));
        assert_eq!(replay.snapshot().to_text().as_bytes(), {
            let beside = format!("{}.snapshot.json", path.display());
            fs::read(beside).expect("a snapshot")
        });
    }
}

#[test]
fn no_byte_of_a_golden_log_changes_unseen() {
    for (path, mut log, snapshot) in logs() {
        let stride = if log.len() <= SMALL { 1 } else { log.len() / SAMPLE };
        for at in (0..log.len()).step_by(stride) {
            let was = log[at];
            // Of a letter this is the same one, large or small: as hex it says the same.
            log[at] = was ^ 0x20;
            let told = told(&log, &snapshot);
            assert!(told.is_some(), "{}: byte {at}, {was:#x}", path.display());
            log[at] = was;
        }
    }
}

/// How many bytes of a packed log are changed, evenly spread.
const PACKED_SAMPLE: usize = 24;

#[test]
fn no_byte_of_a_packed_golden_log_changes_unseen() {
    let mut log = fs::read("../fixtures/logs/v2/ten_thousand_tasks.backup").expect("a log");
    assert!(is_whole(&log), "it is as it was written");
    let stride = log.len() / PACKED_SAMPLE;
    for at in (0..log.len()).step_by(stride).chain([8, 9, 92, log.len() - 1]) {
        log[at] ^= 1;
        assert!(!is_whole(&log), "byte {at}");
        log[at] ^= 1;
    }
}

fn is_whole(backup: &[u8]) -> bool {
    BackupReader::new(backup).is_ok_and(|mut parts| parts.all(|part| part.is_ok()))
}

proptest! {
    #[test]
    fn no_byte_becomes_any_other_unseen(which: Index, at: Index, other in 1_u8..=255) {
        let logs = logs();
        let (path, log, snapshot) = &logs[which.index(logs.len())];
        let mut log = log.clone();
        let at = at.index(log.len());
        log[at] ^= other;
        prop_assert!(told(&log, snapshot).is_some(), "{}: byte {at}", path.display());
    }
}

/// Returns what is told of a log that is not as it was.
fn told(log: &[u8], snapshot: &Snapshot) -> Option<String> {
    match golden::replay(log) {
        Err(error) => Some(error.to_string()),
        Ok(replay) => {
            let difference = snapshot.first_difference(&replay.snapshot());
            difference.map(|difference| difference.to_string())
        }
    }
}
