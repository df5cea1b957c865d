//! What has happened to an edge.
use serde::{Deserialize, Serialize};

use crate::{CredentialId, Digest, Labels, Timestamp, TokenId, credential::EndReason};

use super::{Identity, Report};

/// A recorded fact about an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "EdgeEvent"))]
pub enum Event {
    /// A machine became an edge.
    Registered {
        /// What it said of itself.
        identity: Box<Identity>,
        /// The token it presented.
        token: TokenId,
        /// The labels it begins with.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// The device of an edge was registered again, under a token issued for it.
    Reregistered {
        /// What it said of itself.
        identity: Box<Identity>,
        /// The token it presented.
        token: TokenId,
    },
    /// It was given a credential.
    CredentialIssued {
        /// Which.
        credential: CredentialId,
        /// Keyed hash of the secret.
        secret: Digest,
    },
    /// A credential was given an end.
    CredentialExpirySet {
        /// Which.
        credential: CredentialId,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// A credential was ended.
    CredentialEnded {
        /// Which.
        credential: CredentialId,
        /// Why.
        reason: EndReason,
    },
    /// It reported its health.
    Reported(Box<Report>),
    /// One more of its tasks failed in a row.
    FailureCounted {
        /// How many have failed in a row.
        failures: u32,
    },
    /// The count of failures in a row began anew.
    FailuresCleared,
    /// It gets no new work until an operator looks.
    Quarantined {
        /// How many failures in a row led to it.
        failures: u32,
    },
    /// Its quarantine was lifted.
    Released,
    /// It is refused everywhere.
    Disabled {
        /// Why.
        reason: Box<str>,
    },
    /// It may work again.
    Enabled,
    /// Its labels were replaced.
    LabelsSet(Labels),
    /// The most leases it may hold at once was set.
    CapacitySet(u32),
}
