//! What may be asked about an edge.
use serde::{Deserialize, Serialize};

use crate::{CredentialId, Digest, EdgeId, Labels, time::Millis};

use super::Identity;

/// A machine that asks to be an edge, with what the adapter has minted for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The id it gets if its device is new.
    pub edge: EdgeId,
    /// What it says of itself.
    pub identity: Identity,
    /// The id of its new credential.
    pub credential: CredentialId,
    /// Keyed hash of its new credential.
    pub secret: Digest,
}

/// What an operator may ask of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Refuse it everywhere and end its leases.
    Disable {
        /// Why, for those who look later.
        reason: Box<str>,
    },
    /// Let a disabled edge work again.
    Enable,
    /// Lift its quarantine.
    Release,
    /// Replace its labels.
    SetLabels(Labels),
    /// Set the most leases it may hold at once; at least one.
    SetCapacity(u32),
    /// Issue a new credential; the old ones live on for a while.
    RotateCredential {
        /// The id of the new credential.
        credential: CredentialId,
        /// Keyed hash of the new credential.
        secret: Digest,
        /// How long the old ones live on, at most [`OVERLAP_MAX`](crate::credential::OVERLAP_MAX).
        overlap: Millis,
    },
    /// End one credential, or all of them. Without any, its leases end.
    RevokeCredentials {
        /// The one to end; all if none.
        only: Option<CredentialId>,
    },
}
