//! What an event is about, and whom it names.

use edge_ledger_core::{Commit, EdgeId, Event, Principal, TaskId, edge, lifecycle, task};

/// Returns the tasks that an event is about.
pub(crate) fn tasks(event: &Event) -> &[TaskId] {
    match event {
        Event::Task { id, .. } => std::slice::from_ref(id),
        Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => tasks,
        Event::Ledger(
            lifecycle::Event::Opened { .. } | lifecycle::Event::Ticked | lifecycle::Event::Closed,
        )
        | Event::Token { .. }
        | Event::Edge { .. } => &[],
    }
}

/// Returns the edge that an event is about or names.
pub(crate) fn edge(event: &Event) -> Option<EdgeId> {
    match event {
        Event::Ledger(_) | Event::Token { .. } => None,
        Event::Edge { id, .. } => Some(*id),
        Event::Task { what, .. } => named(what),
    }
}

/// Returns the edge whose request a commit is of.
pub(crate) const fn sender(commit: &Commit) -> Option<EdgeId> {
    match commit.cause.principal {
        Principal::Edge { edge, .. } => Some(edge),
        Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
    }
}

/// Returns whether an edge only said how it was.
pub(crate) const fn is_report(event: &Event) -> bool {
    matches!(event, Event::Edge { what: edge::Event::Reported(_), .. })
}

fn named(what: &task::Event) -> Option<EdgeId> {
    match what {
        task::Event::Submitted(submitted) => submitted.spec.terms.assigned_to,
        task::Event::Leased { edge, .. } => Some(*edge),
        task::Event::LateResultsKept(kept) => Some(kept.edge),
        task::Event::WentStale(lease)
        | task::Event::LeaseEnded { lease, .. }
        | task::Event::AttemptFailed { lease, .. } => Some(lease.edge),
        task::Event::Reassigned { to } => *to,
        task::Event::Readied
        | task::Event::LeaseRedelivered { .. }
        | task::Event::LeaseExtended { .. }
        | task::Event::Progressed(_)
        | task::Event::ResultsStored(_)
        | task::Event::LateResultsAdopted { .. }
        | task::Event::Failed { .. }
        | task::Event::Completed(_)
        | task::Event::Cancelled { .. }
        | task::Event::Retried { .. } => None,
    }
}
