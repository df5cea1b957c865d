//! A snapshot and what was appended since are the ledger that the whole log folds to.
use std::{
    num::NonZero,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{Commit, Journal, Ledger};
use edge_ledger_engine::{Beginning, Engine, Options, Stop, replay, replay_from};
use edge_ledger_journal::{BlockReader, Rhythm, Snapshot, Snapshots, Snapshotter};
use edge_ledger_sled::{SledJournal, SledReader};
use edge_ledger_testkit::{
    action::{Step, step},
    history::{History, Timers},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{FileFailurePersistence, TestCaseError, TestRunner},
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 16,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_snapshot_and_the_rest_of_the_journal_are_the_whole(
        steps in vec(step(), 0..60), cut in any::<prop::sample::Index>(), together in 1_usize..7
    ) {
        let history = told(&steps)?;
        let log = history.log();
        let (before, after) = log.split_at(cut.index(log.len()) + 1);
        let place = tempfile::tempdir().map_err(failed)?;
        let snapshots = Snapshots::at(place.path().join("snapshots"));
        let mut journal = open(place.path());

        append(&mut journal, before, together);
        let ledger = replay(&journal.reader()).map_err(failed)?;
        snapshots.write(journal.link(), &ledger).map_err(failed)?;
        append(&mut journal, after, together);
        drop(journal);

        let reader = open(place.path()).reader();
        let found = newest(&snapshots, &reader);
        let found = found.ok_or_else(|| TestCaseError::fail("the snapshot is passed over"))?;
        prop_assert_eq!(found.ledger(), &ledger);
        let back = replay_from(&reader, found.into_ledger()).map_err(failed)?;
        let whole = replay(&reader).map_err(failed)?;
        prop_assert_eq!(&back, history.ledger());
        prop_assert_eq!(back.digest(), whole.digest());
    }
}

#[test]
fn snapshots_are_made_beside_a_journal_that_grows() {
    let log = some_log(400);
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::at(place.path().join("snapshots"));
    let mut journal = open(place.path());
    let rhythm = Rhythm::new(NonZero::new(50).unwrap());
    let snapshotter =
        Snapshotter::start(journal.reader(), snapshots.clone(), rhythm, |_| {}).unwrap();

    let (before, after) = log.split_at(log.len() / 2);
    append(&mut journal, before, 3);
    let first = wait_for(&snapshots, &journal.reader(), |_| true);
    append(&mut journal, after, 3);
    let second = wait_for(&snapshots, &journal.reader(), |found| found.link() != first.link());
    let rhythm = snapshotter.stop().unwrap();

    for found in [first, second] {
        let mut folded = Ledger::default();
        let until = log.iter().filter(|commit| commit.head() <= found.link().position);
        until.for_each(|commit| folded.apply(commit).unwrap());
        assert_eq!(found.ledger(), &folded);
        assert_eq!(found.ledger().digest(), folded.digest());
    }
    assert!(!rhythm.is_due(journal.link().position));
}

#[test]
fn an_engine_goes_on_from_a_snapshot_as_from_the_whole_journal() {
    let log = some_log(200);
    let place = tempfile::tempdir().unwrap();
    let mut journal = open(place.path());
    append(&mut journal, &log[..100], 5);
    let snapshot = Snapshot::encode(journal.link(), &replay(&journal.reader()).unwrap());
    append(&mut journal, &log[100..], 5);

    let from = Snapshot::decode(&snapshot).unwrap().into_ledger();
    let beginning = Beginning { ledger: from, ..Beginning::default() };
    let engine = Engine::start_from(journal, beginning, Options::default()).unwrap();
    let handle = engine.handle();
    assert_eq!(engine.close(), Stop::Closed);

    let served = handle.glance(|ledger, _| ledger.digest()).unwrap();
    assert_eq!(served, replay(handle.reader()).unwrap().digest());
}

fn open(place: &Path) -> SledJournal {
    edge_ledger_sled::open(place.join("journal")).expect("opens")
}

fn append(journal: &mut SledJournal, log: &[Commit], together: usize) {
    for commits in log.chunks(together) {
        journal.append(commits).expect("appends");
    }
}

fn newest(snapshots: &Snapshots, log: &BlockReader<SledReader>) -> Option<Snapshot> {
    snapshots.newest(|position| log.link_at(position))
}

fn wait_for(
    snapshots: &Snapshots,
    log: &BlockReader<SledReader>,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Snapshot {
    let began = Instant::now();
    loop {
        if let Some(found) = newest(snapshots, log).filter(&wanted) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no snapshot is written");
        thread::sleep(Duration::from_millis(20));
    }
}

fn told(steps: &[Step]) -> Result<History, TestCaseError> {
    let mut history = History::begin(Timers::Late)?;
    for step in steps {
        history.take_step(step)?;
    }
    Ok(history)
}

fn some_log(commits: usize) -> Vec<Commit> {
    let mut runner = TestRunner::deterministic();
    let steps = vec(step(), commits * 4).new_tree(&mut runner).expect("steps").current();
    let log = told(&steps).expect("a history").log().to_vec();
    assert!(log.len() >= commits, "{} commits", log.len());
    log[..commits].to_vec()
}

fn failed(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}
