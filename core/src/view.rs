//! What there is to see of edges and tasks, computed at a given `now` and never stored.
//!
//! A view at a past instant is the same function over the ledger as it was then: fold the log up
//! to it and ask.
use serde::{Deserialize, Serialize};

use crate::{
    EdgeId, Ledger, Liveness, Millis, TaskId, Thresholds, Timestamp,
    edge::{Edge, Health},
    task::{Lease, Task, TaskStatus},
};

/// An edge, as it looks at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeView<'a> {
    /// Which.
    pub id: EdgeId,
    /// The edge.
    pub edge: &'a Edge,
    /// When it is looked at.
    pub as_of: Timestamp,
    /// How alive it looks.
    pub liveness: Liveness,
    /// How long the ledger has been open since the edge last showed itself.
    pub silence: Option<Millis>,
    /// What it is doing, from its reports and its leases.
    pub activity: Activity,
    /// The tasks it holds, oldest lease first.
    pub holds: Vec<&'a TaskId>,
}

/// What an edge is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Activity {
    /// It said that it waits, or said nothing and holds nothing.
    Idle,
    /// It said that it works, or holds a lease.
    Busy,
    /// It said that it replaces its agent.
    Upgrading,
    /// It said that it cannot work.
    Error,
}

/// A task, as it looks at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView<'a> {
    /// Which.
    pub id: &'a TaskId,
    /// The task.
    pub task: &'a Task,
    /// When it is looked at.
    pub as_of: Timestamp,
    /// Where it stands.
    pub status: TaskStatus,
    /// Its lease, if an edge holds it.
    pub lease: Option<&'a Lease>,
    /// How long its lease runs on without a word from its holder.
    pub lease_remaining: Option<Millis>,
}

impl<'a> EdgeView<'a> {
    /// Looks at one edge.
    #[must_use]
    pub fn of(
        ledger: &'a Ledger,
        id: EdgeId,
        thresholds: &Thresholds,
        now: Timestamp,
    ) -> Option<Self> {
        let edge = ledger.edge(id)?;
        let silence = ledger.silence(edge, now);
        let holds: Vec<_> = ledger.held_by(id).map(|(task, _)| task).collect();
        Some(Self {
            id,
            edge,
            as_of: now,
            liveness: Liveness::of(silence, thresholds),
            silence,
            activity: activity(edge.health(), !holds.is_empty()),
            holds,
        })
    }

    /// Returns how long its agent had been up when it last showed itself, and the time since then
    /// while it looks alive: what it would say now.
    #[must_use]
    pub fn uptime(&self) -> Option<Millis> {
        let reported = Millis::from_secs(self.edge.health().uptime_seconds?);
        let since = self.edge.health().reported_at.map(|at| self.as_of.since(at));
        match self.liveness {
            Liveness::Online => Some(reported.plus(since.unwrap_or_default())),
            Liveness::Stale | Liveness::Offline => Some(reported),
        }
    }

    /// Returns whether it holds as much as it may.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u32::try_from(self.holds.len()).unwrap_or(u32::MAX) >= self.edge.capacity()
    }
}

impl<'a> TaskView<'a> {
    /// Looks at one task.
    #[must_use]
    pub fn of(ledger: &'a Ledger, id: &TaskId, now: Timestamp) -> Option<Self> {
        let (id, task) = ledger.task_entry(id)?;
        Some(Self::of_task(id, task, now))
    }

    /// Looks at a task wherever it is, in a ledger or in the archive.
    #[must_use]
    pub fn of_task(id: &'a TaskId, task: &'a Task, now: Timestamp) -> Self {
        let lease = task.lease();
        Self {
            id,
            task,
            as_of: now,
            status: task.status(),
            lease,
            lease_remaining: lease.map(|lease| lease.expires_at.since(now)),
        }
    }
}

impl Ledger {
    /// Returns how long the ledger has been open at `now` since an edge last showed itself; none
    /// if it never did.
    #[must_use]
    pub fn silence(&self, edge: &Edge, now: Timestamp) -> Option<Millis> {
        edge.contact().map(|contact| self.open_time(now).minus(contact.open))
    }
}

fn activity(health: &Health, holds: bool) -> Activity {
    use crate::edge::RuntimeState;
    match (health.runtime_state, holds) {
        (Some(RuntimeState::Upgrading), _) => Activity::Upgrading,
        (Some(RuntimeState::Error), false) => Activity::Error,
        (Some(RuntimeState::Busy), _) | (_, true) => Activity::Busy,
        (Some(RuntimeState::Idle) | None, false) => Activity::Idle,
    }
}
