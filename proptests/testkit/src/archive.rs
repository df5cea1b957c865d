//! An archive in memory: what an adapter keeps of the tasks that have left a ledger.
use std::collections::BTreeMap;

use edge_ledger_core::{
    Archived, Command, Commit, Event, Ledger, TaskId, lifecycle,
    task::{ArchivedSubmission, Submission, Task},
};

/// Every task that has left, as it was.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    tasks: BTreeMap<TaskId, Task>,
    keys: BTreeMap<Box<str>, TaskId>,
    sum: Archived,
}

impl Archive {
    /// Keeps the tasks that leave `ledger` with a commit that has not been applied yet.
    pub fn keep(&mut self, ledger: &Ledger, commit: &Commit) {
        for id in leaving(commit) {
            let Some(task) = ledger.task(id) else { continue };
            self.sum = self.sum.and(id, task);
            self.keys.extend(task.dedupe_key().map(|key| (key.into(), id.clone())));
            self.tasks.insert(id.clone(), task.clone());
        }
    }

    /// Returns what its tasks add up to.
    #[must_use]
    pub const fn sum(&self) -> Archived {
        self.sum
    }

    /// Adds to a command what the archive knows of what it asks.
    #[must_use]
    pub fn inform(&self, command: Command) -> Command {
        match command {
            Command::Submit(submissions) => {
                let informed = submissions.into_iter().map(|submission| {
                    let archived = self.find(&submission);
                    Submission { archived, ..submission }
                });
                Command::Submit(informed.collect())
            }
            Command::Ledger(_)
            | Command::Token(..)
            | Command::Register(_)
            | Command::Edge(..)
            | Command::Report(_)
            | Command::Poll(_)
            | Command::Task(..) => command,
        }
    }

    fn find(&self, submission: &Submission) -> Option<ArchivedSubmission> {
        let by_key = submission.spec.dedupe_key.as_ref().and_then(|key| self.keys.get(key));
        let (id, task) = self.tasks.get_key_value(by_key.unwrap_or(&submission.id))?;
        Some(ArchivedSubmission {
            id: id.clone(),
            dedupe_key: task.dedupe_key().map(Into::into),
            digest: task.spec_digest(),
        })
    }
}

/// Lists the tasks that leave the ledger with a commit.
pub fn leaving(commit: &Commit) -> impl Iterator<Item = &TaskId> {
    let leaving = commit.events.iter().filter_map(|event| match event {
        Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => Some(tasks),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    });
    leaving.flatten()
}
