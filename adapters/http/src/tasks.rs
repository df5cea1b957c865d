//! What edges report on the tasks they hold.
use actix_web::web::{Json, Path};
use edge_ledger_core::{
    Cause, Command, EdgeId, Event, JournalReader, Principal, Rejection, TaskId,
    task::{self, SystemCommand, TaskStatus},
};
use edge_ledger_engine::{ExecuteError, Receipt, mint};
use edge_ledger_wire::{
    Fields,
    edge::{
        CompleteRequest, FailRequest, HeartbeatAnswer, HeartbeatRequest, ResultsAnswer,
        ResultsRequest, StatusAnswer,
    },
};

use crate::{asked::FromEdge, gateway::Gateway, problem::Failure};

pub(crate) async fn heartbeat<R: JournalReader>(
    id: Path<String>,
    asked: FromEdge<R, HeartbeatRequest>,
) -> Result<Json<HeartbeatAnswer>, Failure> {
    let id = task_id(&id)?;
    let command = Command::Task(id.clone(), asked.request.into());
    let show = move |receipt: Receipt<'_>| heard(receipt, &id);
    Ok(Json(asked.gateway.execute(asked.cause, command, show).await?))
}

pub(crate) async fn results<R: JournalReader>(
    id: Path<String>,
    asked: FromEdge<R, ResultsRequest>,
) -> Result<Json<ResultsAnswer>, Failure> {
    let id = task_id(&id)?;
    let sent = asked.request.results.len();
    let command = Command::Task(id.clone(), asked.request.into());
    let show = move |receipt: Receipt<'_>| stored(receipt, sent);
    match asked.gateway.execute(asked.cause, command, show).await {
        Ok(answer) => Ok(Json(answer)),
        Err(refusal) => {
            if lost_the_lease(&refusal) {
                keep_aside(&asked.gateway, id, asked.edge, &asked.body).await;
            }
            Err(refusal.into())
        }
    }
}

pub(crate) async fn complete<R: JournalReader>(
    id: Path<String>,
    asked: FromEdge<R, CompleteRequest>,
) -> Result<Json<StatusAnswer>, Failure> {
    let id = task_id(&id)?;
    let command = Command::Task(id.clone(), asked.request.into());
    let show = move |receipt: Receipt<'_>| ended(receipt, &id);
    Ok(Json(asked.gateway.execute(asked.cause, command, show).await?))
}

pub(crate) async fn fail<R: JournalReader>(
    id: Path<String>,
    asked: FromEdge<R, FailRequest>,
) -> Result<Json<StatusAnswer>, Failure> {
    let id = task_id(&id)?;
    let command = Command::Task(id.clone(), asked.request.into());
    let show = move |receipt: Receipt<'_>| ended(receipt, &id);
    Ok(Json(asked.gateway.execute(asked.cause, command, show).await?))
}

/// Reads the id of a task from a path. What cannot be one is the id of no task.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    TaskId::new(text).map_err(|fault| {
        let detail = format!("no such task: {fault}");
        Failure::not_found("task_unknown", detail)
    })
}

/// A heartbeat that made nothing happen came to a task that is finished.
fn heard(receipt: Receipt<'_>, id: &TaskId) -> HeartbeatAnswer {
    let expires_at = made(receipt, |what| {
        let task::Event::Progressed(progressed) = what else { return None };
        Some(progressed.expires_at)
    });
    HeartbeatAnswer {
        success: true,
        status: expires_at.map_or_else(|| status(receipt, id), |_| TaskStatus::Processing),
        lease_expires_at: expires_at.map(|at| at.to_string()),
        cancel_requested: expires_at.is_none(),
    }
}

/// Rows that made nothing happen came to a task that is finished.
fn stored(receipt: Receipt<'_>, sent: usize) -> ResultsAnswer {
    let accepted = made(receipt, |what| {
        let task::Event::ResultsStored(stored) = what else { return None };
        Some(stored.rows.len())
    });
    let accepted = accepted.unwrap_or(0);
    ResultsAnswer { success: true, accepted, deduplicated: sent - accepted }
}

/// A verdict that made nothing happen came to a task that is finished.
fn ended(receipt: Receipt<'_>, id: &TaskId) -> StatusAnswer {
    let ended = made(receipt, |what| match what {
        task::Event::Completed(_) => Some(TaskStatus::Done),
        task::Event::Failed { .. } => Some(TaskStatus::Failed),
        task::Event::AttemptFailed { .. } => Some(TaskStatus::Await),
        task::Event::Submitted(_)
        | task::Event::Readied
        | task::Event::Leased { .. }
        | task::Event::LeaseRedelivered { .. }
        | task::Event::LeaseExtended { .. }
        | task::Event::Progressed(_)
        | task::Event::ResultsStored(_)
        | task::Event::LateResultsKept(_)
        | task::Event::LateResultsAdopted { .. }
        | task::Event::WentStale(_)
        | task::Event::LeaseEnded { .. }
        | task::Event::Cancelled { .. }
        | task::Event::Retried { .. }
        | task::Event::Reassigned { .. } => None,
    });
    let status = ended.unwrap_or_else(|| status(receipt, id));
    StatusAnswer { success: true, status }
}

fn made<T>(receipt: Receipt<'_>, pick: impl Fn(&task::Event) -> Option<T>) -> Option<T> {
    receipt.commit?.events.iter().find_map(|event| match event {
        Event::Task { what, .. } => pick(what),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => None,
    })
}

fn status(receipt: Receipt<'_>, id: &TaskId) -> TaskStatus {
    receipt.ledger.task(id).expect("a command about an unknown task is refused").status()
}

fn lost_the_lease(refusal: &ExecuteError) -> bool {
    match refusal {
        ExecuteError::Rejected(Rejection::Task(refusal)) => {
            matches!(refusal, task::Rejection::LeaseLost(_) | task::Rejection::FenceStale(_))
        }
        ExecuteError::Rejected(_)
        | ExecuteError::Busy
        | ExecuteError::TooLarge { .. }
        | ExecuteError::Unrecorded(_)
        | ExecuteError::Unreadable(_)
        | ExecuteError::Unarchived(_)
        | ExecuteError::Stopped => false,
    }
}

/// Keeps rows aside that came after the lease was lost. The edge is refused either way.
async fn keep_aside<R: JournalReader>(gateway: &Gateway<R>, id: TaskId, edge: EdgeId, body: &[u8]) {
    let request = Fields::of_body(body).and_then(|fields| ResultsRequest::try_from(&fields));
    let Ok(ResultsRequest { results, .. }) = request else { return };
    let rows = results.into_iter().map(task::Row::from).collect();
    let keep = SystemCommand::KeepLateResults { edge, rows };
    let command = Command::Task(id, task::Command::System(keep));
    let cause =
        Cause { command: mint::command_id(), principal: Principal::System, idempotency: None };
    if let Err(error) = gateway.execute(cause, command, |_| ()).await {
        tracing::warn!(%error, "late results were not kept");
    }
}
