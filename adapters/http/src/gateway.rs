//! What every route shares: the engine, the secrets, the limits.
use std::{fmt, time::Duration};

use actix_web::web;
use edge_ledger_core::{
    Cause, Command, JournalReader, Ledger, Rejection, TaskId, Thresholds, Timestamp,
    past::{LogEnd, Moment, Past, PastError},
    task::{self, Task},
    view::TaskView,
};
use edge_ledger_engine::{ExecuteError, Handle, Receipt};
use tokio::sync::Semaphore;

use crate::{
    Backups, Keys,
    commits::Commits,
    problem::{Failure, unreadable},
};

/// Serves one ledger to edges and operators.
pub struct Gateway<R> {
    pub(crate) handle: Handle<R>,
    pub(crate) keys: Keys,
    pub(crate) limits: Limits,
    pub(crate) thresholds: Thresholds,
    pub(crate) payloads: Commits,
    pub(crate) backups: Option<Backups>,
    /// Folding a whole log takes a processor: one at a time.
    folding: Semaphore,
}

/// What requests may not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a body on most routes.
    pub body: usize,
    /// The most bytes of a body that brings results or tasks.
    pub bulk: usize,
    /// How long a body may take to arrive.
    pub body_within: Duration,
}

impl Default for Limits {
    /// Returns the wire contract's limits, and half a minute.
    fn default() -> Self {
        Self { body: 256 * 1024, bulk: 4 * 1024 * 1024, body_within: Duration::from_secs(30) }
    }
}

impl<R: JournalReader> Gateway<R> {
    /// Returns what serves an engine's ledger.
    #[must_use]
    pub fn new(handle: Handle<R>, keys: Keys, limits: Limits, thresholds: Thresholds) -> Self {
        let payloads = Commits::default();
        let (backups, folding) = (None, Semaphore::new(1));
        Self { handle, keys, limits, thresholds, payloads, backups, folding }
    }

    /// Lets operators take backups.
    #[must_use]
    pub fn with_backups(mut self, backups: Backups) -> Self {
        self.backups = Some(backups);
        self
    }

    pub(crate) async fn execute<T: Send + 'static>(
        &self,
        cause: Cause,
        command: Command,
        show: impl FnOnce(Receipt<'_>) -> T + Send + 'static,
    ) -> Result<T, ExecuteError> {
        let outcome = self.handle.execute(cause, command, show).await;
        if let Err(
            ExecuteError::Unrecorded(fault)
            | ExecuteError::Unreadable(fault)
            | ExecuteError::Unarchived(fault),
        ) = &outcome
        {
            tracing::error!(error = %fault, "the journal failed");
        }
        outcome
    }

    /// Reads the journal, on a thread that may wait for a disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&R) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let reader = self.handle.reader().clone();
        let outcome = web::block(move || read(&reader)).await;
        outcome.map_err(|error| Failure::unavailable("stopped", error.to_string()))?
    }

    /// Looks at a task, in the ledger as it is or as it was at a moment, or in the archive if it
    /// has left by then.
    pub(crate) async fn look_at_task<T: Send + 'static>(
        &self,
        id: &TaskId,
        at: Option<Moment>,
        show: impl Fn(Option<&Ledger>, &TaskView<'_>) -> T + Clone + Send + 'static,
    ) -> Result<T, Failure> {
        let (named, look) = (id.clone(), show.clone());
        let found = self.look(at, move |ledger, now| {
            let view = TaskView::of(ledger, &named, now);
            (view.map(|view| look(Some(ledger), &view)), now)
        });
        let (found, as_of) = found.await?;
        if let Some(found) = found {
            return Ok(found);
        }
        // Whatever had not finished by then had not left either.
        let left = self.archived(id).await?;
        let left = left.filter(|task| task.finished_at().is_some_and(|at| at <= as_of));
        let unknown = || Rejection::Task(task::Rejection::Unknown(id.clone()));
        let task = left.ok_or_else(unknown)?;
        Ok(show(None, &TaskView::of_task(id, &task, as_of)))
    }

    /// Looks up a task that has left the ledger.
    pub(crate) async fn archived(&self, id: &TaskId) -> Result<Option<Task>, Failure> {
        let (handle, id) = (self.handle.clone(), id.clone());
        let outcome = web::block(move || handle.archived(&id)).await;
        let outcome =
            outcome.map_err(|error| Failure::unavailable("stopped", error.to_string()))?;
        outcome.map_err(|error| {
            tracing::error!(%error, "the archive of tasks failed");
            error.into()
        })
    }

    /// Looks at the ledger as it is, or as it was at a moment.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        at: Option<Moment>,
        look: impl FnOnce(&Ledger, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(moment) = at else { return Ok(self.handle.view(look).await?) };
        let now = self.handle.now();
        if let Moment::Time(time) = moment
            && time > now
        {
            return Err(beyond(format!("{time} has not come yet: it is {now}")));
        }
        let turn = self.folding.acquire().await;
        let past = self.read(move |reader| {
            let log = reader.read(edge_ledger_core::Position::START);
            let Past { ledger, as_of } = Past::at(log, moment, LogEnd::Live).map_err(unfolded)?;
            Ok(look(&ledger, as_of))
        });
        let past = past.await;
        drop(turn);
        past
    }
}

fn unfolded<E: std::error::Error + 'static>(error: PastError<E>) -> Failure {
    match error {
        PastError::Beyond { .. } => beyond(error.to_string()),
        PastError::Unreadable(fault) => unreadable(&fault),
        PastError::Corrupt(fault) => unreadable(&fault),
    }
}

fn beyond(detail: String) -> Failure {
    let status = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
    Failure::of(status, "moment_beyond_log", detail)
}

impl<R> fmt::Debug for Gateway<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("limits", &self.limits).finish_non_exhaustive()
    }
}
