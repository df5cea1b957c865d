//! Fences: what tells one lease from every other.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Position, lifecycle::Epoch};

/// Tells one lease from every other: the position of the event that granted it, with the ledger's
/// epoch above it.
///
/// Later leases have higher fences because later events have higher positions, and a restore
/// begins a new epoch, so no lease from before it can ever match again. A fence stays below 2^53.
/// The wire calls it `leaseToken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fence(u64);

impl Fence {
    const POSITION_BITS: u32 = 40;

    /// Returns the fence of the lease granted at a position, in an epoch.
    #[must_use]
    pub const fn of(epoch: Epoch, at: Position) -> Self {
        Self(((epoch.0 as u64) << Self::POSITION_BITS) | at.get())
    }

    /// Wraps a raw fence, as an edge presents it.
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the raw fence.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position of the event that granted the lease: where to look in the log.
    #[must_use]
    pub const fn position(self) -> Position {
        Position::new(self.0 & ((1 << Self::POSITION_BITS) - 1))
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
