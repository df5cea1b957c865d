//! Why a command about an edge was refused.
use crate::{CredentialId, EdgeId};

/// A refusal that an edge's state gives rise to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such edge.
    #[error("edge {0} is not registered")]
    Unknown(EdgeId),
    /// The id is taken by another device.
    #[error("edge id {0} is already taken")]
    IdTaken(EdgeId),
    /// The device belongs to an edge.
    #[error(
        "device number {0:?} is already registered: choose another, or ask for an enrollment \
         token issued for this device"
    )]
    DeviceTaken(Box<str>),
    /// The edge is disabled.
    #[error("edge is disabled: {0}")]
    Disabled(Box<str>),
    /// The credential is not one of the edge's, has ended or has expired.
    #[error("credential is not in force")]
    CredentialEnded,
    /// The edge has no such credential.
    #[error("edge has no credential {0}")]
    CredentialUnknown(CredentialId),
    /// The id of the new credential is taken.
    #[error("credential id {0} is already taken")]
    CredentialTaken(CredentialId),
}
