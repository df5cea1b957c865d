//! Who asks, under which id, and whether they have asked before.
use serde::{Deserialize, Serialize};

use crate::{CommandId, CredentialId, Digest, EdgeId, TokenId, time::Millis};

/// The cause of a commit: the command's id and sender, kept beside what it made happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// The command's id, minted by its adapter.
    pub command: CommandId,
    /// Who sent it.
    pub principal: Principal,
    /// The key under which its sender may repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
}

/// Whoever sends commands, as an adapter has authenticated them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Principal {
    /// The ledger's own process: its opening and closing, timers, planners.
    System,
    /// A person or a program with an operator's token.
    Operator {
        /// The name the token was issued under.
        name: Box<str>,
    },
    /// A machine that holds an enrollment token and wants to be an edge.
    Enrollee {
        /// The token presented.
        token: TokenId,
    },
    /// An edge.
    Edge {
        /// Which.
        edge: EdgeId,
        /// The credential presented. Decide looks again whether it still holds.
        credential: CredentialId,
    },
}

/// An idempotency key with what it was first sent with, as digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Idempotency {
    /// Digest of principal, route and key: the scope in which a key is one key.
    pub key: Digest,
    /// Digest of the request's body.
    pub body: Digest,
}

impl Idempotency {
    /// How long a key is remembered, by recorded time.
    pub const KEPT_FOR: Millis = Millis::from_secs(24 * 60 * 60);
}
