//! What an edge runs: the seam between holding a lease and doing the work.

mod builtin;
mod process;

use std::fmt;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use builtin::Builtin;
pub use edge_ledger_wire::edge::Row;
pub use process::{Process, ProcessLimits};

/// Something that can do the work of a task.
///
/// A runtime reports what it sees and decides nothing: whether its work still counts, is repeated
/// or given back is the agent's business.
pub trait Runtime: fmt::Debug + Send + Sync {
    /// Starts the work of a task and returns at once; whatever goes wrong is a report.
    ///
    /// Must be called within a tokio runtime.
    fn start(&self, job: Job) -> Work;
}

/// A task under a lease, as a runtime gets it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The task's id.
    pub task_id: String,
    /// The fence of the lease, for whatever the work protects with it.
    pub lease_token: u64,
    /// Which attempt at the task this is.
    pub attempt: u32,
    /// The task, byte for byte as the gateway gave it.
    pub json: Box<RawValue>,
}

/// What a runtime sees.
#[derive(Debug)]
pub enum Report {
    /// How far the work is.
    Progress(Progress),
    /// A configuration was measured.
    Row(Row),
    /// The work is done; nothing follows.
    Complete {
        /// The configurations found best, best first.
        best_config_ids: Vec<String>,
    },
    /// The work cannot be done; nothing follows.
    Failed {
        /// Why not.
        error: String,
        /// Whether another attempt could end otherwise.
        retryable: bool,
    },
}

/// How far the work of a task is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Configurations measured so far.
    pub processed: u64,
    /// Configurations there are.
    pub total: u64,
    /// The configuration being measured.
    pub current_config: Option<String>,
    /// The same for people.
    pub trial_progress: Option<String>,
}

/// Work in progress. Dropping it stops it.
#[derive(Debug)]
pub struct Work {
    reports: mpsc::Receiver<Report>,
    stop: CancellationToken,
}

impl Work {
    /// Returns work in progress and the end of it that a runtime holds.
    #[must_use]
    pub fn channel() -> (Self, Reporter) {
        let (sender, reports) = mpsc::channel(REPORTS_UNDERWAY);
        let stop = CancellationToken::new();
        (Self { reports, stop: stop.clone() }, Reporter { sender, stop })
    }

    /// Returns the next report, or nothing once the work has ended and left nothing running.
    pub async fn next(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// Asks the work to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops the work and waits until nothing of it runs any more.
    pub async fn stopped(mut self) {
        self.stop();
        while self.reports.recv().await.is_some() {}
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How many reports a runtime may be ahead of the agent.
const REPORTS_UNDERWAY: usize = 256;

/// A runtime's end of its work: dropping it says that nothing runs any more.
#[derive(Debug, Clone)]
pub struct Reporter {
    sender: mpsc::Sender<Report>,
    stop: CancellationToken,
}

impl Reporter {
    /// Reports, waiting while the agent is behind.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the work is no longer wanted; the report is lost.
    pub async fn report(&self, report: Report) -> Result<(), Stopped> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            sent = self.sender.send(report) => sent.map_err(|_| Stopped),
        }
    }

    /// Reports from a thread of its own, waiting while the agent is behind.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the work is no longer wanted; the report is lost.
    pub fn report_blocking(&self, report: Report) -> Result<(), Stopped> {
        match self.stop.is_cancelled() {
            true => Err(Stopped),
            false => self.sender.blocking_send(report).map_err(|_| Stopped),
        }
    }

    /// Returns once the work is no longer wanted.
    pub async fn unwanted(&self) {
        self.stop.cancelled().await;
    }
}

/// The work is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work was stopped")]
pub struct Stopped;
