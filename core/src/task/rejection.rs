//! Why a command about a task was refused.
use std::fmt;

use crate::{EdgeId, TaskId, Timestamp};

use super::{Fence, LossReason, TaskStatus};

/// A refusal that a task's state gives rise to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such task, or none that the asking edge has held in this run.
    #[error("task {0} is not in the ledger")]
    Unknown(TaskId),
    /// The id is taken by a task with other content.
    #[error("task id {0} is taken by a task with other content: choose another id")]
    IdTaken(TaskId),
    /// The dedupe key is taken by a task with other content.
    #[error("dedupe key {key:?} is taken by task {task}, which has other content")]
    DedupeKeyTaken {
        /// The key.
        key: Box<str>,
        /// Who has it.
        task: TaskId,
    },
    /// The edge that the task is to be given to is not registered.
    #[error("edge {0} is not registered, so no task can be given to it")]
    EdgeUnknown(EdgeId),
    /// The asking edge does not hold the task any more.
    #[error("lease is lost: {0}")]
    LeaseLost(Box<Loss>),
    /// The fence is not that of the present lease, though the asking edge holds it.
    #[error("fence is stale: {0}")]
    FenceStale(Box<Loss>),
    /// The task is not in the state that the command needs.
    #[error("task is {status}, {wish} needs {needed}")]
    WrongStatus {
        /// What was asked.
        wish: &'static str,
        /// Where the task stands.
        status: TaskStatus,
        /// Where it must stand.
        needed: &'static str,
    },
    /// A config is named best of which there is no row.
    #[error(
        "bestConfigIds names {0:?}, but no row with that configId is stored in this run: send its \
         results first"
    )]
    BestUnknown(Box<str>),
    /// More is done than there is.
    #[error("processedConfigs is {processed}, more than totalConfigs, which is {total}")]
    ProgressBeyondTotal {
        /// How many are done.
        processed: u64,
        /// How many there are.
        total: u64,
    },
    /// The run has too many rows.
    #[error("run has {stored} rows, {sent} more would pass the bound of {max}")]
    TooManyRows {
        /// How many are stored.
        stored: usize,
        /// How many new ones were sent.
        sent: usize,
        /// The bound.
        max: usize,
    },
    /// Nothing is kept aside under that position.
    #[error("task has no late results that were kept at that position")]
    LateResultsUnknown,
}

/// A lease that an edge thinks it has, beside how things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why it is lost.
    pub reason: LossReason,
    /// Since when.
    pub since: Timestamp,
    /// The fence the edge presented, or that of the last lease it held.
    pub presented: Option<Fence>,
    /// Who holds the task now, and since when.
    pub holder: Option<(EdgeId, Timestamp)>,
    /// The fence of the present lease.
    pub current: Option<Fence>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, since, presented, holder, current } = self;
        write!(f, "{reason} at {since}")?;
        match presented {
            Some(fence) => write!(f, ", leaseToken {fence}")?,
            None => f.write_str(", no leaseToken")?,
        }
        match (holder, current) {
            (Some((edge, since)), Some(fence)) => {
                write!(f, "; now held by edge {edge} since {since} under leaseToken {fence}")
            }
            _ => f.write_str("; nobody holds the task now"),
        }
    }
}
