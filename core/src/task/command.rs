//! What may be asked about a task.
use serde::{Deserialize, Serialize};

use crate::{Digest, EdgeId, Position, TaskId};

use super::{Completion, Fence, Progress, Row, Spec};

/// A task that is to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Its id, chosen by the submitter or minted.
    pub id: TaskId,
    /// What it is.
    pub spec: Box<Spec>,
    /// The task in the archive that has its dedupe key, or else its id. Looked up just before the
    /// decision: a task that leaves the ledger in between would be in neither place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<ArchivedSubmission>,
}

/// What a task was submitted as that has left for the archive. Its id and its dedupe key are taken
/// for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedSubmission {
    /// Its id.
    pub id: TaskId,
    /// Its dedupe key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<Box<str>>,
    /// Its [`spec_digest`](super::Task::spec_digest).
    pub digest: Digest,
}

impl ArchivedSubmission {
    pub(crate) fn has_key_of(&self, other: &Submission) -> bool {
        self.dedupe_key.is_some() && self.dedupe_key == other.spec.dedupe_key
    }

    pub(crate) fn has_id_of(&self, other: &Submission) -> bool {
        self.id == other.id
    }
}

/// An edge asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// The tasks it says it works on; nothing is known of them if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holding: Option<Vec<TaskId>>,
    /// The most leases it wants to hold at once; at least one.
    pub capacity: u32,
}

/// What may be asked about one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// An edge reports, with the fence it was given, if it knows it.
    Holder(Option<Fence>, HolderCommand),
    /// An operator asks.
    Operator(OperatorCommand),
    /// Time, or the ledger's own process, asks.
    System(SystemCommand),
}

/// What the holder of a lease may report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderCommand {
    /// It is at work.
    Heartbeat(Progress),
    /// It has results.
    StoreResults(Vec<Row>),
    /// It is done.
    Complete(Completion),
    /// It could not do it.
    Fail {
        /// What went wrong.
        error: Box<str>,
        /// Whether another attempt may go better.
        retryable: bool,
    },
}

/// What an operator may ask of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorCommand {
    /// End it, unfinished.
    Cancel {
        /// Why.
        reason: Box<str>,
    },
    /// Begin a new run of a failed or cancelled task.
    Retry,
    /// Give it to one edge, or to any.
    Reassign {
        /// The one edge that may have it; any if none.
        to: Option<EdgeId>,
    },
    /// Take late results into the present run.
    AdoptLateResults {
        /// The event that kept them; all that are kept if none.
        kept_at: Option<Position>,
    },
}

/// What time makes due, and what the ledger's own process asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemCommand {
    /// End a lease whose time is over.
    EndLapsedLease,
    /// Let it be leased: its wait is over.
    Ready,
    /// End a run whose time is over.
    EndOverdueRun,
    /// Keep aside the rows of an edge that lost its lease.
    KeepLateResults {
        /// Who sent them.
        edge: EdgeId,
        /// The rows.
        rows: Vec<Row>,
    },
}
