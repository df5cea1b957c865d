//! Nobody is shown what is not durable.
use std::{sync::Arc, thread, time::Duration};

use edge_ledger_core::{AppendError, Cause, Commit, Journal, JournalReader, Position, Principal};
use edge_ledger_engine::{Engine, MemoryJournal, MemoryReader, Options, mint};

use crate::{
    asked::{ask, ask_head, tick},
    gate::{Fate, Rig},
};

#[test]
fn a_look_at_the_ledger_waits_until_all_it_shows_is_durable() {
    let rig = Rig::default();
    assert!(!ask_head(&rig.handle).waits(), "all is durable");
    let a = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    let b = ask(&rig.handle, tick()).decided();

    let mut look = ask_head(&rig.handle);

    assert!(look.waits());
    rig.gate.decide(Fate::Append);
    a.outcome().expect("told");
    rig.gate.arrival();
    assert!(look.waits(), "it shows what comes after, too");
    rig.gate.decide(Fate::Append);
    let seen = look.outcome().expect("durable");
    assert_eq!(b.outcome().expect("told").head, seen);
}

#[test]
fn glancing_does_not_wait() {
    let rig = Rig::default();
    let a = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();

    assert_eq!(rig.handle.glance(|ledger, _| ledger.head().get()).expect("works"), 2);

    rig.gate.decide(Fate::Append);
    a.outcome().expect("told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_reads_their_own_writes_and_nothing_that_is_not_in_the_journal() {
    let inner = MemoryJournal::default();
    let engine = Engine::start(Slow(inner.clone()), Options::default()).expect("starts");
    let (handle, log) = (Arc::new(engine.handle()), inner.reader());

    let askers: Vec<_> = (0..8)
        .map(|_| {
            let (handle, log) = (Arc::clone(&handle), log.clone());
            tokio::spawn(async move {
                for _ in 0..50 {
                    let cause = Cause {
                        command: mint::command_id(),
                        principal: Principal::System,
                        idempotency: None,
                    };
                    let done = handle.execute(cause, tick(), |receipt| receipt.ledger.head());
                    let done = done.await.expect("told");
                    assert!(end(&log) >= done, "told of {done}");
                    let seen = handle.view(|ledger, _| ledger.head()).await.expect("durable");
                    assert!(end(&log) >= seen && seen >= done, "shown {seen} after {done}");
                }
            })
        })
        .collect();

    for asker in askers {
        asker.await.expect("holds");
    }
}

fn end(log: &MemoryReader) -> Position {
    log.read(Position::START).last().map_or(Position::START, |commit| commit.expect("reads").head())
}

/// A journal that takes its time before anything is in it.
#[derive(Debug)]
struct Slow(MemoryJournal);

impl Journal for Slow {
    type Error = std::convert::Infallible;
    type Reader = MemoryReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<Self::Error>> {
        thread::sleep(Duration::from_millis(1));
        self.0.append(commits)
    }

    fn append_max(&self) -> usize {
        self.0.append_max()
    }

    fn reader(&self) -> MemoryReader {
        self.0.reader()
    }
}
