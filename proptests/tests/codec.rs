//! Blocks and snapshots: what was written is read, and nothing else is.
use std::error::Error;

use edge_ledger_core::{
    Commit, Ledger,
    codec::{self, DecodeError},
    snapshot::{self, SnapshotError},
};
use edge_ledger_testkit::{
    action::step,
    history::{History, Timers},
    scenario,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{FileFailurePersistence, TestCaseError},
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_block_reads_back_as_it_was_written(steps in vec(step(), 0..40)) {
        let log = told(&steps)?;
        prop_assert_eq!(decoded(&codec::encode(&log))?, log);
    }

    #[test]
    fn the_length_of_a_block_is_known_before_it_is_made(steps in vec(step(), 0..40)) {
        let log = told(&steps)?;
        prop_assert_eq!(codec::encoded_len(&log), codec::encode(&log).len());
        for commit in &log {
            let alone = std::slice::from_ref(commit);
            prop_assert_eq!(codec::encoded_len(alone), codec::encode(alone).len());
        }
    }

    /// A bit that flips is refused, or reads as other commits that look as good: a block has no
    /// checksum, and the journal's frames have one for that. It never panics.
    #[test]
    fn flipped_bits_are_read_or_refused(steps in vec(step(), 0..10), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let log = told(&steps)?;
        let mut block = codec::encode(&log);
        let at = at.index(block.len());
        block[at] ^= 1 << bit;
        if let Ok(commits) = codec::decode(&block) {
            prop_assert_eq!(decoded(&codec::encode(&commits))?, commits);
        }
    }
}

#[test]
fn every_prefix_of_a_block_is_refused() {
    let block = codec::encode(&log());
    for length in 1..block.len() {
        let read = codec::decode(&block[..length]);
        assert!(
            matches!(read, Err(DecodeError::Malformed { format: codec::FORMAT, .. })),
            "{length} of {} bytes: {read:?}",
            block.len()
        );
    }
    assert!(matches!(codec::decode(&[]), Err(DecodeError::Empty)));
}

#[test]
fn a_block_with_something_behind_it_is_refused() {
    let block = codec::encode(&log());
    let twice = [block.as_slice(), &block[1..]].concat();
    assert!(matches!(codec::decode(&twice), Err(DecodeError::Malformed { .. })));
}

/// Nothing is reserved for it either: so much memory there is not.
#[test]
fn a_length_that_nothing_follows_is_refused_wherever_it_is() {
    let block = codec::encode(&log());
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for at in 1..block.len() {
        let damaged = [&block[..at], &huge[..], &block[at + 1..]].concat();
        if let Ok(commits) = codec::decode(&damaged) {
            assert_ne!(commits, log(), "byte {at} means something");
        }
    }
    let endless = [&[codec::FORMAT], &huge[..]].concat();
    assert!(matches!(codec::decode(&endless), Err(DecodeError::Malformed { .. })));
}

#[test]
fn where_a_block_stops_making_sense_is_told() {
    let block = codec::encode(&log());
    let cut = codec::decode(&block[..9]).expect_err("it is cut");
    let more = codec::decode(&[&block[..], b"more"].concat()).expect_err("it goes on");
    let told = |error: DecodeError| error.source().expect("a cause").to_string();
    assert_eq!(told(cut), "what should stand at byte 4 of 8 does not");
    let end = block.len() - 1;
    assert_eq!(told(more), format!("all is said by byte {end}, but there are {}", end + 4));
}

#[test]
fn a_block_of_another_format_is_refused_by_its_first_byte() {
    let mut block = codec::encode(&log());
    for format in codec::FORMAT + 1..=u8::MAX {
        block[0] = format;
        assert!(
            matches!(codec::decode(&block), Err(DecodeError::TooNew(found)) if found == format)
        );
    }
    block[0] = 0;
    assert!(matches!(codec::decode(&block), Err(DecodeError::Unknown(0))));
}

#[test]
fn a_block_of_nothing_is_no_commits() {
    assert_eq!(codec::decode(&codec::encode(&[])).expect("a block"), []);
}

#[test]
fn a_payload_keeps_its_bytes() {
    let payload = r#"{ "b" : [1.0, 1e400, -0.0],"a":"\u00e9 é \/", "b": null }"#;
    let script = format!("ledger open\nsubmit job payload {payload}");
    let log = scenario::run(&script).book.log().to_vec();

    let block = codec::encode(&log);

    let whole = block.windows(payload.len()).any(|bytes| bytes == payload.as_bytes());
    assert!(whole, "{}", String::from_utf8_lossy(&block));
    assert_eq!(codec::decode(&block).expect("a block"), log);
}

#[test]
fn every_prefix_of_a_snapshot_is_refused() {
    let ledger = folded(&log());
    let bytes = snapshot::encode(&ledger);
    assert_eq!(snapshot::decode(&bytes).expect("a snapshot"), ledger);
    for length in 1..bytes.len() {
        let read = snapshot::decode(&bytes[..length]);
        assert!(matches!(read, Err(SnapshotError::Malformed(_))), "{length}: {read:?}");
    }
    assert!(matches!(snapshot::decode(&[]), Err(SnapshotError::Empty)));
    let foreign = snapshot::FORMAT + 1;
    let bytes = [&[foreign], &bytes[1..]].concat();
    assert!(
        matches!(snapshot::decode(&bytes), Err(SnapshotError::Foreign(found)) if found == foreign)
    );
}

#[test]
fn ledgers_that_differ_have_digests_that_differ() {
    let mut ledger = Ledger::default();
    let mut digests = vec![ledger.digest()];
    for commit in log() {
        ledger.apply(&commit).expect("a log folds");
        digests.push(ledger.digest());
    }
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

/// One commit of every kind that the scenarios know.
fn log() -> Vec<Commit> {
    let script = include_str!("../../fixtures/scenarios/late_results_are_kept_and_adopted.txt");
    scenario::run(script).book.log().to_vec()
}

fn folded(log: &[Commit]) -> Ledger {
    let mut ledger = Ledger::default();
    log.iter().try_for_each(|commit| ledger.apply(commit)).expect("a log folds");
    ledger
}

fn told(steps: &[edge_ledger_testkit::action::Step]) -> Result<Vec<Commit>, TestCaseError> {
    let mut history = History::begin(Timers::Late)?;
    for step in steps {
        history.take_step(step)?;
    }
    Ok(history.log().to_vec())
}

fn decoded(block: &[u8]) -> Result<Vec<Commit>, TestCaseError> {
    codec::decode(block).map_err(|error| TestCaseError::fail(error.to_string()))
}
