//! A journal that asks, at each append, what is to become of it.
use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use edge_ledger_core::{AppendError, Commit, Journal, JournalReader, Position};
use edge_ledger_engine::{Beginning, Engine, Handle, MemoryJournal, MemoryReader, Options};

/// Longer than anything takes that comes at all.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What becomes of an append.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is appended.
    Append,
    /// It fails, and nothing was appended.
    Lose,
    /// It fails, and all was appended.
    Keep,
    /// Somebody else has appended, so nothing was.
    Conflict,
    /// The journal panics, and nothing was appended.
    Panic,
}

/// An engine whose journal has a gate. Dropped, it first lets all be appended that is still asked.
pub(crate) struct Rig {
    pub(crate) gate: Gate,
    pub(crate) handle: Handle<GatedReader>,
    pub(crate) engine: Engine<GatedReader>,
    pub(crate) inner: MemoryJournal,
}

impl Rig {
    /// Starts an engine whose journal takes so many bytes at once.
    pub(crate) fn start(append_max: usize, options: Options) -> Self {
        Self::start_from(append_max, Beginning::default(), options)
    }

    /// Starts one from more than a journal.
    pub(crate) fn start_from(append_max: usize, beginning: Beginning, options: Options) -> Self {
        let inner = MemoryJournal::default();
        let (journal, gate) = Gate::before(inner.clone(), append_max);
        let engine = Engine::start_from(journal, beginning, options).expect("starts");
        Self { gate, handle: engine.handle(), engine, inner }
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::start(usize::MAX, Options::default())
    }
}

/// Decides the fate of appends. Dropped, it lets all be appended.
#[derive(Debug)]
pub(crate) struct Gate {
    arrivals: Receiver<Vec<Commit>>,
    fates: Sender<Fate>,
}

/// A journal behind a gate. The opening passes.
#[derive(Debug)]
struct Gated {
    inner: MemoryJournal,
    append_max: usize,
    arrived: Sender<Vec<Commit>>,
    fates: Mutex<Receiver<Fate>>,
}

#[derive(Debug, thiserror::Error)]
#[error("disk is gone")]
pub(crate) struct DiskGone;

#[derive(Clone, Debug)]
pub(crate) struct GatedReader(MemoryReader);

impl Gate {
    /// Puts a gate before a journal, which takes so many bytes at once.
    fn before(inner: MemoryJournal, append_max: usize) -> (Gated, Self) {
        let (arrived, arrivals) = channel();
        let (send, fates) = channel();
        let journal = Gated { inner, append_max, arrived, fates: Mutex::new(fates) };
        (journal, Self { arrivals, fates: send })
    }

    /// Waits for the next append, and returns what it is to append.
    pub(crate) fn arrival(&self) -> Vec<Commit> {
        self.arrivals.recv_timeout(SOON).expect("an append comes")
    }

    /// Returns whether an append has come that was not asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.arrivals.try_recv().is_err()
    }

    /// Decides the fate of the append that has arrived.
    pub(crate) fn decide(&self, fate: Fate) {
        self.fates.send(fate).expect("the journal waits");
    }
}

impl Journal for Gated {
    type Error = DiskGone;
    type Reader = GatedReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<DiskGone>> {
        let opens = commits.first().is_some_and(|commit| commit.after == Position::START);
        let fate = if opens || self.arrived.send(commits.to_vec()).is_err() {
            Fate::Append
        } else {
            self.fates.lock().expect("one appends").recv().unwrap_or(Fate::Append)
        };
        if matches!(fate, Fate::Append | Fate::Keep) {
            self.inner.append(commits).expect("memory takes commits");
        }
        match fate {
            Fate::Append => Ok(()),
            Fate::Lose | Fate::Keep => Err(AppendError::Fault(DiskGone)),
            Fate::Conflict => {
                let expected = commits[0].after;
                Err(AppendError::Conflict { expected, actual: expected.plus(1) })
            }
            Fate::Panic => panic!("as the test wants"),
        }
    }

    fn append_max(&self) -> usize {
        self.append_max
    }

    fn reader(&self) -> GatedReader {
        GatedReader(self.inner.reader())
    }
}

impl JournalReader for GatedReader {
    type Error = DiskGone;

    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, DiskGone>> + Send {
        self.0.read(after).map(|commit| Ok(commit.expect("memory reads")))
    }
}
