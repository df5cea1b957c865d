//! Mints ids: UUIDs of version 7, so that keys sort by age.
use edge_ledger_core::{CommandId, CredentialId, EdgeId, TaskId, TokenId};
use uuid::Uuid;

/// Mints the id of a command.
#[must_use]
pub fn command_id() -> CommandId {
    CommandId::from_uuid(Uuid::now_v7())
}

/// Mints the id of a credential.
#[must_use]
pub fn credential_id() -> CredentialId {
    CredentialId::from_uuid(Uuid::now_v7())
}

/// Mints the id of an edge.
#[must_use]
pub fn edge_id() -> EdgeId {
    EdgeId::from_uuid(Uuid::now_v7())
}

/// Mints the id of a task whose submitter gave none.
#[must_use]
pub fn task_id() -> TaskId {
    TaskId::from_uuid(Uuid::now_v7())
}

/// Mints the id of an enrollment token.
#[must_use]
pub fn token_id() -> TokenId {
    TokenId::from_uuid(Uuid::now_v7())
}
