//! `/v1/events`: what has happened, as operators see it.
//!
//! Hashes of secrets are left out, and so is what is large: payloads and rows have routes of their
//! own.
mod data;
mod of;

use edge_ledger_core::{Cause as CoreCause, Envelope, Principal as CorePrincipal};
use serde::{Deserialize, Serialize};

pub use data::{Data, Health, Identity};

/// A recorded event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Where it stands in the log.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: String,
    /// What was asked, and by whom.
    pub cause: Cause,
    /// What happened.
    pub event: Data,
}

/// What was asked, and by whom. Events with the same command were recorded together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The id of the command.
    pub command: String,
    /// Who sent it.
    pub principal: Principal,
}

/// Who sent a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Principal {
    /// The ledger's own process.
    System,
    /// An operator.
    Operator {
        /// The name of the operator's token.
        name: Box<str>,
    },
    /// A machine with an enrollment token.
    Enrollee {
        /// Which token.
        token: String,
    },
    /// An edge.
    Edge {
        /// Which.
        edge: String,
        /// Under which credential.
        credential: String,
    },
}

impl From<Envelope<'_>> for Event {
    fn from(envelope: Envelope<'_>) -> Self {
        Self {
            position: envelope.position.get(),
            recorded_at: envelope.recorded_at.to_string(),
            cause: envelope.cause.into(),
            event: envelope.event.into(),
        }
    }
}

impl From<&CoreCause> for Cause {
    fn from(cause: &CoreCause) -> Self {
        Self { command: cause.command.to_string(), principal: (&cause.principal).into() }
    }
}

impl From<&CorePrincipal> for Principal {
    fn from(principal: &CorePrincipal) -> Self {
        match principal {
            CorePrincipal::System => Self::System,
            CorePrincipal::Operator { name } => Self::Operator { name: name.clone() },
            CorePrincipal::Enrollee { token } => Self::Enrollee { token: token.to_string() },
            CorePrincipal::Edge { edge, credential } => {
                Self::Edge { edge: edge.to_string(), credential: credential.to_string() }
            }
        }
    }
}
