//! Events as CloudEvents 1.0 has them, in its JSON format.
use edge_ledger_core::{Commit, Envelope, Event as CoreEvent, Principal as CorePrincipal};
use serde::{Deserialize, Serialize};

use super::Data;

/// A recorded event for whatever takes CloudEvents: the attributes of version 1.0, and four of its
/// own. What numbers there are among these are texts, because CloudEvents knows numbers only up to
/// 2^31.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CloudEvent {
    /// The version of CloudEvents, `1.0`.
    pub specversion: String,
    /// The position: unique in its source.
    pub id: String,
    /// Which log it is of.
    pub source: String,
    /// What it is about, as in `task/job-1`; the ledger itself if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was recorded.
    pub time: String,
    /// What `data` is, `application/json`.
    pub datacontenttype: String,
    /// Its name as `type`, and its fields as `data`.
    #[serde(flatten)]
    pub event: Data,
    /// Where it stands in the log.
    pub position: String,
    /// The position before its commit: events with the same were recorded together.
    pub commit: String,
    /// The id of the command that caused it.
    pub cause: String,
    /// Who sent that, as in `operator:ada`, `edge:<id>`, `enrollee:<token>` or `system`.
    pub principal: String,
}

impl CloudEvent {
    /// Makes one of an event in its commit.
    #[must_use]
    pub fn new(source: &str, commit: &Commit, envelope: Envelope<'_>) -> Self {
        let Envelope { position, recorded_at, cause, event } = envelope;
        Self {
            specversion: "1.0".to_owned(),
            id: position.to_string(),
            source: source.to_owned(),
            subject: subject(event),
            time: recorded_at.to_string(),
            datacontenttype: "application/json".to_owned(),
            event: event.into(),
            position: position.to_string(),
            commit: commit.after.to_string(),
            cause: cause.command.to_string(),
            principal: principal(&cause.principal),
        }
    }
}

/// Returns the JSON Schema of an event as CloudEvents have it.
#[cfg(feature = "schema")]
#[must_use]
pub fn cloud_event_schema() -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<CloudEvent>()
}

fn subject(event: &CoreEvent) -> Option<String> {
    match event {
        CoreEvent::Ledger(_) => None,
        CoreEvent::Token { id, .. } => Some(format!("token/{id}")),
        CoreEvent::Edge { id, .. } => Some(format!("edge/{id}")),
        CoreEvent::Task { id, .. } => Some(format!("task/{id}")),
    }
}

fn principal(principal: &CorePrincipal) -> String {
    match principal {
        CorePrincipal::System => "system".to_owned(),
        CorePrincipal::Operator { name } => format!("operator:{name}"),
        CorePrincipal::Enrollee { token } => format!("enrollee:{token}"),
        CorePrincipal::Edge { edge, .. } => format!("edge:{edge}"),
    }
}
