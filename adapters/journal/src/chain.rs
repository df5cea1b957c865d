//! The chain: a hash after each block that stands for all blocks up to it.
use std::{fmt, sync::LazyLock};

use edge_ledger_core::{Digest, Position};
use serde::{Deserialize, Serialize};

/// What the hash is of, so that no other use of BLAKE3 gives the same.
const CONTEXT: &str = "edge-ledger 2026-11 chain of blocks";

/// The context is hashed once, not for each block.
static HASHER: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(CONTEXT));

/// Where the chain stands after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// The position of the block's last event.
    pub position: Position,
    /// The hash of the block, and with it of all before.
    pub hash: Digest,
}

impl Link {
    /// Before the first block.
    pub const START: Self = Self { position: Position::START, hash: Digest::from_bytes([0; 32]) };

    /// Returns where the chain stands after the next block: its commits in their stored form, up
    /// to a position.
    pub(crate) fn next(self, head: Position, bytes: &[u8]) -> Self {
        // In one piece: a hasher that stands within a chunk hashes the next ones one by one.
        let (position, until) = (self.position.get().to_be_bytes(), head.get().to_be_bytes());
        let hashed = [&self.hash.as_bytes()[..], &position, &until, bytes].concat();
        let hash = HASHER.clone().update(&hashed).finalize();
        Self { position: head, hash: Digest::from_bytes(*hash.as_bytes()) }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.position, self.hash)
    }
}
