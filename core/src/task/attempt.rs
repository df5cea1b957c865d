//! The end of an attempt: what it uses up, and what comes after it.
use crate::Timestamp;

use super::{Event, Facts, FailReason, Lease, LeaseEnd, Task};

/// Returns the end of a lease whose attempt is used up, with the wait before the next one. The wait
/// runs from when the attempt ended, so that nothing depends on how late that is noticed.
pub(super) fn used_up(
    facts: Facts<'_>,
    lease: &Lease,
    ended_at: Timestamp,
    now: Timestamp,
) -> LeaseEnd {
    let task = facts.task;
    let wait = task.terms.backoff.wait(facts.id, task.run, lease.attempt);
    let ready_at = ended_at.after(wait);
    LeaseEnd {
        edge: lease.edge,
        fence: lease.fence,
        attempts: lease.attempt,
        ready_at: (ready_at > now && has_attempts_after(task, lease)).then_some(ready_at),
    }
}

pub(super) const fn has_attempts_after(task: &Task, lease: &Lease) -> bool {
    lease.attempt < task.terms.max_attempts
}

/// Ends the run too if the attempt was its last.
pub(super) fn then_next_attempt(task: &Task, ended: Event, end: LeaseEnd) -> Vec<Event> {
    let exhausted = (end.attempts >= task.terms.max_attempts).then(|| Event::Failed {
        reason: FailReason::AttemptsExhausted,
        error: format!("all {} attempts are used up", task.terms.max_attempts).into(),
    });
    [ended].into_iter().chain(exhausted).collect()
}
