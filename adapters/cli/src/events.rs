//! Events in a line: every field under its own name, as docs/EVENTS.md has it.

use edge_ledger_wire::operator::{Event, Principal};
use serde_json::{Map, Value};

use anyhow::Result;

use crate::output::{Cell, Output, Table, note};

/// Events, printed as they are found: rows of tables, or lines of JSON.
#[derive(Debug)]
pub(crate) struct Lines {
    output: Output,
    page: Table,
    shown: u64,
}

/// How many rows are fitted together.
const PAGE: usize = 1_000;

impl Lines {
    /// Begins with nothing printed.
    pub(crate) fn new(output: Output) -> Self {
        Self { output, page: table(), shown: 0 }
    }

    /// Prints an event, or keeps it until its page is full.
    pub(crate) fn add(&mut self, event: &Event) -> Result<()> {
        self.shown += 1;
        if self.output.is_json() {
            return self.output.json_line(event);
        }
        self.page.row(row(event));
        if self.page.len() < PAGE {
            return Ok(());
        }
        self.output.table(&std::mem::replace(&mut self.page, table()), "")
    }

    /// Prints what is left, and returns how many there were.
    pub(crate) fn finish(self) -> Result<u64> {
        match self.shown {
            0 => note("nothing happened there"),
            _ if self.page.is_empty() => {}
            _ => self.output.table(&self.page, "")?,
        }
        Ok(self.shown)
    }
}

/// Begins a table of events.
pub(crate) fn table() -> Table {
    Table::new(["POSITION", "RECORDED AT", "BY", "EVENT", "ABOUT", "DETAILS"])
}

/// Returns an event as a row of that table.
pub(crate) fn row(event: &Event) -> [Cell; 6] {
    let Said { name, about, details } = Said::of(event);
    [
        Cell::new(event.position),
        Cell::new(&event.recorded_at),
        Cell::new(by(&event.cause.principal)),
        match name.as_str() {
            "task.went_stale" | "edge.quarantined" => Cell::new(name).fair(),
            "task.failed" | "edge.disabled" => Cell::new(name).bad(),
            "task.completed" => Cell::new(name).good(),
            _ => Cell::new(name),
        },
        Cell::maybe(about),
        Cell::new(details),
    ]
}

/// Returns all that a row of that table shows, as one text.
pub(crate) fn text_of(event: &Event) -> String {
    let Said { name, about, details } = Said::of(event);
    let by = by(&event.cause.principal);
    [event.recorded_at.as_str(), &by, &name, about.as_deref().unwrap_or_default(), &details]
        .join(" ")
}

/// Returns whether an event is about an edge, names it or was caused by it.
pub(crate) fn involves_edge(event: &Event, edge: &str) -> bool {
    let caused = matches!(&event.cause.principal, Principal::Edge { edge: by, .. } if by == edge);
    caused || fields(event).1.values().any(|value| value == edge)
}

/// Returns whether an event is about a task.
pub(crate) fn is_about_task(event: &Event, task: &str) -> bool {
    let (_, fields) = fields(event);
    let among =
        |tasks: &Value| tasks.as_array().is_some_and(|tasks| tasks.iter().any(|one| one == task));
    fields.get("task").is_some_and(|value| value == task) || fields.get("tasks").is_some_and(among)
}

/// What there is to say of an event.
struct Said {
    name: String,
    about: Option<String>,
    details: String,
}

impl Said {
    fn of(event: &Event) -> Self {
        let (name, mut fields) = fields(event);
        let subject = name.split('.').next().unwrap_or_default();
        let about = fields.remove(subject).as_ref().map(text);
        let details: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name} {}", text(value))).collect();
        Self { name, about, details: details.join(", ") }
    }
}

/// Returns an event's name and its fields.
fn fields(event: &Event) -> (String, Map<String, Value>) {
    match serde_json::to_value(&event.event) {
        Ok(Value::Object(mut tagged)) => {
            let name = tagged.remove("type").as_ref().map(text).unwrap_or_default();
            match tagged.remove("data") {
                Some(Value::Object(fields)) => (name, fields),
                Some(_) | None => (name, Map::new()),
            }
        }
        Ok(_) | Err(_) => (String::new(), Map::new()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn by(principal: &Principal) -> String {
    match principal {
        Principal::System => "ledger".to_owned(),
        Principal::Operator { name } => format!("operator {name}"),
        Principal::Enrollee { token } => format!("token {token}"),
        Principal::Edge { edge, .. } => format!("edge {edge}"),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use edge_ledger_wire::operator::{Cause, Data};

    use super::*;

    fn leased() -> Event {
        Event {
            position: 57,
            recorded_at: "2026-11-21T09:30:00.000Z".to_owned(),
            cause: Cause {
                command: "0190".to_owned(),
                principal: Principal::Edge { edge: "rack".to_owned(), credential: "c".to_owned() },
            },
            event: Data::TaskLeased {
                task: "first".to_owned(),
                edge: "rack".to_owned(),
                attempt: 2,
                expires_at: "2026-11-21T09:31:00.000Z".to_owned(),
            },
        }
    }

    #[test]
    fn a_line_has_the_subject_and_every_other_field_by_its_name() {
        let said = Said::of(&leased());

        assert_eq!((said.name.as_str(), said.about.as_deref()), ("task.leased", Some("first")));
        assert_eq!(said.details, "attempt 2, edge rack, expiresAt 2026-11-21T09:31:00.000Z");
    }

    #[test]
    fn an_event_without_fields_is_its_name() {
        let said = Said::of(&Event { event: Data::LedgerTicked, ..leased() });

        assert_eq!(
            (said.name.as_str(), said.about, said.details.as_str()),
            ("ledger.ticked", None, "")
        );
    }

    #[test]
    fn an_edge_is_involved_in_what_it_does_and_in_what_names_it() {
        let by_timer = Principal::System;
        let stale = Event { cause: Cause { principal: by_timer, ..leased().cause }, ..leased() };

        assert!(involves_edge(&leased(), "rack") && involves_edge(&stale, "rack"));
        assert!(!involves_edge(&stale, "other"));
        assert!(is_about_task(&stale, "first") && !is_about_task(&stale, "rack"));
    }

    #[test]
    fn an_event_about_many_tasks_is_about_each() {
        let tasks = ["first", "second"].map(str::to_owned).to_vec();
        let archived = Event { event: Data::LedgerTasksArchived { tasks }, ..leased() };

        assert!(is_about_task(&archived, "second") && !is_about_task(&archived, "third"));
    }
}
