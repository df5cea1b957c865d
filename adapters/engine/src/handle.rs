//! What everybody else has of the engine: a place in its queue, and a look at its ledger.
use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        mpsc::{SyncSender, TrySendError},
    },
};

use edge_ledger_core::{Cause, Command, JournalReader, Ledger, Millis, Timestamp};
use tokio::sync::oneshot;

use crate::{Clock, ExecuteError, Receipt};

/// The wall clock may be this far off before readiness says so.
const SKEW_MAX: Millis = Millis::from_secs(1);

/// Executes commands and answers questions. Cheap to clone.
pub struct Handle<R> {
    shared: Arc<Shared<R>>,
    queue: SyncSender<Job>,
}

/// What handles and the writer's thread share.
pub(crate) struct Shared<R> {
    pub(crate) ledger: Arc<RwLock<Ledger>>,
    pub(crate) reader: R,
    /// Held while a command is stamped and enters the queue, so that both have one order.
    pub(crate) clock: Mutex<Clock>,
    /// How the writer has stopped.
    pub(crate) stopped: OnceLock<Stop>,
}

/// What waits in the writer's queue.
pub(crate) struct Job {
    pub(crate) now: Timestamp,
    pub(crate) work: Work,
}

pub(crate) enum Work {
    Execute(Box<Execution>),
    Close,
}

pub(crate) struct Execution {
    pub(crate) cause: Cause,
    pub(crate) command: Command,
    pub(crate) answer: Answer,
}

/// Answers whoever waits: called once, with the outcome.
pub(crate) type Answer = Box<dyn FnOnce(Result<Receipt<'_>, ExecuteError>) + Send>;

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

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the ledger is closed"),
            Self::Failed { .. } => f.write_str("an append failed"),
        }
    }
}

impl<R: JournalReader> Handle<R> {
    pub(crate) const fn new(shared: Arc<Shared<R>>, queue: SyncSender<Job>) -> Self {
        Self { shared, queue }
    }

    /// Executes a command, and answers from the ledger just as the command left it.
    ///
    /// The command is executed even if nobody waits for the answer any more.
    ///
    /// # Errors
    ///
    /// A rejection, and [`ExecuteError::Busy`] when the queue is full, leave everything as it was.
    /// Once the writer has stopped, every command is refused.
    pub async fn execute<T: Send + 'static>(
        &self,
        cause: Cause,
        command: Command,
        answer: impl FnOnce(Receipt<'_>) -> T + Send + 'static,
    ) -> Result<T, ExecuteError> {
        let (tell, told) = oneshot::channel();
        let answer: Answer = Box::new(move |outcome| {
            // Whoever asked may have gone away; what was done stays done.
            drop(tell.send(outcome.map(answer)));
        });
        self.enqueue(Work::Execute(Box::new(Execution { cause, command, answer })))?;
        told.await.unwrap_or(Err(ExecuteError::Stopped))
    }

    pub(crate) fn enqueue(&self, work: Work) -> Result<(), ExecuteError> {
        let clock = self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let job = Job { now: clock.now(), work };
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => ExecuteError::Busy,
            TrySendError::Disconnected(_) => ExecuteError::Stopped,
        })
    }

    /// Looks at the ledger, at the present time. The writer waits meanwhile: look quickly.
    ///
    /// # Panics
    ///
    /// Only if a commit panicked while it was applied, which is a bug.
    pub fn view<T>(&self, look: impl FnOnce(&Ledger, Timestamp) -> T) -> T {
        let ledger =
            self.shared.ledger.read().expect("nobody panics while the ledger is being applied to");
        look(&ledger, self.now().max(ledger.recorded_at()))
    }

    /// Returns the present time, as the next command would be stamped with it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner).now()
    }

    /// Returns what reads the journal: payloads, rows and histories are there.
    #[must_use]
    pub fn reader(&self) -> &R {
        &self.shared.reader
    }

    /// Returns whether the engine can take commands.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        if let Some(stop) = self.shared.stopped.get() {
            return Readiness::Stopped(stop.clone());
        }
        let by = self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner).skew();
        if by > SKEW_MAX { Readiness::Skewed { by } } else { Readiness::Ready }
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), queue: self.queue.clone() }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("stopped", &self.shared.stopped.get())
            .finish_non_exhaustive()
    }
}
