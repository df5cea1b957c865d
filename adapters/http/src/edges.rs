//! What edges ask for themselves: to be let in, to be known to be well, to be given work.
use actix_web::{HttpResponse, http::header, web::Json};
use edge_ledger_core::{
    Command, EdgeId, Event, JournalReader, Ledger, Position, TaskId,
    edge::{Health, Registration},
    task::{self, Fence, TaskStatus},
};
use edge_ledger_engine::{Receipt, mint};
use edge_ledger_wire::{
    edge::{
        ConnectivityAnswer, ConnectivityRequest, Granted, LeasedTask, NextAnswer, NextRequest,
        RegisterAnswer,
    },
    work::Work,
};

use crate::{
    asked::{FromEdge, FromEnrollee},
    commits::{envelope, submissions_from},
    gateway::Gateway,
    problem::{Failure, unreadable},
    secret::{Kind, Secret},
};

pub(crate) async fn register<R: JournalReader>(
    asked: FromEnrollee<R>,
) -> Result<HttpResponse, Failure> {
    let credential = mint::credential_id();
    let secret = Secret::mint(Kind::Credential, credential.as_uuid())?;
    let registration = Registration {
        edge: mint::edge_id(),
        identity: asked.request.identity(),
        credential,
        secret: asked.gateway.keys.digest(&secret),
    };
    let command = Command::Register(Box::new(registration));
    let show =
        move |receipt: Receipt<'_>| receipt.ledger.edge_with_credential(credential)?.0.into();
    let edge: Option<EdgeId> = asked.gateway.execute(asked.cause, command, show).await?;
    let edge = edge.expect("a registration that is not refused issues the credential");
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(
        RegisterAnswer {
            worker_id: edge.to_string(),
            credential: secret.expose().to_owned(),
            device_number: asked.request.device_number,
        },
    ))
}

pub(crate) async fn connectivity<R: JournalReader>(
    asked: FromEdge<R, ConnectivityRequest>,
) -> Result<Json<ConnectivityAnswer>, Failure> {
    let edge = asked.edge;
    is_device_of(&asked.gateway, edge, &asked.request.device_number).await?;
    let command = Command::Report(Box::new(asked.request.into()));
    let show = move |receipt: Receipt<'_>| offer(receipt.ledger, edge);
    Ok(Json(asked.gateway.execute(asked.cause, command, show).await?))
}

pub(crate) async fn next<R: JournalReader>(
    asked: FromEdge<R, NextRequest>,
) -> Result<Json<NextAnswer>, Failure> {
    let edge = asked.edge;
    let command = Command::Poll(asked.request.into());
    let show = move |receipt: Receipt<'_>| handed_out(receipt, edge);
    let task = match asked.gateway.execute(asked.cause, command, show).await? {
        Some(handed_out) => Some(with_work(&asked.gateway, handed_out).await?),
        None => None,
    };
    Ok(Json(NextAnswer { success: true, task }))
}

/// A device number never changes, so it can be compared before the command is decided, and need not
/// be durable unless it differs: then that is told.
async fn is_device_of<R: JournalReader>(
    gateway: &Gateway<R>,
    edge: EdgeId,
    device_number: &str,
) -> Result<(), Failure> {
    let same = |ledger: &Ledger, _| {
        ledger.edge(edge).is_some_and(|edge| &*edge.identity().device_number == device_number)
    };
    if gateway.handle.glance(same)? || gateway.handle.view(same).await? {
        return Ok(());
    }
    let detail = "deviceNumber: is not the one that this edge is registered under";
    Err(Failure::forbidden("device_number_differs", detail))
}

/// Releases are not offered yet: there is only what the edge itself said to be repeated.
fn offer(ledger: &Ledger, edge: EdgeId) -> ConnectivityAnswer {
    let health = ledger.edge(edge).map(|edge| edge.health().clone());
    let Health { upgrade_status, upgrade_reason, .. } = health.unwrap_or_default();
    ConnectivityAnswer {
        target_version: None,
        release: None,
        upgrade_status: upgrade_status.into(),
        upgrade_message: upgrade_reason,
    }
}

/// A lease that a poll came to, without what is in the journal.
struct HandedOut {
    id: TaskId,
    name: Box<str>,
    submitted: Position,
    granted: Granted,
}

/// Returns the lease that a poll came to: the last one its commit hands out.
fn handed_out(receipt: Receipt<'_>, edge: EdgeId) -> Option<HandedOut> {
    let Receipt { ledger, commit, .. } = receipt;
    let (id, granted) = commit?
        .envelopes()
        .filter_map(|envelope| {
            let Event::Task { id, what } = envelope.event else { return None };
            let status = TaskStatus::Assigned;
            if let task::Event::Leased { attempt, expires_at, .. } = what {
                let fence = Fence::of(ledger.epoch(), envelope.position);
                let granted = Granted { status, attempt: *attempt, fence, expires_at: *expires_at };
                return Some((id.clone(), granted));
            }
            let task::Event::LeaseRedelivered { expires_at, .. } = what else { return None };
            let task = ledger.task(id)?;
            let held = task.lease().filter(|lease| lease.edge == edge);
            let held = held.map(|lease| (lease.fence, lease.attempt));
            let lost = || Some((task.lost().get(edge)?.fence, task.attempts()));
            let (fence, attempt) = held.or_else(lost)?;
            Some((id.clone(), Granted { status, attempt, fence, expires_at: *expires_at }))
        })
        .last()?;
    let task = ledger.task(&id)?;
    Some(HandedOut { name: task.name().into(), submitted: task.submitted_position(), id, granted })
}

async fn with_work<R: JournalReader>(
    gateway: &Gateway<R>,
    handed_out: HandedOut,
) -> Result<LeasedTask, Failure> {
    let HandedOut { id, name, submitted, granted } = handed_out;
    let work = work_of(gateway, submitted).await?;
    Ok(LeasedTask::new(&id, &name, work, granted))
}

/// Reads what a task has its edge do, from the event that submitted it.
pub(crate) async fn work_of<R: JournalReader>(
    gateway: &Gateway<R>,
    submitted: Position,
) -> Result<Work, Failure> {
    let commit = match gateway.payloads.find(submitted) {
        Some(commit) => commit,
        None => {
            let read = gateway.read(move |reader| submissions_from(reader, submitted)).await?;
            let commit = read.first().cloned();
            gateway.payloads.keep(read);
            commit.ok_or_else(|| unreadable(&NoSubmission(submitted)))?
        }
    };
    match envelope(&commit, submitted).map(|envelope| envelope.event) {
        Some(Event::Task { what: task::Event::Submitted(submitted), .. }) => {
            Work::of_payload(&submitted.spec.payload).map_err(|fault| unreadable(&fault))
        }
        Some(_) | None => Err(unreadable(&NoSubmission(submitted))),
    }
}

/// The ledger says that a task was submitted where its journal says otherwise.
#[derive(Debug, thiserror::Error)]
#[error("no task was submitted at position {0}")]
struct NoSubmission(Position);
