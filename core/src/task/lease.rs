//! Leases: one edge at a time, for a while.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EdgeId, Timestamp};

use super::{EndReason, Fence};

/// How often a lease is handed out again before a poll for it counts as a restart.
pub const REDELIVERIES_MAX: u8 = 3;

/// A task in the hands of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub edge: EdgeId,
    /// What tells it from every other lease.
    pub fence: Fence,
    /// Which attempt of the run it is, counted from one.
    pub attempt: u32,
    /// When it was granted.
    pub leased_at: Timestamp,
    /// When it ends unless it is extended, exclusive: at this time it is over.
    pub expires_at: Timestamp,
    /// How often it was handed out again.
    pub redeliveries: u8,
    /// Whether the holder has been heard to work.
    pub started: bool,
}

impl Lease {
    /// Returns whether the lease is over at `now`, whether or not that is recorded yet.
    #[must_use]
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// Why an edge does not hold a task any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// Nothing was heard from it in time.
    Lapsed,
    /// It said that the attempt failed.
    Failed,
    /// The run ended while it held the task.
    Finished,
    /// It began anew and knew nothing of it.
    Restarted,
    /// An operator gave the task to another edge.
    Reassigned,
    /// It was disabled.
    EdgeDisabled,
    /// It had no credential any more.
    CredentialRevoked,
    /// The ledger was restored or imported.
    Restored,
    /// A later lease took its place.
    Superseded,
    /// It never had such a lease.
    NotGranted,
}

impl From<EndReason> for LossReason {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Restarted => Self::Restarted,
            EndReason::Reassigned => Self::Reassigned,
            EndReason::EdgeDisabled => Self::EdgeDisabled,
            EndReason::CredentialRevoked => Self::CredentialRevoked,
            EndReason::Restored => Self::Restored,
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lapsed => "lapsed",
            Self::Failed => "failed",
            Self::Finished => "finished",
            Self::Restarted => "restarted",
            Self::Reassigned => "reassigned",
            Self::EdgeDisabled => "edge_disabled",
            Self::CredentialRevoked => "credential_revoked",
            Self::Restored => "restored",
            Self::Superseded => "superseded",
            Self::NotGranted => "not_granted",
        })
    }
}

/// The last lease of the run that an edge held and lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Which it was.
    pub fence: Fence,
    /// Why it is lost.
    pub reason: LossReason,
    /// Since when.
    pub since: Timestamp,
}
