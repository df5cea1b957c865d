//! What operators ask of one edge or one task.
use edge_ledger_core::{
    CredentialId, EdgeId, Labels, Millis, Position, edge,
    task::{self, OperatorCommand},
};

use crate::{Fields, Malformed, read};

/// The longest overlap of two credentials, in seconds.
const OVERLAP_MAX: u64 = 24 * 60 * 60;

/// Nothing but what the route says: a request without fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nothing;

/// Refuse an edge everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disable {
    /// Why; up to 500 characters.
    pub reason: Box<str>,
}

/// Replace an edge's labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetLabels {
    /// The labels.
    pub labels: Labels,
}

/// Set the most leases an edge may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCapacity {
    /// The number, from 1 to 10,000.
    pub capacity: u32,
}

/// Issue a new credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// How long the old ones live on, up to a day.
    pub overlap: Millis,
}

/// End credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// The one to end; all if none.
    pub only: Option<CredentialId>,
}

/// End a task, unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Why; up to 500 characters.
    pub reason: Box<str>,
}

/// Give a task to one edge, or to any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reassign {
    /// The one edge; any if none.
    pub to: Option<EdgeId>,
}

/// Take late results into a task's present run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopt {
    /// Those that the event at this position kept; all of them if none.
    pub kept_at: Option<Position>,
}

impl TryFrom<&Fields<'_>> for Nothing {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        fields.no_others().map(|()| Self)
    }
}

impl TryFrom<&Fields<'_>> for Disable {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { reason: reason(fields)? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for SetLabels {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { labels: fields.required("labels", read::labels)? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for SetCapacity {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { capacity: fields.required("capacity", read::integer(1..=10_000))? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for Rotate {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let overlap = fields.optional("overlapSeconds", read::seconds(0..=OVERLAP_MAX))?;
        fields.no_others().map(|()| Self { overlap: overlap.unwrap_or(Millis::ZERO) })
    }
}

impl TryFrom<&Fields<'_>> for Revoke {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { only: fields.optional("credentialId", read::credential_id)? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for Cancel {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { reason: reason(fields)? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for Reassign {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = Self { to: fields.optional("to", read::edge_id)? };
        fields.no_others().map(|()| request)
    }
}

impl TryFrom<&Fields<'_>> for Adopt {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let kept_at = fields.optional("keptAt", read::count)?;
        fields.no_others().map(|()| Self { kept_at: kept_at.map(Position::new) })
    }
}

fn reason(fields: &Fields<'_>) -> Result<Box<str>, Malformed> {
    let reason = fields.optional("reason", read::trimmed(0..=500))?;
    Ok(reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| "no reason given".into()))
}

impl From<Disable> for edge::Command {
    fn from(Disable { reason }: Disable) -> Self {
        Self::Disable { reason }
    }
}

impl From<SetLabels> for edge::Command {
    fn from(SetLabels { labels }: SetLabels) -> Self {
        Self::SetLabels(labels)
    }
}

impl From<SetCapacity> for edge::Command {
    fn from(SetCapacity { capacity }: SetCapacity) -> Self {
        Self::SetCapacity(capacity)
    }
}

impl From<Revoke> for edge::Command {
    fn from(Revoke { only }: Revoke) -> Self {
        Self::RevokeCredentials { only }
    }
}

impl From<Cancel> for task::Command {
    fn from(Cancel { reason }: Cancel) -> Self {
        Self::Operator(OperatorCommand::Cancel { reason })
    }
}

impl From<Reassign> for task::Command {
    fn from(Reassign { to }: Reassign) -> Self {
        Self::Operator(OperatorCommand::Reassign { to })
    }
}

impl From<Adopt> for task::Command {
    fn from(Adopt { kept_at }: Adopt) -> Self {
        Self::Operator(OperatorCommand::AdoptLateResults { kept_at })
    }
}
