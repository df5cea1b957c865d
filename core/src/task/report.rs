//! What edges report about a task, in the wire contract's order of checks.
use crate::{Timestamp, edge};

use super::{
    Completion, Event, Facts, FailReason, Fence, HolderCommand, Lease, Loss, LossReason,
    Progressed, Rejection, ResultsStored, State, Task, TaskStatus,
    attempt::{has_attempts_after, used_up},
};

/// What a report makes happen, to the task and to the edge that reports.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) events: Vec<Event>,
    pub(crate) edge_events: Vec<edge::Event>,
}

impl From<Event> for Reported {
    fn from(event: Event) -> Self {
        Self { events: vec![event], edge_events: Vec::new() }
    }
}

/// Decides a report. The order is fixed: held in this run, finished, held now, fence, status,
/// content.
pub(super) fn decide(
    facts: Facts<'_>,
    fence: Option<Fence>,
    command: HolderCommand,
    now: Timestamp,
) -> Result<Reported, Rejection> {
    let task = facts.task;
    let unknown = || Rejection::Unknown(facts.id.clone());
    let (edge, asking) = facts.asking.ok_or_else(unknown)?;
    let lease = match &task.state {
        State::Leased(lease) if lease.edge == edge => Some(lease),
        State::Leased(_) | State::Awaiting { .. } | State::Finished { .. } => None,
    };
    let lost = task.lost().get(edge);
    if lease.is_none() && lost.is_none() {
        return Err(unknown());
    }
    if task.is_finished() {
        return Ok(Reported { events: vec![], edge_events: vec![] });
    }
    let lease = match (lease, lost) {
        (Some(lease), _) if !lease.lapsed(now) => lease,
        (Some(lease), _) => {
            return Err(Rejection::LeaseLost(Box::new(Loss {
                reason: LossReason::Lapsed,
                since: lease.expires_at,
                presented: fence.or(Some(lease.fence)),
                holder: None,
                current: None,
            })));
        }
        (None, lost) => {
            let lost = lost.ok_or_else(unknown)?;
            let present = task.lease();
            return Err(Rejection::LeaseLost(Box::new(Loss {
                reason: lost.reason,
                since: lost.since,
                presented: fence.or(Some(lost.fence)),
                holder: present.map(|lease| (lease.edge, lease.leased_at)),
                current: present.map(|lease| lease.fence),
            })));
        }
    };
    if let Some(presented) = fence.filter(|fence| *fence != lease.fence) {
        let (reason, since) = match lost {
            Some(lost) if lost.fence == presented => (lost.reason, lost.since),
            Some(_) | None if presented < lease.fence => (LossReason::Superseded, lease.leased_at),
            Some(_) | None => (LossReason::NotGranted, lease.leased_at),
        };
        return Err(Rejection::FenceStale(Box::new(Loss {
            reason,
            since,
            presented: Some(presented),
            holder: Some((lease.edge, lease.leased_at)),
            current: Some(lease.fence),
        })));
    }
    let expires_at = now.after(task.terms.lease_time);
    match command {
        HolderCommand::Heartbeat(progress) => {
            Ok(Event::Progressed(Box::new(Progressed { progress, expires_at })).into())
        }
        HolderCommand::StoreResults(rows) => {
            let sent = rows.len();
            let rows = task.work().rows.new_of(rows)?;
            let deduplicated = u32::try_from(sent - rows.len()).unwrap_or(u32::MAX);
            let stored = ResultsStored { rows, deduplicated, expires_at };
            Ok(Event::ResultsStored(Box::new(stored)).into())
        }
        HolderCommand::Complete(completion) => {
            if !lease.started {
                return Err(Rejection::WrongStatus {
                    wish: "complete",
                    status: TaskStatus::Assigned,
                    needed: "PROCESSING, which a heartbeat or results begin",
                });
            }
            check(&completion, task)?;
            let cleared = (asking.failures() > 0).then_some(edge::Event::FailuresCleared);
            Ok(Reported {
                events: vec![Event::Completed(Box::new(completion))],
                edge_events: cleared.into_iter().collect(),
            })
        }
        HolderCommand::Fail { error, retryable } => Ok(Reported {
            events: vec![fail(facts, lease, error, retryable, now)],
            edge_events: edge::count_failure(asking),
        }),
    }
}

fn check(completion: &Completion, task: &Task) -> Result<(), Rejection> {
    if let Some(missing) = completion.best.iter().find(|id| !task.work().rows.contains(id)) {
        return Err(Rejection::BestUnknown(missing.clone()));
    }
    let Completion { processed, total, .. } = *completion;
    if processed > total {
        return Err(Rejection::ProgressBeyondTotal { processed, total });
    }
    Ok(())
}

fn fail(
    facts: Facts<'_>,
    lease: &Lease,
    error: Box<str>,
    retryable: bool,
    now: Timestamp,
) -> Event {
    match (retryable, has_attempts_after(facts.task, lease)) {
        (true, true) => Event::AttemptFailed { error, lease: used_up(facts, lease, now, now) },
        (true, false) => Event::Failed { reason: FailReason::AttemptsExhausted, error },
        (false, _) => Event::Failed { reason: FailReason::Reported, error },
    }
}
