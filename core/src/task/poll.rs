//! Handing out leases: again to an edge that may not have heard, or anew.
use crate::{EdgeId, Timestamp};

use super::{
    EndReason, Event, Facts, Lease, REDELIVERIES_MAX, Task,
    attempt::{then_next_attempt, used_up},
};

/// What handing a held task out again makes happen.
#[derive(Debug)]
pub(crate) struct HandedOut {
    pub(crate) events: Vec<Event>,
    /// Whether the edge has a lease on it now. If not, its attempts were used up.
    pub(crate) leased: bool,
}

/// Hands a lease out again that its holder seems not to know of.
///
/// One that was never begun comes again as it is, because an answer may have been lost. One that
/// was begun, or came again too often, is a restart: the attempt ends and the next begins.
pub(crate) fn hand_out_again(facts: Facts<'_>, lease: &Lease, now: Timestamp) -> HandedOut {
    let task = facts.task;
    if !lease.started && lease.redeliveries < REDELIVERIES_MAX {
        let redeliveries = lease.redeliveries + 1;
        let expires_at = now.after(task.terms().lease_time);
        let event = Event::LeaseRedelivered { redeliveries, expires_at };
        return HandedOut { events: vec![event], leased: true };
    }
    let mut end = used_up(facts, lease, now, now);
    end.ready_at = None;
    let ended = Event::LeaseEnded { reason: EndReason::Restarted, lease: end };
    let mut events = then_next_attempt(task, ended, end);
    let leased = events.len() == 1;
    if leased {
        events.push(leased_to(task, lease.edge, end.attempts, now));
    }
    HandedOut { events, leased }
}

/// Grants an edge a lease on a task that awaits one.
pub(crate) fn grant(task: &Task, edge: EdgeId, now: Timestamp) -> Event {
    leased_to(task, edge, task.attempts(), now)
}

fn leased_to(task: &Task, edge: EdgeId, attempts: u32, now: Timestamp) -> Event {
    Event::Leased {
        edge,
        attempt: attempts.saturating_add(1),
        expires_at: now.after(task.terms().lease_time),
    }
}
