//! Finished tasks leave the ledger for an archive on disk, and stay what they were.
use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{
    Archived, Cause, Command, Commit, Event, Journal, Ledger, Millis, Principal, Rejection,
    TaskArchive, TaskId,
    task::{self, Payload, Submission},
};
use edge_ledger_engine::{
    Beginning, Engine, ExecuteError, MemoryJournal, MemoryReader, Options, Shelf, Stop, mint,
    replay,
};
use edge_ledger_proptests::workload::Workload;
use edge_ledger_sled::SledTasks;
use serde_json::value::RawValue;

const DAY: Millis = Millis::from_secs(24 * 60 * 60);

#[test]
fn a_task_that_has_left_is_found_as_it_was() {
    let Fleet { log, ledger } = Fleet::at_work(600);
    let place = tempfile::tempdir().unwrap();

    let engine = engine(journal(&log), place.path());

    let handle = engine.handle();
    wait_until(&engine, |ledger| ledger.counts().tasks == 0);
    assert_eq!(handle.glance(|ledger, _| ledger.counts().archived).unwrap(), 600);
    for (id, task) in ledger.tasks() {
        assert_eq!(handle.archived(id).unwrap().as_ref(), Some(task));
    }
    assert_eq!(handle.archived(&TaskId::new("never-there").unwrap()).unwrap(), None);
}

#[test]
fn an_archive_that_is_lost_is_made_anew_from_the_log() {
    let Fleet { log, ledger } = Fleet::at_work(300);
    let place = tempfile::tempdir().unwrap();
    let journal = journal(&log);
    let first = engine(journal.clone(), &place.path().join("first"));
    wait_until(&first, |ledger| ledger.counts().tasks == 0);
    assert_eq!(first.close(), Stop::Closed);
    let digest = replay(&journal.reader()).unwrap().digest();

    for archive in ["first", "second"] {
        let again = engine(journal.clone(), &place.path().join(archive));
        for (id, task) in ledger.tasks() {
            assert_eq!(again.handle().archived(id).unwrap().as_ref(), Some(task), "{archive}");
        }
        assert_eq!(again.close(), Stop::Closed);
    }

    let replayed = replay(&journal.reader()).unwrap();
    assert_eq!(replayed.archived().tasks(), 300);
    assert_ne!(replayed.digest(), digest, "two more openings are part of it");
}

#[test]
fn an_id_and_a_dedupe_key_stay_taken() {
    let Fleet { log, ledger } = Fleet::at_work(3);
    let place = tempfile::tempdir().unwrap();
    let engine = engine(journal(&log), place.path());
    wait_until(&engine, |ledger| ledger.counts().tasks == 0);
    let (id, _) = ledger.tasks().next().unwrap();
    let submitted = log.iter().flat_map(|commit| &commit.events).find_map(|event| match event {
        Event::Task { id: found, what: task::Event::Submitted(submitted) } => {
            (found == id).then(|| submitted.spec.clone())
        }
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    });
    let spec = submitted.unwrap();
    let same = Submission { id: id.clone(), spec: Box::new(spec), archived: None };
    let mut other = same.clone();
    other.spec.payload = Payload::new(RawValue::from_string("[1]".to_owned()).unwrap());

    let again = submit(&engine, same);
    let refused = submit(&engine, other);

    let (committed, named) = again.unwrap();
    assert_eq!((committed, named), (false, vec![id.clone()]));
    let Err(ExecuteError::Rejected(Rejection::Task(refusal))) = refused else {
        panic!("{refused:?}");
    };
    assert!(refusal.to_string().contains(&id.to_string()), "{refusal}");
}

#[test]
fn what_was_kept_for_a_commit_that_never_became_durable_is_dropped() {
    let Fleet { ledger, .. } = Fleet::at_work(5);
    let place = tempfile::tempdir().unwrap();
    let archive = SledTasks::open(place.path()).unwrap();
    let tasks: Vec<_> = ledger.tasks().collect();
    let one = Archived::default().and(tasks[0].0, tasks[0].1);
    archive.keep(Archived::default(), &tasks[..4]).unwrap();

    archive.keep(one, &tasks[4..]).unwrap();

    let two = one.and(tasks[4].0, tasks[4].1);
    assert!(archive.reaches(one).unwrap() && archive.reaches(two).unwrap());
    assert!(!archive.reaches(one.and(tasks[1].0, tasks[1].1)).unwrap());
    for (at, (id, task)) in tasks.iter().enumerate() {
        let kept = archive.task(id).unwrap();
        assert_eq!(kept.as_ref(), [0, 4].contains(&at).then_some(*task));
    }
    assert!(archive.keep(one.and(tasks[1].0, tasks[1].1), &tasks[2..3]).is_err());
}

/// What a fleet that finished everything long ago has left behind.
struct Fleet {
    log: Vec<Commit>,
    ledger: Ledger,
}

impl Fleet {
    fn at_work(tasks: u64) -> Self {
        let mut work = Workload::new(Some(Vec::new()));
        work.register(0);
        (0..tasks).for_each(|n| work.submit(n));
        for _ in 0..tasks {
            let leased = work.lease(0);
            work.beat(0, &leased);
            work.complete(0, &leased);
        }
        Self { log: work.log.take().expect("it keeps its log"), ledger: work.ledger }
    }
}

fn journal(log: &[Commit]) -> MemoryJournal {
    let mut journal = MemoryJournal::default();
    journal.append(log).expect("memory takes commits");
    journal
}

fn engine(journal: MemoryJournal, archive: &Path) -> Engine<MemoryReader> {
    let archive = Arc::new(SledTasks::open(archive).expect("opens"));
    let beginning = Beginning { shelf: Some(Shelf::new(archive, DAY)), ..Beginning::default() };
    Engine::start_from(journal, beginning, Options::default()).expect("starts")
}

fn wait_until(engine: &Engine<MemoryReader>, so: impl Fn(&Ledger) -> bool) {
    let began = Instant::now();
    while !engine.handle().glance(|ledger, _| so(ledger)).expect("it runs") {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not become so");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Submits a task. Returns whether that made something happen, and which archived tasks it named.
fn submit(
    engine: &Engine<MemoryReader>,
    submission: Submission,
) -> Result<(bool, Vec<TaskId>), ExecuteError> {
    let cause =
        Cause { command: mint::command_id(), principal: Principal::System, idempotency: None };
    let handle = engine.handle();
    let asked = handle.execute(cause, Command::Submit(vec![submission]), |receipt| {
        let named = receipt.archived.iter().map(|left| left.id.clone()).collect();
        (receipt.commit.is_some(), named)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(asked)
}
