//! What has happened to a task.
use serde::{Deserialize, Serialize};

use crate::{Digest, EdgeId, Position, Timestamp};

use super::{Completion, Fence, Progress, Row, Spec};

/// A recorded fact about a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TaskEvent"))]
pub enum Event {
    /// It was added; its first run began.
    Submitted(Box<Submitted>),
    /// Its wait was over: it may be leased.
    Readied,
    /// An edge was given a lease. The event's position is the lease's fence.
    Leased {
        /// Who holds it.
        edge: EdgeId,
        /// Which attempt of the run it is, counted from one.
        attempt: u32,
        /// When the lease ends unless it is extended.
        expires_at: Timestamp,
    },
    /// The same lease was handed out again: its answer may have been lost.
    LeaseRedelivered {
        /// How often it has been, with this.
        redeliveries: u8,
        /// When the lease ends now.
        expires_at: Timestamp,
    },
    /// The lease was given more time, because the ledger had been closed.
    LeaseExtended {
        /// When the lease ends now.
        expires_at: Timestamp,
    },
    /// The holder was at work.
    Progressed(Box<Progressed>),
    /// Results of the holder were taken.
    ResultsStored(Box<ResultsStored>),
    /// Results of a past holder were kept aside.
    LateResultsKept(Box<LateResultsKept>),
    /// Results kept aside were taken into the present run.
    LateResultsAdopted {
        /// The event that kept them.
        kept_at: Position,
        /// Those taken, by config id; the others were there already.
        config_ids: Box<[Box<str>]>,
    },
    /// A lease lapsed: nothing was heard from its holder in time.
    WentStale(LeaseEnd),
    /// A lease was ended for another reason.
    LeaseEnded {
        /// Why.
        reason: EndReason,
        /// Whose and which.
        lease: LeaseEnd,
    },
    /// An attempt failed, and another may go better.
    AttemptFailed {
        /// What the holder said went wrong.
        error: Box<str>,
        /// Whose and which.
        lease: LeaseEnd,
    },
    /// The run ended without success.
    Failed {
        /// Why.
        reason: FailReason,
        /// What the last holder said went wrong, or what did.
        error: Box<str>,
    },
    /// The run ended with success.
    Completed(Box<Completion>),
    /// An operator ended the run.
    Cancelled {
        /// Why.
        reason: Box<str>,
    },
    /// A new run began.
    Retried {
        /// Which, counted from one.
        run: u32,
        /// When the run is to have ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Timestamp>,
        /// When it may be leased, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<Timestamp>,
    },
    /// It was given to one edge, or to any.
    Reassigned {
        /// The one edge that may have it; any if none.
        to: Option<EdgeId>,
    },
}

/// A task was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Submitted {
    /// What it is.
    pub spec: Spec,
    /// The digest by which a second submission is known for the same.
    pub digest: Digest,
    /// When the first run is to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<Timestamp>,
    /// When it may be leased, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
}

/// The holder was at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progressed {
    /// How far it is.
    pub progress: Progress,
    /// When the lease ends now.
    pub expires_at: Timestamp,
}

/// Results of the holder were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResultsStored {
    /// Those that were new.
    pub rows: Vec<Row>,
    /// How many were not: an earlier row of the run has their config id.
    pub deduplicated: u32,
    /// When the lease ends now.
    pub expires_at: Timestamp,
}

/// Results of a past holder were kept aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LateResultsKept {
    /// Who sent them.
    pub edge: EdgeId,
    /// Those kept.
    pub rows: Vec<Row>,
    /// How many were not, because there are too many or they are known.
    pub dropped: u32,
}

/// The end of a lease, with what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeaseEnd {
    /// Who held it.
    pub edge: EdgeId,
    /// Which it was.
    pub fence: Fence,
    /// How many attempts the run has then used up.
    pub attempts: u32,
    /// When the task may be leased again, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
}

/// Why a lease was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LeaseEndReason"))]
pub enum EndReason {
    /// Its holder began anew and knew nothing of it.
    Restarted,
    /// An operator gave the task to another edge.
    Reassigned,
    /// Its holder was disabled.
    EdgeDisabled,
    /// Its holder has no credential any more.
    CredentialRevoked,
    /// The ledger was restored or imported.
    Restored,
}

/// Why a run ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FailReason {
    /// Its holder said so.
    Reported,
    /// Its attempts are used up.
    AttemptsExhausted,
    /// Its time was over.
    DeadlineMissed,
}
