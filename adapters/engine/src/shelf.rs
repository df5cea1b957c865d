//! The archive of tasks beside the ledger: who leaves when, and who is looked up there.
use std::{fmt, sync::Arc};

use edge_ledger_core::{
    Command, Commit, Idempotency, Ledger, Millis, TaskArchive, TaskId, Timestamp,
    archive::{ArchiveFault, find, leaving},
    lifecycle, plan,
    task::{ArchivedSubmission, Submission, Task},
};

use crate::{ExecuteError, Fault, OpenError};

/// Where finished tasks go, and how long they stay in the ledger before.
#[derive(Clone)]
pub struct Shelf {
    archive: Arc<dyn TaskArchive>,
    keep: Millis,
}

impl Shelf {
    /// Lets tasks go to an archive that have been finished for at least `keep`, and at least for as
    /// long as a repeated request has to be answered as it was the first time.
    #[must_use]
    pub fn new(archive: Arc<dyn TaskArchive>, keep: Millis) -> Self {
        Self { archive, keep: keep.max(Idempotency::KEPT_FOR) }
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> Arc<dyn TaskArchive> {
        Arc::clone(&self.archive)
    }

    /// Looks up a task that has left.
    ///
    /// # Errors
    ///
    /// Fails if the archive cannot be read.
    pub fn task(&self, id: &TaskId) -> Result<Option<Task>, ArchiveFault> {
        self.archive.task(id)
    }

    /// Adds to a command what the archive knows of what it asks, and returns that as well.
    pub(crate) fn inform(
        &self,
        ledger: &Ledger,
        command: Command,
    ) -> Result<(Command, Vec<ArchivedSubmission>), ExecuteError> {
        let Command::Submit(submissions) = command else { return Ok((command, vec![])) };
        let mut found = Vec::new();
        let mut informed = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let archived = find(&*self.archive, ledger, &submission);
            let archived = archived.map_err(|fault| ExecuteError::Unarchived(fault.into()))?;
            found.extend(archived.clone());
            informed.push(Submission { archived, ..submission });
        }
        Ok((Command::Submit(informed), found))
    }

    /// Proposes that tasks leave, those that are due at `now`.
    pub(crate) fn proposes(&self, ledger: &Ledger, now: Timestamp) -> Option<Command> {
        plan::archive_finished(ledger, now, self.keep)
    }

    /// Returns when tasks are next due to leave.
    pub(crate) fn next_due(&self, ledger: &Ledger) -> Option<Timestamp> {
        let (_, first) = ledger.finished().next()?;
        Some(first.finished_at()?.after(self.keep))
    }

    /// Keeps the tasks that leave `ledger` with a command that is to be decided, durably.
    pub(crate) fn keep(&self, ledger: &Ledger, command: &Command) -> Result<(), ArchiveFault> {
        if let Command::Ledger(lifecycle::Command::ArchiveTasks { tasks }) = command {
            self.hold(ledger, tasks.iter())?;
            self.archive.sync()?;
        }
        Ok(())
    }

    /// Does so as the log is folded, for what the archive does not have yet.
    pub(crate) fn follow(&self, ledger: &Ledger, commit: &Commit) -> Result<(), OpenError> {
        self.hold(ledger, leaving(commit)).map_err(unarchived)
    }

    /// Sees that the archive has what has left, durably.
    pub(crate) fn check(&self, ledger: &Ledger) -> Result<(), OpenError> {
        self.archive.sync().map_err(unarchived)?;
        match self.archive.reaches(ledger.archived()).map_err(unarchived)? {
            true => Ok(()),
            false => Err(OpenError::Unarchived(Arc::new(Behind(ledger.archived().tasks())))),
        }
    }

    fn hold<'a>(
        &self,
        ledger: &Ledger,
        leaving: impl Iterator<Item = &'a TaskId>,
    ) -> Result<(), ArchiveFault> {
        let tasks: Vec<_> = leaving.filter_map(|id| ledger.task_entry(id)).collect();
        let sum = tasks.iter().fold(ledger.archived(), |sum, (id, task)| sum.and(id, task));
        if self.archive.reaches(sum)? {
            return Ok(());
        }
        self.archive.keep(ledger.archived(), &tasks)
    }
}

/// The archive is not the one that the ledger's tasks have left for.
#[derive(Debug, thiserror::Error)]
#[error("it does not have the {0} tasks that have left")]
struct Behind(u64);

fn unarchived(fault: ArchiveFault) -> OpenError {
    OpenError::Unarchived(Fault::from(fault))
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("keep", &self.keep).finish_non_exhaustive()
    }
}
