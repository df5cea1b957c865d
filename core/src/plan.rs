//! What is to follow from what there is to see. A planner proposes commands, decide disposes.
use crate::{
    Command, Ledger, Millis, Timestamp,
    lifecycle::{self, TASKS_ARCHIVED_MAX},
};

/// Proposes that the tasks leave which have been finished for at least `keep`, those first that
/// finished first, at most [`TASKS_ARCHIVED_MAX`] at once; nothing if there are none.
///
/// How long to keep them is for whoever runs the ledger to say. Once a task has left, an operator
/// cannot retry it and its late results cannot be adopted, an edge that missed the answer to its
/// last report is told that the task is unknown, and a repeated request that its commit answered
/// must be answered without it. A day covers what edges and idempotency keys may still want.
#[must_use]
pub fn archive_finished(ledger: &Ledger, now: Timestamp, keep: Millis) -> Option<Command> {
    let tasks: Vec<_> = ledger
        .finished()
        .take_while(|(_, task)| task.finished_at().is_some_and(|at| at.after(keep) <= now))
        .take(TASKS_ARCHIVED_MAX)
        .map(|(id, _)| id.clone())
        .collect();
    (!tasks.is_empty()).then_some(Command::Ledger(lifecycle::Command::ArchiveTasks { tasks }))
}
