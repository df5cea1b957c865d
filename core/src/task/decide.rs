//! What operators, time and the ledger's own process make happen to a task.
use std::collections::BTreeSet;

use crate::{Digest, EdgeId, TaskId, Timestamp};

use super::{
    Command, EndReason, Event, Facts, FailReason, LATE_ROWS_MAX, LateResults, LateResultsKept,
    LeaseEnd, OperatorCommand, Outcome, Rejection, Row, Spec, State, Submission, Submitted,
    SystemCommand, Task,
    attempt::{then_next_attempt, used_up},
    report::{self, Reported},
};

/// Decides a command about a task that is in the ledger.
pub(crate) fn decide(
    facts: Facts<'_>,
    command: Command,
    now: Timestamp,
) -> Result<Reported, Rejection> {
    let events = match command {
        Command::Holder(fence, command) => return report::decide(facts, fence, command, now),
        Command::Operator(command) => operator(facts, command, now)?,
        Command::System(command) => system(facts, command, now),
    };
    Ok(Reported { events, edge_events: Vec::new() })
}

/// Decides a submission; `known` is the task that has the id or the dedupe key already, with the
/// digest of its spec.
pub(crate) fn submit(
    submission: &Submission,
    known: Option<(&TaskId, Digest)>,
    now: Timestamp,
) -> Result<Option<Event>, Rejection> {
    let Submission { id, spec, .. } = submission;
    let digest = spec.digest();
    match (known, &spec.dedupe_key) {
        (None, _) => {
            let Spec { terms, .. } = &**spec;
            Ok(Some(Event::Submitted(Box::new(Submitted {
                spec: (**spec).clone(),
                digest,
                deadline_at: terms.run_time.map(|span| now.after(span)),
                ready_at: terms.ready_at(now),
            }))))
        }
        (Some((_, known)), _) if known == digest => Ok(None),
        (Some((known, _)), Some(key)) if known != id => {
            Err(Rejection::DedupeKeyTaken { key: key.clone(), task: known.clone() })
        }
        (Some(_), _) => Err(Rejection::IdTaken(id.clone())),
    }
}

/// Refuses a submission that takes the id or the dedupe key of another one of the same command,
/// unless the two are the same.
pub(crate) fn same_submission(
    submission: &Submission,
    first: &Submission,
) -> Result<(), Rejection> {
    match &submission.spec.dedupe_key {
        _ if submission.spec == first.spec => Ok(()),
        Some(key) if submission.id != first.id => {
            Err(Rejection::DedupeKeyTaken { key: key.clone(), task: first.id.clone() })
        }
        Some(_) | None => Err(Rejection::IdTaken(submission.id.clone())),
    }
}

/// Ends the lease of a task through no fault of the attempt, which is not used up.
pub(crate) fn give_up(task: &Task, reason: EndReason) -> Option<Event> {
    let lease = task.lease()?;
    Some(Event::LeaseEnded {
        reason,
        lease: LeaseEnd {
            edge: lease.edge,
            fence: lease.fence,
            attempts: lease.attempt.saturating_sub(1),
            ready_at: None,
        },
    })
}

/// Gives a running lease its whole time again after the ledger was closed.
pub(crate) fn extend_on_opening(task: &Task, now: Timestamp) -> Option<Event> {
    let expires_at = now.after(task.terms.lease_time);
    (task.lease()?.expires_at < expires_at).then_some(Event::LeaseExtended { expires_at })
}

fn operator(
    facts: Facts<'_>,
    command: OperatorCommand,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let task = facts.task;
    let needs = |wish, needed| Rejection::WrongStatus { wish, status: task.status(), needed };
    match (command, &task.state) {
        (OperatorCommand::Cancel { reason }, State::Awaiting { .. } | State::Leased(_)) => {
            Ok(vec![Event::Cancelled { reason }])
        }
        (OperatorCommand::Cancel { .. }, State::Finished { outcome, .. }) => match outcome {
            Outcome::Cancelled { .. } => Ok(vec![]),
            Outcome::Completed(_) | Outcome::Failed { .. } => {
                Err(needs("cancel", "AWAIT, ASSIGNED or PROCESSING"))
            }
        },
        (OperatorCommand::Retry, State::Finished { outcome, .. }) => match outcome {
            Outcome::Failed { .. } | Outcome::Cancelled { .. } => Ok(vec![Event::Retried {
                run: task.run.saturating_add(1),
                deadline_at: task.terms.run_time.map(|span| now.after(span)),
                ready_at: task.terms.ready_at(now),
            }]),
            Outcome::Completed(_) => Err(needs("retry", "FAILED or CANCELLED")),
        },
        (OperatorCommand::Retry, State::Awaiting { .. } | State::Leased(_)) => {
            Err(needs("retry", "FAILED or CANCELLED"))
        }
        (OperatorCommand::Reassign { .. }, State::Finished { .. }) => {
            Err(needs("reassign", "AWAIT, ASSIGNED or PROCESSING"))
        }
        (OperatorCommand::Reassign { to: Some(to) }, _) if !facts.named_edge_known => {
            Err(Rejection::EdgeUnknown(to))
        }
        (OperatorCommand::Reassign { to }, State::Awaiting { .. } | State::Leased(_)) => {
            Ok(reassign(task, to))
        }
        (OperatorCommand::AdoptLateResults { .. }, State::Finished { .. }) => {
            Err(needs("adopting late results", "AWAIT, ASSIGNED or PROCESSING"))
        }
        (OperatorCommand::AdoptLateResults { kept_at }, _) => {
            let chosen: Vec<_> = task
                .late_results()
                .iter()
                .filter(|late| kept_at.is_none_or(|kept_at| late.kept_at == kept_at))
                .collect();
            match (chosen.is_empty(), kept_at) {
                (true, Some(_)) => Err(Rejection::LateResultsUnknown),
                (true, None) => Ok(vec![]),
                (false, _) => adopt(task, &chosen),
            }
        }
    }
}

fn reassign(task: &Task, to: Option<EdgeId>) -> Vec<Event> {
    let holder = task.lease().map(|lease| lease.edge);
    if task.terms.assigned_to == to && (holder.is_none() || holder == to) {
        return vec![];
    }
    let keeps = to.is_some() && holder == to;
    let ended = if keeps { None } else { give_up(task, EndReason::Reassigned) };
    ended.into_iter().chain([Event::Reassigned { to }]).collect()
}

fn adopt(task: &Task, chosen: &[&LateResults]) -> Result<Vec<Event>, Rejection> {
    let mut taken = BTreeSet::new();
    let events = chosen
        .iter()
        .map(|late| Event::LateResultsAdopted {
            kept_at: late.kept_at,
            config_ids: late
                .config_ids
                .iter()
                .filter(|id| !task.work().rows.contains(id) && taken.insert((*id).clone()))
                .cloned()
                .collect(),
        })
        .collect();
    task.work().rows.have_room_for(taken.len())?;
    Ok(events)
}

fn system(facts: Facts<'_>, command: SystemCommand, now: Timestamp) -> Vec<Event> {
    let task = facts.task;
    match (command, &task.state) {
        (SystemCommand::EndLapsedLease, State::Leased(lease)) if lease.lapsed(now) => {
            let end = used_up(facts, lease, lease.expires_at, now);
            then_next_attempt(task, Event::WentStale(end), end)
        }
        (SystemCommand::Ready, State::Awaiting { ready_at: Some(ready_at) })
            if *ready_at <= now =>
        {
            vec![Event::Readied]
        }
        (SystemCommand::EndOverdueRun, State::Awaiting { .. } | State::Leased(_)) => {
            let Some(deadline) = task.deadline_at.filter(|deadline| *deadline <= now) else {
                return vec![];
            };
            let error = format!("the run was to have ended by {deadline}").into();
            vec![Event::Failed { reason: FailReason::DeadlineMissed, error }]
        }
        (
            SystemCommand::KeepLateResults { edge, rows },
            State::Awaiting { .. } | State::Leased(_),
        ) if task.lost().get(edge).is_some() => keep_late(task, edge, rows),
        (
            SystemCommand::EndLapsedLease
            | SystemCommand::Ready
            | SystemCommand::EndOverdueRun
            | SystemCommand::KeepLateResults { .. },
            State::Awaiting { .. } | State::Leased(_) | State::Finished { .. },
        ) => vec![],
    }
}

fn keep_late(task: &Task, edge: EdgeId, rows: Vec<Row>) -> Vec<Event> {
    let kept: usize = task.late_results().iter().map(|late| late.config_ids.len()).sum();
    let of_run = task.late_results().iter().filter(|late| late.run == task.run);
    let mut known: BTreeSet<_> = of_run.flat_map(|late| late.config_ids.iter().cloned()).collect();
    let sent = rows.len();
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| {
            !task.work().rows.contains(&row.config_id) && known.insert(row.config_id.clone())
        })
        .take(LATE_ROWS_MAX.saturating_sub(kept))
        .collect();
    if rows.is_empty() {
        return vec![];
    }
    let dropped = u32::try_from(sent - rows.len()).unwrap_or(u32::MAX);
    vec![Event::LateResultsKept(Box::new(LateResultsKept { edge, rows, dropped }))]
}
