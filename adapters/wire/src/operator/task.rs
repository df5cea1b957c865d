//! `/v1/tasks`: tasks, as operators see them.
use edge_ledger_core::{
    Labels, Millis,
    task::{FailReason, LossReason, Outcome, State, TaskStatus},
    view::TaskView,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{optimization::Optimization, work::Work};

use super::Event;

/// A task, as it looks at an instant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Box<str>,
    /// Where it stands.
    pub status: TaskStatus,
    /// Higher ones are leased first.
    pub priority: i32,
    /// The one edge that may have it.
    pub assigned_to: Option<String>,
    /// The labels an edge must have.
    pub requires: Labels,
    /// Which run it is in.
    pub run: u32,
    /// How many attempts the run has used up.
    pub attempts: u32,
    /// How many it may use up.
    pub max_attempts: u32,
    /// How long a lease runs without a word from its holder.
    pub lease_seconds: u64,
    /// When it may be leased, if it waits for that.
    pub ready_at: Option<String>,
    /// When the run is to have ended.
    pub deadline_at: Option<String>,
    /// Its lease, if an edge holds it.
    pub lease: Option<LeaseView>,
    /// How far its holder says it is.
    pub progress: Option<ProgressView>,
    /// How many rows the run has.
    pub rows: usize,
    /// How many rows are kept aside as late.
    pub late_rows: usize,
    /// How the run ended.
    pub finished: Option<FinishedView>,
    /// What last went wrong.
    pub last_error: Option<Box<str>>,
    /// The edges that held it in this run and lost it.
    pub lost: Vec<LossView>,
    /// Under this key it may be submitted again.
    pub dedupe_key: Option<Box<str>>,
    /// When it was submitted.
    pub submitted_at: String,
    /// The position of its submission: tasks list in this order.
    pub position: u64,
    /// When it was looked at.
    pub as_of: String,
    /// What it optimises. Only where one task is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimization: Option<Box<Optimization>>,
    /// What else there is to do. Only where one task is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// What has happened to it, but for sheer signs of life. Only where one task is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Event>>,
}

/// A task in the hands of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// Who holds it.
    pub edge: String,
    /// The fence: also the place in the log of the event that granted the lease.
    pub lease_token: u64,
    /// Which attempt of the run it is.
    pub attempt: u32,
    /// When it was granted.
    pub leased_at: String,
    /// When it ends unless it is extended.
    pub expires_at: String,
    /// How long that is from now.
    pub remaining_ms: Millis,
}

/// How far the holder of a task says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    /// How many configurations are done.
    pub processed_configs: u64,
    /// How many there are.
    pub total_configs: u64,
    /// The one at hand.
    pub current_config: Option<Box<str>>,
    /// Where the work is, in words.
    pub trial_progress: Option<Box<str>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishedView {
    /// When.
    pub at: String,
    /// Why, unless it is done.
    pub reason: Option<Box<str>>,
    /// The kind of failure.
    pub failure: Option<FailReason>,
    /// The best configurations, best first.
    pub best_config_ids: Vec<Box<str>>,
}

/// A lease that an edge lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LossView {
    /// Who held it.
    pub edge: String,
    /// Its fence.
    pub lease_token: u64,
    /// Why it is lost.
    pub reason: LossReason,
    /// Since when.
    pub since: String,
}

impl From<&TaskView<'_>> for Task {
    fn from(view: &TaskView<'_>) -> Self {
        let TaskView { task, .. } = view;
        let terms = task.terms();
        let ready_at = match task.state() {
            State::Awaiting { ready_at } => *ready_at,
            State::Leased(_) | State::Finished { .. } => None,
        };
        let finished = match task.state() {
            State::Finished { at, outcome } => Some(FinishedView::of(outcome, at.to_string())),
            State::Awaiting { .. } | State::Leased(_) => None,
        };
        Self {
            id: view.id.to_string(),
            name: task.name().into(),
            status: view.status,
            priority: terms.priority,
            assigned_to: terms.assigned_to.map(|edge| edge.to_string()),
            requires: terms.requires.clone(),
            run: task.run(),
            attempts: task.attempts(),
            max_attempts: terms.max_attempts,
            lease_seconds: terms.lease_time.0 / 1_000,
            ready_at: ready_at.map(|at| at.to_string()),
            deadline_at: task.deadline_at().map(|at| at.to_string()),
            lease: LeaseView::of(view),
            progress: task.progress().map(|progress| ProgressView {
                processed_configs: progress.processed,
                total_configs: progress.total,
                current_config: progress.current_config.clone(),
                trial_progress: progress.trial_progress.clone(),
            }),
            rows: task.row_count(),
            late_rows: task.late_results().iter().map(|late| late.config_ids.len()).sum(),
            finished,
            last_error: task.last_error().map(Into::into),
            lost: LossView::all(view),
            dedupe_key: task.dedupe_key().map(Into::into),
            submitted_at: task.submitted_at().to_string(),
            position: task.submitted_position().get(),
            as_of: view.as_of.to_string(),
            optimization: None,
            payload: None,
            history: None,
        }
    }
}

impl Task {
    /// Adds what it has its edge do.
    #[must_use]
    pub fn with_work(mut self, work: Work) -> Self {
        match work {
            Work::Optimization(optimization) => self.optimization = Some(optimization),
            Work::Payload(payload) => self.payload = Some(payload),
            Work::Nothing => {}
        }
        self
    }
}

impl LeaseView {
    fn of(view: &TaskView<'_>) -> Option<Self> {
        let lease = view.lease?;
        Some(Self {
            edge: lease.edge.to_string(),
            lease_token: lease.fence.get(),
            attempt: lease.attempt,
            leased_at: lease.leased_at.to_string(),
            expires_at: lease.expires_at.to_string(),
            remaining_ms: view.lease_remaining.unwrap_or_default(),
        })
    }
}

impl LossView {
    fn all(view: &TaskView<'_>) -> Vec<Self> {
        let lost = view.task.lost().iter().map(|(edge, lost)| Self {
            edge: edge.to_string(),
            lease_token: lost.fence.get(),
            reason: lost.reason,
            since: lost.since.to_string(),
        });
        lost.collect()
    }
}

impl FinishedView {
    fn of(outcome: &Outcome, at: String) -> Self {
        match outcome {
            Outcome::Completed(completion) => {
                let best_config_ids = completion.best.to_vec();
                Self { at, reason: None, failure: None, best_config_ids }
            }
            Outcome::Failed { reason, error } => Self {
                at,
                reason: Some(error.clone()),
                failure: Some(*reason),
                best_config_ids: vec![],
            },
            Outcome::Cancelled { reason } => {
                Self { at, reason: Some(reason.clone()), failure: None, best_config_ids: vec![] }
            }
        }
    }
}
