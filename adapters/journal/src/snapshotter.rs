//! Snapshots of a log that is being appended to, made beside its writer.
use std::{
    io,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use edge_ledger_core::{Corruption, JournalReader as _, Ledger, Position};

use crate::{BlockReader, JournalError, Link, Snapshots, StoreReader, in_background, in_one_line};

/// How often it looks how far the log has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long it waits after one that could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Makes snapshots on a thread of its own, from the log alone: the newest snapshot, and what was
/// appended since. The writer, and whoever reads its ledger, never wait for it.
///
/// While it makes one it takes as much memory as a second ledger, and the bytes of the snapshot.
/// Dropping it ends the thread; a snapshot that is half made is left.
#[derive(Debug)]
pub struct Snapshotter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Rhythm>>,
}

/// When to make the next snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// After how many events at least.
    every: NonZero<u64>,
    /// Where the last one stands.
    last: Position,
    /// How many subjects its ledger has. To read one takes about as long as to fold an event, so
    /// a snapshot before so many events would not make a start much quicker.
    subjects: u64,
}

/// A snapshot could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotterError {
    /// The log could not be read, or the snapshot not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log does not fold.
    #[error("the log does not fold")]
    Corrupt(#[from] Corruption),
}

impl Rhythm {
    /// Begins before there is any snapshot.
    #[must_use]
    pub const fn new(every: NonZero<u64>) -> Self {
        Self { every, last: Position::START, subjects: 0 }
    }

    /// Returns whether a log that has come so far is due for one.
    #[must_use]
    pub fn is_due(&self, head: Position) -> bool {
        self.since(head) >= self.every.get().max(self.subjects)
    }

    /// Returns whether one is worth making of a ledger that is at hand and will not change.
    #[must_use]
    pub fn is_worth_it(&self, head: Position) -> bool {
        self.since(head).saturating_mul(10) >= self.every.get().max(self.subjects)
    }

    fn since(&self, head: Position) -> u64 {
        head.get().saturating_sub(self.last.get())
    }

    /// Goes on from a snapshot of a ledger.
    #[must_use]
    pub fn after(self, ledger: &Ledger) -> Self {
        let counts = ledger.counts();
        let subjects = (counts.tokens + counts.edges + counts.tasks) as u64;
        Self { last: ledger.head(), subjects, ..self }
    }
}

impl Snapshotter {
    /// Starts the thread. Each time it has looked whether a snapshot is due, `told` gets to know
    /// whether that one could be made.
    ///
    /// # Errors
    ///
    /// Fails if there can be no thread.
    pub fn start<R: StoreReader>(
        log: BlockReader<R>,
        snapshots: Snapshots,
        rhythm: Rhythm,
        told: impl Fn(Result<(), &SnapshotterError>) + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work { log, snapshots, rhythm, told, stop: Arc::clone(&stop) };
        Ok(Self { stop, thread: Some(in_background("snapshots", || work.run())?) })
    }

    /// Ends the thread, and says how far its snapshots go; nothing if it panicked.
    #[must_use]
    pub fn stop(mut self) -> Option<Rhythm> {
        self.end()
    }

    fn end(&mut self) -> Option<Rhythm> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take()?;
        thread.thread().unpark();
        // What it panicked with is on stderr, and a start does without its snapshots.
        thread.join().ok()
    }
}

impl Drop for Snapshotter {
    fn drop(&mut self) {
        self.end();
    }
}

struct Work<R, T> {
    log: BlockReader<R>,
    snapshots: Snapshots,
    rhythm: Rhythm,
    told: T,
    stop: Arc<AtomicBool>,
}

impl<R: StoreReader, T: Fn(Result<(), &SnapshotterError>)> Work<R, T> {
    fn run(mut self) -> Rhythm {
        while !self.is_stopped() {
            let looked = self.look();
            (self.told)(looked.as_ref().map(drop));
            let rest = match looked {
                Ok(()) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(error = in_one_line(&error), "no snapshot could be made");
                    RETRY_AFTER
                }
            };
            thread::park_timeout(rest);
        }
        self.rhythm
    }

    /// Makes a snapshot if one is due.
    fn look(&mut self) -> Result<(), SnapshotterError> {
        let end = self.log.end()?.unwrap_or(Link::START);
        if !self.rhythm.is_due(end.position) {
            return Ok(());
        }
        if let Some(ledger) = self.fold(end.position)? {
            let path = self.snapshots.write(end, &ledger)?;
            tracing::debug!(path = %path.display(), "a snapshot is written");
            self.rhythm = self.rhythm.after(&ledger);
        }
        Ok(())
    }

    /// Folds the log up to a position where a block ends; none if it is to stop before.
    fn fold(&self, end: Position) -> Result<Option<Ledger>, SnapshotterError> {
        let newest = self.snapshots.newest(|position| self.log.link_at(position));
        let mut ledger = newest.map_or_else(Ledger::default, |found| found.into_ledger());
        // Not ahead, on all cores: nobody waits for it, and the writer needs its own.
        for commit in self.log.read(ledger.head()) {
            if ledger.head() >= end {
                break;
            }
            if self.is_stopped() {
                return Ok(None);
            }
            ledger.apply(&commit?)?;
        }
        Ok((!self.is_stopped()).then_some(ledger))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
