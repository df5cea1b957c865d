//! What has left the ledger: finished tasks, as one number and one digest.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Event, Rejection, TaskId,
    codec::binary,
    lifecycle::{self, TASKS_ARCHIVED_MAX},
    task::{self, Task},
};

use super::Ledger;

/// The tasks that have left the ledger, in the order in which they left.
///
/// It is part of the ledger and of its digest. So a ledger that has just been folded and one that
/// has been up for a year are the same, and an archive can show that it has every task as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    tasks: u64,
    digest: Digest,
}

impl Default for Archived {
    fn default() -> Self {
        Self { tasks: 0, digest: Digest::from_bytes([0; 32]) }
    }
}

impl Archived {
    /// Wraps a number and a digest, for archives.
    #[must_use]
    pub const fn new(tasks: u64, digest: Digest) -> Self {
        Self { tasks, digest }
    }

    /// Returns how many they are.
    #[must_use]
    pub const fn tasks(&self) -> u64 {
        self.tasks
    }

    /// Returns the digest of them all.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns it with one more task, as it was when it left.
    ///
    /// The digest is BLAKE3 of the digest so far, the text of the id and the digest of the task's
    /// binary form.
    #[must_use]
    pub fn and(&self, id: &TaskId, task: &Task) -> Self {
        let id = id.to_string();
        let task = binary::digest(task);
        let parts = [self.digest.as_bytes(), id.as_bytes(), task.as_bytes()];
        Self { tasks: self.tasks + 1, digest: Digest::of(&parts.concat()) }
    }
}

impl Ledger {
    /// Decides which tasks leave. The commands of time and of operators about them end here, and
    /// so does what a past holder might still say: whoever proposes them gives that time to pass.
    pub(super) fn archive(&self, tasks: Vec<TaskId>) -> Result<Vec<Event>, Rejection> {
        let named = tasks.len();
        if named == 0 || named > TASKS_ARCHIVED_MAX {
            return Err(lifecycle::Rejection::ArchiveSize { named }.into());
        }
        let mut seen = BTreeSet::new();
        for id in &tasks {
            if !seen.insert(id) {
                return Err(lifecycle::Rejection::ArchiveRepeats(id.clone()).into());
            }
            let task = self.task(id).ok_or_else(|| task::Rejection::Unknown(id.clone()))?;
            if !task.is_finished() {
                let (task, status) = (id.clone(), task.status());
                return Err(lifecycle::Rejection::ArchiveUnfinished { task, status }.into());
            }
        }
        Ok(vec![Event::Ledger(lifecycle::Event::TasksArchived { tasks })])
    }

    /// Lets tasks leave; nothing if one of them is not there.
    pub(super) fn let_go(&mut self, tasks: &[TaskId]) -> Option<()> {
        for id in tasks {
            let task = self.remove_task(id)?;
            self.subjects.archived = self.subjects.archived.and(id, &task);
        }
        Some(())
    }
}
