//! What everybody else has of the engine: a place in its queue, and a look at its ledger.
use std::{
    fmt,
    sync::{Arc, OnceLock, RwLock},
};

use edge_ledger_core::{
    Cause, Command, JournalReader, Ledger, Millis, Position, TaskId, Timestamp, task::Task,
};
use tokio::sync::{oneshot, watch};

use crate::{
    Clock, ExecuteError, Receipt, Recorder, Shelf, Upkeep, answer::Waiting, handover::Handover,
    queue::Queue,
};

/// The wall clock may be this far off before readiness says so.
const SKEW_MAX: Millis = Millis::from_secs(1);

/// Executes commands and answers questions. Cheap to clone.
pub struct Handle<R> {
    pub(crate) shared: Arc<Shared<R>>,
}

/// What handles and the writer's threads share.
pub(crate) struct Shared<R> {
    /// As all that was decided left it: ahead of the journal.
    pub(crate) ledger: RwLock<Ledger>,
    pub(crate) reader: R,
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    pub(crate) handover: Handover,
    /// The last durable position.
    pub(crate) durable: watch::Receiver<Position>,
    /// Where finished tasks go.
    pub(crate) shelf: Option<Shelf>,
    /// How well it goes beside the writer.
    pub(crate) upkeep: Upkeep,
    /// Who sees what is decided.
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
    /// How the writer has stopped.
    pub(crate) stopped: OnceLock<Stop>,
}

/// Whether the engine can take commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It can, but the wall clock was set while the ledger was open: recorded times are this far
    /// from it until the ledger is opened anew.
    Skewed {
        /// How far.
        by: Millis,
    },
    /// It cannot any more.
    Stopped(Stop),
}

/// How the writer has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The ledger was closed.
    Closed,
    /// An append failed, so nobody knows what the journal holds until it is opened anew. The ledger
    /// was not closed.
    Failed {
        /// Why, with all that is behind it: for those who run the process.
        reason: String,
    },
}

impl Stop {
    pub(crate) fn panicked() -> Self {
        Self::Failed { reason: "the writer's thread panicked".to_owned() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the ledger is closed"),
            Self::Failed { .. } => f.write_str("an append failed"),
        }
    }
}

impl<R: JournalReader> Handle<R> {
    pub(crate) const fn new(shared: Arc<Shared<R>>) -> Self {
        Self { shared }
    }

    /// Executes a command, and answers from the ledger just as the command left it, once that is
    /// durable.
    ///
    /// The command is executed even if nobody waits for the answer any more. Meanwhile the writer
    /// waits for `answer`: be quick.
    ///
    /// # Errors
    ///
    /// A rejection, and [`ExecuteError::Busy`] when the queue is full, leave everything as it was.
    /// A rejection is told when what it rests on is durable. Once the writer has stopped, every
    /// command is refused.
    pub async fn execute<T: Send + 'static>(
        &self,
        cause: Cause,
        command: Command,
        answer: impl FnOnce(Receipt<'_>) -> T + Send + 'static,
    ) -> Result<T, ExecuteError> {
        let (tell, told) = oneshot::channel();
        self.shared.queue.enter(cause, command, Box::new(Waiting::new(answer, tell)))?;
        told.await.unwrap_or(Err(ExecuteError::Stopped))
    }

    /// Looks at the ledger, at the present time, and answers once all that it shows is durable: so
    /// whoever asks sees what was answered before, and nothing that a power cut could take back.
    /// The writer waits for `look`: be quick.
    ///
    /// # Errors
    ///
    /// Fails if the ledger shows what never became durable, because the writer has stopped.
    pub async fn view<T>(
        &self,
        look: impl FnOnce(&Ledger, Timestamp) -> T,
    ) -> Result<T, ExecuteError> {
        let (seen, head) = self.look(|ledger, now| (look(ledger, now), ledger.head()))?;
        let mut durable = self.shared.durable.clone();
        match durable.wait_for(|durable| *durable >= head).await {
            Ok(_) => Ok(seen),
            Err(_) => Err(ExecuteError::Stopped),
        }
    }

    /// Looks at the ledger without waiting: it may show what a power cut could still take back.
    /// For what is not told to anybody, as who sends a command that is to be decided anyway.
    ///
    /// # Errors
    ///
    /// Fails once an append has failed.
    pub fn glance<T>(&self, look: impl FnOnce(&Ledger, Timestamp) -> T) -> Result<T, ExecuteError> {
        match self.shared.stopped.get() {
            Some(Stop::Failed { .. }) => Err(ExecuteError::Stopped),
            Some(Stop::Closed) | None => self.look(look),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&Ledger, Timestamp) -> T) -> Result<T, ExecuteError> {
        // Poisoned, it may show half a commit.
        let ledger = self.shared.ledger.read().map_err(|_| ExecuteError::Stopped)?;
        Ok(look(&ledger, self.now().max(ledger.recorded_at())))
    }

    /// Returns the present time, as the next command would be stamped with it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Returns what reads the journal: payloads, rows and histories are there.
    #[must_use]
    pub fn reader(&self) -> &R {
        &self.shared.reader
    }

    /// Looks up a task that has left the ledger. It waits for a disk.
    ///
    /// # Errors
    ///
    /// Fails if the archive cannot be read.
    pub fn archived(&self, id: &TaskId) -> Result<Option<Task>, ExecuteError> {
        let Some(shelf) = &self.shared.shelf else { return Ok(None) };
        shelf.task(id).map_err(|fault| ExecuteError::Unarchived(fault.into()))
    }

    /// Returns what is known of the work beside the writer, and where to note how it goes.
    #[must_use]
    pub fn upkeep(&self) -> &Upkeep {
        &self.shared.upkeep
    }

    /// Returns whether the engine can take commands.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        if let Some(stop) = self.shared.stopped.get() {
            return Readiness::Stopped(stop.clone());
        }
        let by = self.shared.clock.skew();
        if by > SKEW_MAX { Readiness::Skewed { by } } else { Readiness::Ready }
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("stopped", &self.shared.stopped.get())
            .finish_non_exhaustive()
    }
}
