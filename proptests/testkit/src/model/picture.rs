//! What model and ledger are compared by: a line a subject, the same words from both.
use std::collections::BTreeMap;

use edge_ledger_core::{
    Ledger, Timestamp,
    edge::{self, Standing},
    task,
};

use super::{
    Model,
    edges::{Edge, Token},
    tasks::{State, Task},
};

/// A line for the ledger itself, and for every token, edge and task.
pub type Picture = BTreeMap<String, String>;

impl Model {
    /// Draws the model.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let tokens = self.tokens.iter().map(|(id, token)| (format!("{id:?}"), of_token(token)));
        let edges = self.edges.iter().map(|(id, edge)| (format!("{id:?}"), of_edge(edge)));
        let tasks = self.tasks.iter().map(|(id, task)| (format!("{id:?}"), of_task(task)));
        let line = format!("{}, {} archived", self.clock.line(), self.archived.len());
        let ledger = [("ledger".to_owned(), line)];
        ledger.into_iter().chain(tokens).chain(edges).chain(tasks).collect()
    }
}

/// Draws a ledger.
#[must_use]
pub fn of(ledger: &Ledger) -> Picture {
    let tokens = ledger.tokens().map(|(id, token)| {
        let line = format!("{} uses, revoked {}", token.uses(), token.revoked_at().is_some());
        (format!("{id:?}"), line)
    });
    let edges = ledger.edges().map(|(id, edge)| (format!("{id:?}"), seen_edge(edge)));
    let tasks = ledger.tasks().map(|(id, task)| (format!("{id:?}"), seen_task(task)));
    // Open time at the beginning of time is what the openings before this one add up to.
    let before = ledger.open_time(Timestamp::from_millis(i64::MIN));
    let (epoch, open, archived) = (ledger.epoch(), ledger.is_open(), ledger.counts().archived);
    let line = format!("epoch {epoch}, open {open} after {}, {archived} archived", before.0);
    [("ledger".to_owned(), line)].into_iter().chain(tokens).chain(edges).chain(tasks).collect()
}

fn of_token(token: &Token) -> String {
    format!("{} uses, revoked {}", token.uses, token.revoked)
}

fn of_edge(edge: &Edge) -> String {
    let standing = match (edge.disabled, edge.quarantined) {
        (true, _) => "disabled",
        (false, true) => "quarantined",
        (false, false) => "active",
    };
    let Edge { device, labels, capacity, failures, credentials, contact, .. } = edge;
    let Edge { version, state, active_task, last_error, .. } = edge;
    format!(
        "{device} {standing}, {failures} failures, capacity {capacity}, {labels:?}, \
         {credentials:?}, contact {contact:?}, {version:?} {state:?} {active_task:?} {last_error:?}"
    )
}

fn seen_edge(edge: &edge::Edge) -> String {
    let standing = match edge.standing() {
        Standing::Active => "active",
        Standing::Quarantined { .. } => "quarantined",
        Standing::Disabled { .. } => "disabled",
    };
    let credentials: BTreeMap<_, _> =
        edge.credentials().iter().map(|known| (known.id, known.expires_at)).collect();
    let contact = edge.contact().map(|contact| (contact.at, contact.open.0));
    let (identity, health) = (edge.identity(), edge.health());
    format!(
        "{} {standing}, {} failures, capacity {}, {:?}, {credentials:?}, contact {contact:?}, \
         {:?} {:?} {:?} {:?}",
        identity.device_number,
        edge.failures(),
        edge.capacity(),
        edge.labels(),
        identity.version,
        health.runtime_state,
        health.active_task,
        health.last_error,
    )
}

fn of_task(task: &Task) -> String {
    let state = match &task.state {
        State::Waits(ready_at) => format!("AWAIT from {ready_at:?}, {} used", task.used),
        State::Held(held) => {
            let status = if held.begun { "PROCESSING" } else { "ASSIGNED" };
            format!(
                "{status} by {:?}, attempt {}, until {}, {} times again",
                held.by, held.attempt, held.until, held.again
            )
        }
        State::Done => "DONE".to_owned(),
        State::Failed => "FAILED".to_owned(),
        State::Cancelled => "CANCELLED".to_owned(),
    };
    let late = task.late.len();
    format!(
        "run {} {state}, {} rows, {late} late, to {:?}",
        task.run,
        task.rows.len(),
        task.assigned_to
    )
}

fn seen_task(task: &task::Task) -> String {
    let status = task.status();
    let state = match task.state() {
        task::State::Awaiting { ready_at } => {
            format!("{status} from {ready_at:?}, {} used", task.attempts())
        }
        task::State::Leased(lease) => format!(
            "{status} by {:?}, attempt {}, until {}, {} times again",
            lease.edge, lease.attempt, lease.expires_at, lease.redeliveries
        ),
        task::State::Finished { .. } => status.to_string(),
    };
    let (rows, late) = (task.row_count(), task.late_results().len());
    let to = task.terms().assigned_to;
    format!("run {} {state}, {rows} rows, {late} late, to {to:?}", task.run())
}
