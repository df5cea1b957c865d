//! The sum of all that can have happened.
use serde::{Deserialize, Serialize};

use crate::{EdgeId, TaskId, TokenId, edge, enrollment, lifecycle, task};

/// A fact, about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Event {
    /// About the ledger itself.
    Ledger(lifecycle::Event),
    /// About an enrollment token.
    Token {
        /// Which.
        id: TokenId,
        /// What happened to it.
        what: enrollment::Event,
    },
    /// About an edge.
    Edge {
        /// Which.
        id: EdgeId,
        /// What happened to it.
        what: edge::Event,
    },
    /// About a task.
    Task {
        /// Which.
        id: TaskId,
        /// What happened to it.
        what: task::Event,
    },
}

/// Replay moves events by the million: what is large is boxed.
const _: () = assert!(size_of::<Event>() <= 88);

impl Event {
    /// Returns the event's stable name, subject first, as the catalogue of events lists it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ledger(what) => match what {
                lifecycle::Event::Opened { .. } => "ledger.opened",
                lifecycle::Event::Ticked => "ledger.ticked",
                lifecycle::Event::Closed => "ledger.closed",
                lifecycle::Event::TasksArchived { .. } => "ledger.tasks_archived",
            },
            Self::Token { what, .. } => match what {
                enrollment::Event::Created(_) => "token.created",
                enrollment::Event::Used => "token.used",
                enrollment::Event::Revoked => "token.revoked",
            },
            Self::Edge { what, .. } => match what {
                edge::Event::Registered { .. } => "edge.registered",
                edge::Event::Reregistered { .. } => "edge.reregistered",
                edge::Event::CredentialIssued { .. } => "edge.credential_issued",
                edge::Event::CredentialExpirySet { .. } => "edge.credential_expiry_set",
                edge::Event::CredentialEnded { .. } => "edge.credential_ended",
                edge::Event::Reported(_) => "edge.reported",
                edge::Event::FailureCounted { .. } => "edge.failure_counted",
                edge::Event::FailuresCleared => "edge.failures_cleared",
                edge::Event::Quarantined { .. } => "edge.quarantined",
                edge::Event::Released => "edge.released",
                edge::Event::Disabled { .. } => "edge.disabled",
                edge::Event::Enabled => "edge.enabled",
                edge::Event::LabelsSet(_) => "edge.labels_set",
                edge::Event::CapacitySet(_) => "edge.capacity_set",
            },
            Self::Task { what, .. } => match what {
                task::Event::Submitted(_) => "task.submitted",
                task::Event::Readied => "task.readied",
                task::Event::Leased { .. } => "task.leased",
                task::Event::LeaseRedelivered { .. } => "task.lease_redelivered",
                task::Event::LeaseExtended { .. } => "task.lease_extended",
                task::Event::Progressed(_) => "task.progressed",
                task::Event::ResultsStored(_) => "task.results_stored",
                task::Event::LateResultsKept(_) => "task.late_results_kept",
                task::Event::LateResultsAdopted { .. } => "task.late_results_adopted",
                task::Event::WentStale(_) => "task.went_stale",
                task::Event::LeaseEnded { .. } => "task.lease_ended",
                task::Event::AttemptFailed { .. } => "task.attempt_failed",
                task::Event::Failed { .. } => "task.failed",
                task::Event::Completed(_) => "task.completed",
                task::Event::Cancelled { .. } => "task.cancelled",
                task::Event::Retried { .. } => "task.retried",
                task::Event::Reassigned { .. } => "task.reassigned",
            },
        }
    }
}
