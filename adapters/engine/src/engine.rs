//! The ledger with its threads: one decides, one appends.
use std::{
    io,
    sync::{Arc, OnceLock, RwLock},
    thread::{self, JoinHandle},
};

use edge_ledger_core::{Journal, JournalReader, Ledger};
use tokio::sync::watch;

use crate::{
    Clock, ExecuteError, Handle, OpenError, Opening, Readiness, Recorder, Shelf, Stop, Upkeep,
    Writer, committer::Committer, decider::Decider, handle::Shared, handover::Handover,
    queue::Queue,
};

/// How an engine is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many commands may wait before the next one is told that the engine is busy.
    pub queue: usize,
    /// How many encoded bytes are appended together at most; a commit that is larger goes alone.
    pub group: usize,
    /// Whether the ledger goes on from where it was, or from a copy.
    pub opening: Opening,
}

impl Default for Options {
    /// Returns a queue of 8,192, at ten microseconds a command less than a tenth of a second, and
    /// groups of 1 MiB, which a disk of 100 MB/s writes in a hundredth of one.
    fn default() -> Self {
        Self { queue: 8_192, group: 1024 * 1024, opening: Opening::SameEpoch }
    }
}

/// What an engine begins with beside its journal.
#[derive(Debug, Default)]
pub struct Beginning {
    /// A ledger that the journal's beginning folds to: only the rest of it is read.
    pub ledger: Ledger,
    /// Where finished tasks go; without it they stay in the ledger.
    pub shelf: Option<Shelf>,
    /// Who sees what is decided, from the opening on.
    pub recorder: Option<Arc<dyn Recorder>>,
}

/// An open ledger with its writer. Dropping it closes the ledger.
#[derive(Debug)]
pub struct Engine<R: JournalReader> {
    handle: Handle<R>,
    threads: Vec<JoinHandle<()>>,
}

impl<R: JournalReader> Engine<R> {
    /// Folds a journal, opens its ledger and starts the writer's threads.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read whole, does not fold, or cannot take the opening.
    pub fn start<J>(journal: J, options: Options) -> Result<Self, OpenError>
    where
        J: Journal<Reader = R> + Send + 'static,
    {
        Self::start_from(journal, Beginning::default(), options)
    }

    /// Does the same from more than a journal.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`], and if the archive of tasks cannot be made to have what has left.
    pub fn start_from<J>(
        journal: J,
        beginning: Beginning,
        options: Options,
    ) -> Result<Self, OpenError>
    where
        J: Journal<Reader = R> + Send + 'static,
    {
        let (shelf, recorder) = (beginning.shelf.clone(), beginning.recorder.clone());
        let mut clock = None;
        let opening = options.opening;
        let writer = Writer::begin(journal, beginning, opening, |ledger| {
            clock.insert(Clock::start(ledger.recorded_at())).now()
        })?;
        let clock = clock.expect("an opened writer has asked for the time");
        let (journal, ledger) = writer.into_parts();
        let append_max = journal.append_max();
        let (durable, known) = watch::channel(ledger.head());
        let shared = Arc::new(Shared {
            ledger: RwLock::new(ledger),
            reader: journal.reader(),
            clock,
            queue: Queue::new(clock, options.queue),
            handover: Handover::new(options.group.min(append_max)),
            durable: known,
            shelf,
            upkeep: Upkeep::default(),
            recorder,
            stopped: OnceLock::new(),
        });
        let committer = Committer::new(journal, Arc::clone(&shared), durable);
        let decider = Decider::new(Arc::clone(&shared), append_max);
        // From here on whatever fails drops the decider, so that the committer ends.
        let mut engine = Self { handle: Handle::new(shared), threads: Vec::new() };
        engine.spawn("committer", move || committer.run())?;
        engine.spawn("writer", move || decider.run())?;
        Ok(engine)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads.push(thread.map_err(unstarted)?);
        Ok(())
    }

    /// Returns a handle for commands and questions.
    #[must_use]
    pub fn handle(&self) -> Handle<R> {
        self.handle.clone()
    }

    /// Closes the ledger after what is in the queue, and waits until that is durable. Returns how
    /// the writer has stopped: if an append failed, then or before, the ledger is not closed.
    #[must_use]
    pub fn close(self) -> Stop {
        let handle = self.handle.clone();
        drop(self);
        match handle.readiness() {
            Readiness::Stopped(stop) => stop,
            Readiness::Ready | Readiness::Skewed { .. } => Stop::panicked(),
        }
    }
}

impl<R: JournalReader> Drop for Engine<R> {
    fn drop(&mut self) {
        let shared = &self.handle.shared;
        shared.queue.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the writer panicked: the ledger was not closed");
                drop(shared.stopped.set(Stop::panicked()));
            }
        }
        drop(shared.stopped.set(Stop::Closed));
    }
}

fn unstarted(error: io::Error) -> OpenError {
    OpenError::Unopened(ExecuteError::Unrecorded(Arc::new(error)))
}
