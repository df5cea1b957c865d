//! Lines that show something, and what they show.
use edge_ledger_core::{
    EdgeId, Ledger, TaskId, Thresholds, Timestamp,
    task::State,
    view::{EdgeView, TaskView},
    why::why,
};

use serde::Serialize;

use super::words::Fault;

/// What a line asks to see.
pub(super) enum View {
    Why(TaskId),
    Task(TaskId),
    Edge(EdgeId),
    Liveness,
    Archived,
}

/// Shows it, a line an item.
pub(super) fn see(view: &View, ledger: &Ledger, now: Timestamp) -> Result<Vec<String>, Fault> {
    match view {
        View::Why(id) => {
            let reasons = why(ledger, id, &Thresholds::default(), now);
            Ok(reasons.iter().map(|reason| format!("{}: {reason}", reason.code())).collect())
        }
        View::Task(id) => {
            TaskView::of(ledger, id, now).map(task).ok_or_else(|| format!("no task {id}"))
        }
        View::Edge(id) => edge_view(ledger, *id, now).map(edge).ok_or_else(|| "no edge".to_owned()),
        View::Archived => {
            let archived = ledger.archived();
            Ok(vec![format!("{} tasks, {}", archived.tasks(), archived.digest())])
        }
        View::Liveness => Ok(ledger
            .edges()
            .filter_map(|(id, _)| edge_view(ledger, id, now))
            .map(|view| match view.silence {
                Some(silence) => {
                    format!("{} {} silent for {} ms", view.id, view.liveness, silence.0)
                }
                None => format!("{} {} never heard of", view.id, view.liveness),
            })
            .collect()),
    }
}

fn edge_view(ledger: &Ledger, id: EdgeId, now: Timestamp) -> Option<EdgeView<'_>> {
    EdgeView::of(ledger, id, &Thresholds::default(), now)
}

fn task(view: TaskView<'_>) -> Vec<String> {
    let task = view.task;
    let mut lines = vec![
        format!("{}, run {}, {} attempts used up", view.status, task.run(), task.attempts()),
        format!("{} rows, {} late results", task.row_count(), task.late_results().len()),
    ];
    match task.state() {
        State::Awaiting { ready_at: None } => lines.push("may be leased".to_owned()),
        State::Awaiting { ready_at: Some(at) } => lines.push(format!("may be leased at {at}")),
        State::Leased(lease) => lines.push(format!(
            "leased to {} under fence {}, attempt {}, until {}",
            lease.edge, lease.fence, lease.attempt, lease.expires_at
        )),
        State::Finished { at, outcome } => lines.push(format!("finished at {at}: {outcome:?}")),
    }
    lines.extend(task.progress().map(|progress| format!("{progress:?}")));
    lines.extend(task.lost().iter().map(|(edge, lost)| {
        format!("lost by {edge}: {} at {}, fence {}", lost.reason, lost.since, lost.fence)
    }));
    lines
}

fn edge(view: EdgeView<'_>) -> Vec<String> {
    let edge = view.edge;
    vec![
        format!("{:?}, {}, {:?}", edge.standing(), view.liveness, view.activity),
        known(edge.identity()),
        format!("labels {{{}}}, capacity {}", edge.labels(), edge.capacity()),
        format!("{} failures in a row, holds {:?}", edge.failures(), view.holds),
        known(edge.health()),
    ]
}

/// Shows the fields that have a value.
fn known(fields: &impl Serialize) -> String {
    let mut fields = serde_json::to_value(fields).expect("views are JSON");
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    fields.to_string()
}
