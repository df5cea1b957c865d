//! The ledger's own life: when it was open, and how much open time has passed.
use serde::{Deserialize, Serialize};

use crate::{
    TaskId,
    task::TaskStatus,
    time::{Millis, Timestamp},
};

/// The most tasks that leave the ledger with one command.
pub const TASKS_ARCHIVED_MAX: usize = 256;

/// What the ledger's own process asks of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Begin to serve, after a close, a crash or a restore.
    Open {
        /// The epoch to serve in: the present one, or a later one after a restore or an import.
        epoch: Epoch,
    },
    /// Note that the ledger is open, when nothing else has said so for a while.
    Tick,
    /// Stop serving.
    Close,
    /// Let finished tasks leave for the archive.
    ArchiveTasks {
        /// Which, each once: at least one, at most [`TASKS_ARCHIVED_MAX`].
        tasks: Vec<TaskId>,
    },
}

/// What has happened to the ledger itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerEvent"))]
pub enum Event {
    /// It began to serve. If no close came before, the commit before this one stands for it.
    Opened {
        /// The epoch it serves in.
        epoch: Epoch,
    },
    /// It was open.
    Ticked,
    /// It stopped serving.
    Closed,
    /// Finished tasks left for the archive, with their ids and dedupe keys.
    TasksArchived {
        /// Which, in the order in which they left.
        tasks: Vec<TaskId>,
    },
}

/// Why a command to the ledger itself was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nothing is decided while the ledger is closed.
    #[error("ledger is closed: open it first")]
    Closed,
    /// An epoch cannot come back.
    #[error("ledger is in epoch {current}, epoch {presented} has passed")]
    EpochPassed {
        /// What the command asked for.
        presented: Epoch,
        /// What the ledger is in.
        current: Epoch,
    },
    /// The fences of an epoch would be too large for exact JSON.
    #[error("epoch {presented} is out of range: the last one is {max}", max = Epoch::MAX)]
    EpochOutOfRange {
        /// What the command asked for.
        presented: Epoch,
    },
    /// No tasks are to be archived, or too many at once.
    #[error("1 to {max} tasks are archived at once, found {named}", max = TASKS_ARCHIVED_MAX)]
    ArchiveSize {
        /// How many the command names.
        named: usize,
    },
    /// A task is to be archived twice.
    #[error("task {0} is named twice: name it once")]
    ArchiveRepeats(TaskId),
    /// A task is to be archived that is not finished.
    #[error("task {task} is {status}: only DONE, FAILED and CANCELLED tasks can be archived")]
    ArchiveUnfinished {
        /// Which.
        task: TaskId,
        /// Where it stands.
        status: TaskStatus,
    },
}

/// Counts the restores and imports of a ledger; stands above the position in every fence.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Epoch(pub u16);

impl Epoch {
    /// The last epoch whose fences stay below 2^53, so that any JSON reader keeps them exact.
    pub const MAX: Self = Self((1 << 13) - 1);
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How long the ledger has been open, all openings together.
///
/// Silence is measured in it, so an outage of ours makes no edge look dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenTime {
    /// Of the openings that have ended.
    before: Millis,
    /// When the present one began.
    since: Option<Timestamp>,
}

impl OpenTime {
    pub(crate) fn at(&self, now: Timestamp) -> Millis {
        match self.since {
            Some(since) => self.before.plus(now.since(since)),
            None => self.before,
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.since.is_some()
    }

    /// `last` is the time of the commit before: it ends an opening that nothing closed.
    pub(crate) fn evolve(&mut self, event: &Event, last: Timestamp, now: Timestamp) {
        match event {
            Event::Opened { .. } => *self = Self { before: self.at(last), since: Some(now) },
            Event::Ticked | Event::TasksArchived { .. } => {}
            Event::Closed => *self = Self { before: self.at(now), since: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_time_counts() {
        let at = Timestamp::from_millis;
        let opened = Event::Opened { epoch: Epoch(0) };
        let mut open = OpenTime::default();
        let mut last = at(0);
        for (event, now, total) in [
            (opened.clone(), at(1_000), Millis(0)),
            (Event::Ticked, at(1_400), Millis(400)),
            (Event::Closed, at(1_500), Millis(500)),
            (opened.clone(), at(9_000), Millis(500)),
            (Event::Ticked, at(9_100), Millis(600)),
            (opened, at(99_000), Millis(600)), // after a crash some time past 9,100
            (Event::Ticked, at(99_001), Millis(601)),
        ] {
            open.evolve(&event, last, now);
            last = now;
            assert_eq!(open.at(now), total, "{event:?} at {now}");
        }
    }
}
