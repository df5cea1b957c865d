//! Credentials: what an edge shows to be believed. Only keyed hashes of them are known here.
use serde::{Deserialize, Serialize};

use crate::{CredentialId, Digest, Position, Timestamp, time::Millis};

/// How long at most an old credential lives on beside a new one.
pub const OVERLAP_MAX: Millis = Millis::from_secs(24 * 60 * 60);

/// A credential that has not been ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Which.
    pub id: CredentialId,
    /// Keyed hash of the secret.
    pub secret: Digest,
    /// The event that issued it.
    pub issued: Position,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when, exclusive; for ever if none.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Returns whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why a credential was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "CredentialEndReason")
)]
pub enum EndReason {
    /// An operator revoked it.
    Revoked,
    /// Its device was registered again.
    Reregistered,
    /// Its registration was repeated, so its secret may never have arrived.
    Repeated,
    /// It was rotated without an overlap, or a further rotation found it expired.
    Rotated,
}

/// Returns until when `credential` lives on when a new one takes its place: no overlap ever makes
/// a life longer.
pub(crate) fn overlap_end(credential: &Credential, overlap: Millis, now: Timestamp) -> Timestamp {
    let end = now.after(overlap.min(OVERLAP_MAX));
    credential.expires_at.map_or(end, |expires_at| expires_at.min(end))
}
