//! What an agent lets others see of its work.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use edge_ledger_core::task::TaskStatus;

use crate::runtime::Progress;

/// Something worth knowing about an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The edge was registered, and is known from now on.
    Registered {
        /// Its id.
        worker_id: String,
        /// The number of its device.
        device_number: String,
    },
    /// There is no work for now.
    Idle,
    /// Work on a task begins.
    Started {
        /// The task.
        task_id: String,
        /// What it is called.
        name: String,
        /// Which attempt it is.
        attempt: u32,
        /// The fence of the lease.
        lease_token: u64,
    },
    /// Work on a task goes on.
    Progressed {
        /// The task.
        task_id: String,
        /// How far it is.
        progress: Progress,
    },
    /// Rows are kept by the gateway.
    Sent {
        /// The task.
        task_id: String,
        /// Rows that were news.
        accepted: usize,
        /// Rows that were there already.
        deduplicated: usize,
    },
    /// Work on a task is over.
    Ended {
        /// The task.
        task_id: String,
        /// How.
        outcome: Outcome,
    },
    /// A question came to nothing and is asked again.
    Troubled {
        /// What was asked.
        what: &'static str,
        /// What happened.
        error: String,
        /// When it is asked again.
        again_in: Duration,
    },
    /// A question was refused.
    Refused {
        /// What was asked.
        what: &'static str,
        /// Why, in the gateway's words.
        detail: String,
    },
    /// The agent was asked to end, and does so once its work allows.
    Closing,
}

/// How work on a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// Why.
        error: String,
    },
    /// Its lease ended before the work did; somebody else may have it.
    Lost {
        /// Why, in the gateway's words or the agent's.
        reason: String,
    },
    /// It was not wanted any more.
    Cancelled,
    /// It was given back for another edge to do.
    GivenBack,
}

impl From<TaskStatus> for Outcome {
    /// Says what the status of a task means for work on it that is not wanted any more.
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Done => Self::Done,
            TaskStatus::Failed => Self::Failed { error: "the task has failed".to_owned() },
            TaskStatus::Cancelled
            | TaskStatus::Await
            | TaskStatus::Assigned
            | TaskStatus::Processing => Self::Cancelled,
        }
    }
}

/// Somebody who is told.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Notice) + Send + Sync>);

impl Observer {
    /// Tells everything to a function, which must not take long.
    pub fn new(tell: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells nobody; the log is written all the same.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn tell(&self, notice: &Notice) {
        log(notice);
        (self.0)(notice);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer(…)")
    }
}

fn log(notice: &Notice) {
    match notice {
        Notice::Registered { worker_id, device_number } => {
            tracing::info!(worker_id, device_number, "registered");
        }
        Notice::Idle => tracing::debug!("no work for now"),
        Notice::Started { task_id, name, attempt, lease_token } => {
            tracing::info!(task_id, name, attempt, lease_token, "work begins");
        }
        Notice::Progressed { task_id, progress } => {
            tracing::debug!(task_id, progress.processed, progress.total, "work goes on");
        }
        Notice::Sent { task_id, accepted, deduplicated } => {
            tracing::debug!(task_id, accepted, deduplicated, "rows are kept");
        }
        Notice::Ended { task_id, outcome } => log_outcome(task_id, outcome),
        Notice::Troubled { what, error, again_in } => {
            tracing::warn!(what, error, ?again_in, "asking again");
        }
        Notice::Refused { what, detail } => tracing::error!(what, detail, "refused"),
        Notice::Closing => tracing::info!("asked to end"),
    }
}

fn log_outcome(task_id: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Done => tracing::info!(task_id, "work is done"),
        Outcome::Failed { error } => tracing::error!(task_id, error, "work failed"),
        Outcome::Lost { reason } => tracing::warn!(task_id, reason, "lease lost, work stopped"),
        Outcome::Cancelled => tracing::info!(task_id, "task cancelled, work stopped"),
        Outcome::GivenBack => tracing::info!(task_id, "work given back"),
    }
}
