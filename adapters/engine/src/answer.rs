//! Who waits for the answer to a command, and the answer while it is held back.
use tokio::sync::oneshot;

use crate::{ExecuteError, Fault, Receipt};

/// Somebody who waits for an answer. Dropped untold, it is told that the writer has stopped.
pub(crate) trait Asker: Send {
    /// Makes the answer, from the ledger just as the command left it, and keeps it to itself.
    fn see(&mut self, receipt: Receipt<'_>);

    /// Tells the answer that was made, or why there is none.
    fn tell(self: Box<Self>, outcome: Result<(), ExecuteError>);
}

/// Waits for what a closure makes of the receipt.
pub(crate) struct Waiting<F, T> {
    show: Option<F>,
    shown: Option<T>,
    tell: oneshot::Sender<Result<T, ExecuteError>>,
}

impl<F, T> Waiting<F, T> {
    pub(crate) const fn new(show: F, tell: oneshot::Sender<Result<T, ExecuteError>>) -> Self {
        Self { show: Some(show), shown: None, tell }
    }
}

impl<F, T> Asker for Waiting<F, T>
where
    F: FnOnce(Receipt<'_>) -> T + Send,
    T: Send,
{
    fn see(&mut self, receipt: Receipt<'_>) {
        self.shown = self.show.take().map(|show| show(receipt));
    }

    fn tell(self: Box<Self>, outcome: Result<(), ExecuteError>) {
        let Self { shown, tell, .. } = *self;
        let answer = outcome.and_then(|()| shown.ok_or(ExecuteError::Stopped));
        // Whoever asked may have gone away; what was done stays done.
        drop(tell.send(answer));
    }
}

/// An answer that is held back until all that it rests on is durable.
pub(crate) struct Held {
    asker: Box<dyn Asker>,
    outcome: Result<(), ExecuteError>,
    /// It tells of a commit of its own. Otherwise nothing was done, whatever becomes of the group.
    committed: bool,
}

impl Held {
    /// Holds the answer of a command that made something happen.
    pub(crate) const fn committed(asker: Box<dyn Asker>) -> Self {
        Self { asker, outcome: Ok(()), committed: true }
    }

    /// Holds the answer of a command that made nothing happen.
    pub(crate) const fn resting(asker: Box<dyn Asker>, outcome: Result<(), ExecuteError>) -> Self {
        Self { asker, outcome, committed: false }
    }

    /// Tells it: all that it rests on is durable.
    pub(crate) fn tell(self) {
        self.asker.tell(self.outcome);
    }

    /// Tells that its group may or may not be durable.
    pub(crate) fn fail(self, fault: &Fault) {
        let error = if self.committed {
            ExecuteError::Unrecorded(Fault::clone(fault))
        } else {
            ExecuteError::Stopped
        };
        self.asker.tell(Err(error));
    }

    /// Tells that what it rests on was never appended.
    pub(crate) fn refuse(self) {
        self.asker.tell(Err(ExecuteError::Stopped));
    }
}
