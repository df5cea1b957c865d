//! What the demonstration has seen so far, folded from the events that the gateway tells.

use std::collections::BTreeMap;

use edge_ledger_core::{Position, lifecycle::Epoch, task::Fence};
use edge_ledger_wire::operator::{Data, Event};
use serde::Serialize;

use super::tasks::LARGE;

/// What has been seen.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// The position of the last event seen.
    pub(super) head: u64,
    epoch: Epoch,
    names: BTreeMap<String, String>,
    pub(super) tasks: BTreeMap<String, Seen>,
}

/// What has been seen of a task.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every lease there was, oldest first.
    pub(super) leases: Vec<Lease>,
    /// Every lease that went stale, oldest first.
    pub(super) stale: Vec<Stale>,
    pub(super) processed: u64,
    pub(super) total: u64,
    pub(super) done: bool,
    /// Rows that are stored.
    pub(super) rows: usize,
    /// Rows that were sent again, by a later attempt.
    pub(super) deduplicated: u64,
}

/// A lease that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Lease {
    pub(super) edge: String,
    pub(super) fence: u64,
    pub(super) attempt: u32,
}

/// A lease that lapsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stale {
    pub(super) fence: u64,
    pub(super) at: String,
}

impl Scene {
    /// Sees an event, and says in a line what is worth telling of it.
    pub(super) fn see(&mut self, event: &Event) -> Option<String> {
        self.head = event.position;
        match &event.event {
            Data::LedgerOpened { epoch } => {
                self.epoch = Epoch(*epoch);
                None
            }
            Data::EdgeRegistered { edge, identity, .. } => {
                let name = identity.display_name.to_string();
                let told = format!("edge {name} is registered");
                self.names.insert(edge.clone(), name);
                Some(told)
            }
            Data::TaskSubmitted { task, .. } => {
                self.tasks.entry(task.clone()).or_default();
                None
            }
            Data::TaskLeased { task, edge, attempt, .. } => {
                let lease = Lease {
                    edge: self.name(edge),
                    fence: Fence::of(self.epoch, Position::new(event.position)).get(),
                    attempt: *attempt,
                };
                let Lease { edge, fence, attempt } = &lease;
                let told = format!("{task} is leased to {edge}, attempt {attempt}, fence {fence}");
                let seen = self.tasks.entry(task.clone()).or_default();
                seen.leases.push(lease);
                seen.processed = 0;
                Some(told)
            }
            Data::TaskProgressed { task, processed_configs, total_configs, .. } => {
                let seen = self.tasks.entry(task.clone()).or_default();
                seen.processed = *processed_configs;
                seen.total = *total_configs;
                None
            }
            Data::TaskResultsStored { task, rows, deduplicated, .. } => {
                let seen = self.tasks.entry(task.clone()).or_default();
                seen.rows += rows;
                seen.deduplicated += u64::from(*deduplicated);
                None
            }
            Data::TaskWentStale { task, edge, lease_token, .. } => {
                let told = format!(
                    "{task} goes stale: {} is silent, fence {lease_token}",
                    self.name(edge)
                );
                let seen = self.tasks.entry(task.clone()).or_default();
                seen.stale.push(Stale { fence: *lease_token, at: event.recorded_at.clone() });
                Some(told)
            }
            Data::TaskCompleted { task, processed_configs, total_configs, .. } => {
                let seen = self.tasks.entry(task.clone()).or_default();
                seen.done = true;
                (seen.processed, seen.total) = (*processed_configs, *total_configs);
                Some(format!("{task} is done, {processed_configs} configurations"))
            }
            Data::TaskFailed { task, error, .. } => Some(format!("{task} failed: {error}")),
            Data::LedgerTicked
            | Data::LedgerClosed
            | Data::TokenCreated { .. }
            | Data::TokenUsed { .. }
            | Data::TokenRevoked { .. }
            | Data::EdgeReregistered { .. }
            | Data::EdgeCredentialIssued { .. }
            | Data::EdgeCredentialExpirySet { .. }
            | Data::EdgeCredentialEnded { .. }
            | Data::EdgeReported { .. }
            | Data::EdgeFailureCounted { .. }
            | Data::EdgeFailuresCleared { .. }
            | Data::EdgeQuarantined { .. }
            | Data::EdgeReleased { .. }
            | Data::EdgeDisabled { .. }
            | Data::EdgeEnabled { .. }
            | Data::EdgeLabelsSet { .. }
            | Data::EdgeCapacitySet { .. }
            | Data::TaskReadied { .. }
            | Data::TaskLeaseRedelivered { .. }
            | Data::TaskLeaseExtended { .. }
            | Data::TaskLateResultsKept { .. }
            | Data::TaskLateResultsAdopted { .. }
            | Data::TaskLeaseEnded { .. }
            | Data::TaskAttemptFailed { .. }
            | Data::TaskCancelled { .. }
            | Data::TaskRetried { .. }
            | Data::TaskReassigned { .. }
            | _ => None,
        }
    }

    /// Returns who works on the large task, once they have delivered something and are far from
    /// done.
    pub(super) fn under_way(&self) -> Option<&Lease> {
        let seen = self.tasks.get(LARGE)?;
        let under_way = seen.rows > 0 && seen.processed < seen.total / 2 && !seen.done;
        seen.leases.last().filter(|_| under_way)
    }

    /// Returns whether every one of so many tasks is done.
    pub(super) fn all_done(&self, tasks: usize) -> bool {
        self.tasks.len() == tasks && self.tasks.values().all(|seen| seen.done)
    }

    /// Counts the configurations that are done.
    pub(super) fn processed(&self) -> u64 {
        self.tasks.values().map(|seen| seen.processed).sum()
    }

    fn name(&self, edge: &str) -> String {
        self.names.get(edge).cloned().unwrap_or_else(|| edge.to_owned())
    }
}
