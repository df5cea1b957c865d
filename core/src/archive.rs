//! What core asks of the place where tasks go that leave the ledger. Stores implement it; core
//! never calls it.
use std::error::Error;

use crate::{
    Archived, Commit, Event, Ledger, TaskId, lifecycle,
    task::{ArchivedSubmission, Submission, Task},
};

/// Why an archive of tasks failed.
pub type ArchiveFault = Box<dyn Error + Send + Sync>;

/// Keeps the tasks that have left a ledger, in the order in which they left, and finds them again.
///
/// It holds nothing that the log does not: one that is lost is made anew by a replay.
pub trait TaskArchive: Send + Sync {
    /// Keeps tasks as they are just before they leave, after those that `before` adds up. What it
    /// had behind those is dropped: it was of commits that never became durable.
    ///
    /// # Errors
    ///
    /// Fails if it does not reach `before`, or cannot be written: the tasks must not leave then.
    fn keep(&self, before: Archived, tasks: &[(&TaskId, &Task)]) -> Result<(), ArchiveFault>;

    /// Returns once all that it keeps will survive a power cut.
    ///
    /// # Errors
    ///
    /// Fails if nobody knows whether it will.
    fn sync(&self) -> Result<(), ArchiveFault>;

    /// Returns whether it has, first of all, the very tasks that `archived` adds up.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    fn reaches(&self, archived: Archived) -> Result<bool, ArchiveFault>;

    /// Looks up the task that was the nth to leave, counted from 1.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read. That it is the very task that left is for whoever adds it up to
    /// see.
    fn nth(&self, number: u64) -> Result<Option<(TaskId, Task)>, ArchiveFault>;

    /// Looks up a task.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or has another task than the one that left.
    fn task(&self, id: &TaskId) -> Result<Option<Task>, ArchiveFault>;

    /// Looks up the task that was submitted under a dedupe key.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    fn task_of_dedupe_key(&self, key: &str) -> Result<Option<TaskId>, ArchiveFault>;
}

/// Looks up what a submission needs to know of tasks that have left: the one with its dedupe key,
/// or else the one with its id; none if the ledger still has what comes first.
///
/// # Errors
///
/// Fails if the archive does.
pub fn find(
    archive: &dyn TaskArchive,
    ledger: &Ledger,
    submission: &Submission,
) -> Result<Option<ArchivedSubmission>, ArchiveFault> {
    let key = submission.spec.dedupe_key.as_deref();
    if key.is_some_and(|key| ledger.task_of_dedupe_key(key).is_some()) {
        return Ok(None);
    }
    let of_key = key.map(|key| archive.task_of_dedupe_key(key)).transpose()?.flatten();
    if of_key.is_none() && ledger.task(&submission.id).is_some() {
        return Ok(None);
    }
    let id = of_key.unwrap_or_else(|| submission.id.clone());
    Ok(archive.task(&id)?.map(|task| ArchivedSubmission {
        id,
        dedupe_key: task.dedupe_key().map(Into::into),
        digest: task.spec_digest(),
    }))
}

/// Lists the tasks that leave the ledger with a commit.
pub fn leaving(commit: &Commit) -> impl Iterator<Item = &TaskId> {
    let leaving = commit.events.iter().filter_map(|event| match event {
        Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => Some(tasks),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    });
    leaving.flatten()
}
