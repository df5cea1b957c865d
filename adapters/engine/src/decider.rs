//! The first stage: decides and applies in memory, one command after the other.
use std::{
    cell::Cell,
    sync::{Arc, RwLockReadGuard, RwLockWriteGuard},
    thread,
};

use edge_ledger_core::{
    Cause, Command, Commit, JournalReader, Ledger, Millis, Position, Timestamp, lifecycle,
    task::ArchivedSubmission,
};

use crate::{
    Duty, ExecuteError, Receipt, Stop,
    answer::{Asker, Held},
    handle::Shared,
    handover::Stopped,
    queue::{Job, Wake},
    step::{self, Step},
};

/// How long an archive that failed is left alone.
const PATIENCE: Millis = Millis::from_secs(60);

const INVARIANT: &str = "only this thread applies, and ends if it panics";

/// Decides commands, applies what they make happen, and hands it over to be appended.
///
/// It runs ahead of the journal by the group that is appended and the one that it fills: nothing
/// that it applies is told to anybody before it is durable.
pub(crate) struct Decider<R: JournalReader> {
    shared: Arc<Shared<R>>,
    append_max: usize,
    /// Before this no task leaves: the archive has failed.
    let_go_again_at: Cell<Timestamp>,
}

impl<R: JournalReader> Decider<R> {
    pub(crate) const fn new(shared: Arc<Shared<R>>, append_max: usize) -> Self {
        Self { shared, append_max, let_go_again_at: Cell::new(Timestamp::EPOCH) }
    }

    /// Decides until the ledger is to be closed, or an append fails.
    pub(crate) fn run(self) {
        // Either way there is nothing more to do: who waits has been told, or is as this is dropped.
        let (Ok(()) | Err(Stopped)) = self.serve();
    }

    fn serve(&self) -> Result<(), Stopped> {
        let mut jobs = Vec::new();
        loop {
            let now = match self.shared.queue.wait(self.next_due(), &mut jobs) {
                Wake::Jobs => self.execute_all(&mut jobs)?,
                Wake::Timer(now) => {
                    drop(self.advance(now)?);
                    now
                }
                Wake::Close(now) => return self.close(now),
                Wake::Stop => return Err(Stopped),
            };
            self.let_go(now)?;
            self.shared.handover.offer();
        }
    }

    fn next_due(&self) -> Timestamp {
        let ledger = self.ledger();
        let due = step::next_due(&ledger);
        let leaving = self.shared.shelf.as_ref().and_then(|shelf| shelf.next_due(&ledger));
        leaving.map_or(due, |leaving| due.min(leaving.max(self.let_go_again_at.get())))
    }

    /// Executes all that has come, and returns when the last of it did.
    fn execute_all(&self, jobs: &mut Vec<Job>) -> Result<Timestamp, Stopped> {
        let mut last = Timestamp::EPOCH;
        for job in jobs.drain(..) {
            last = job.now;
            self.execute(job)?;
        }
        Ok(last)
    }

    fn execute(&self, job: Job) -> Result<(), Stopped> {
        let Job { now, cause, command, asker } = job;
        let informed = self.advance(now)?.and_then(|()| self.inform(command));
        let (decided, archived) = match informed {
            Ok((command, archived)) => (self.decide(cause, command, now), archived),
            Err(error) => (Err(error), vec![]),
        };
        match decided {
            Ok(Step::Commit { commit, size }) => self.commit(commit, size, Some(asker), &archived),
            Ok(Step::AlreadySo) => self.answer(asker, now, Ok(None), &archived),
            Ok(Step::Repeated { after }) => {
                self.answer(asker, now, self.again(after).map(Some), &archived)
            }
            Err(error) => self.answer(asker, now, Err(error), &archived),
        }
    }

    /// Adds to a command what the archive knows of what it asks.
    fn inform(&self, command: Command) -> Result<(Command, Vec<ArchivedSubmission>), ExecuteError> {
        match &self.shared.shelf {
            Some(shelf) => shelf.inform(&self.ledger(), command),
            None => Ok((command, vec![])),
        }
    }

    /// Lets the tasks leave that are due to, a batch at a time so that nobody waits for long.
    fn let_go(&self, now: Timestamp) -> Result<(), Stopped> {
        let Some(shelf) = self.shared.shelf.as_ref().filter(|_| now >= self.let_go_again_at.get())
        else {
            return Ok(());
        };
        let proposed = shelf.proposes(&self.ledger(), now);
        let Some(command) = proposed else { return Ok(()) };
        // Into the archive first: what is in both places is found, what is in neither is lost.
        if let Err(error) = shelf.keep(&self.ledger(), &command) {
            tracing::warn!(%error, "finished tasks stay in the ledger: the archive takes none");
            self.shared.upkeep.failed(Duty::Tasks, now, &*error);
            self.let_go_again_at.set(now.after(PATIENCE));
            return Ok(());
        }
        self.shared.upkeep.went_well(Duty::Tasks);
        match self.decide(step::system(), command, now) {
            Ok(Step::Commit { commit, size }) => self.commit(commit, size, None, &[]),
            Ok(Step::AlreadySo | Step::Repeated { .. }) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "finished tasks stay in the ledger");
                self.let_go_again_at.set(now.after(PATIENCE));
                Ok(())
            }
        }
    }

    /// Executes everything that time has made due at `now`, or says why it cannot be.
    fn advance(&self, now: Timestamp) -> Result<Result<(), ExecuteError>, Stopped> {
        loop {
            let due = step::due(&self.ledger(), now);
            let Some(command) = due else { return Ok(Ok(())) };
            match self.decide(step::system(), command, now) {
                Ok(Step::Commit { commit, size }) => self.commit(commit, size, None, &[])?,
                Ok(Step::AlreadySo | Step::Repeated { .. }) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn close(&self, now: Timestamp) -> Result<(), Stopped> {
        let close = Command::Ledger(lifecycle::Command::Close);
        let decided = self.advance(now)?.and_then(|()| self.decide(step::system(), close, now));
        match decided {
            Ok(Step::Commit { commit, size }) => self.commit(commit, size, None, &[]),
            Ok(Step::AlreadySo | Step::Repeated { .. }) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the ledger could not be closed");
                Ok(())
            }
        }
    }

    fn decide(&self, cause: Cause, command: Command, now: Timestamp) -> Result<Step, ExecuteError> {
        let recorder = self.shared.recorder.as_deref();
        step::decide(&self.ledger(), self.append_max, cause, command, now, recorder)
    }

    /// Applies a commit, makes the answer from the ledger just as it is then, and hands both over.
    fn commit(
        &self,
        commit: Commit,
        size: usize,
        asker: Option<Box<dyn Asker>>,
        archived: &[ArchivedSubmission],
    ) -> Result<(), Stopped> {
        let mut ledger = self.shared.ledger.write().expect(INVARIANT);
        ledger.apply(&commit).expect("a commit decided on this ledger folds into it");
        let ledger = RwLockWriteGuard::downgrade(ledger);
        let held = asker.map(|mut asker| {
            let (now, commit) = (commit.recorded_at, Some(&commit));
            asker.see(Receipt { ledger: &ledger, now, commit, archived });
            Held::committed(asker)
        });
        drop(ledger);
        self.shared.handover.commit(commit, size, held)
    }

    /// Answers a command that makes nothing happen, from the ledger as it stands.
    fn answer(
        &self,
        mut asker: Box<dyn Asker>,
        now: Timestamp,
        commit: Result<Option<Commit>, ExecuteError>,
        archived: &[ArchivedSubmission],
    ) -> Result<(), Stopped> {
        let outcome = commit.map(|commit| {
            let commit = commit.as_ref();
            asker.see(Receipt { ledger: &self.ledger(), now, commit, archived });
        });
        self.shared.handover.hold(Held::resting(asker, outcome))
    }

    /// Finds the commit after a position, whether it is durable already or not.
    fn again(&self, after: Position) -> Result<Commit, ExecuteError> {
        let handed_over = self.shared.handover.find(after);
        handed_over.map_or_else(|| step::read_again(&self.shared.reader, after), Ok)
    }

    fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.shared.ledger.read().expect(INVARIANT)
    }
}

impl<R: JournalReader> Drop for Decider<R> {
    /// Lets the committer finish, and nobody wait.
    fn drop(&mut self) {
        if thread::panicking() {
            drop(self.shared.stopped.set(Stop::panicked()));
        }
        self.shared.handover.close();
        self.shared.queue.stop();
    }
}
