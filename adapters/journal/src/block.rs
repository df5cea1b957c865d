//! Blocks: what one append makes, and what the chain is made of.
use edge_ledger_core::{Commit, Position, codec};

use crate::{Damage, Link};

/// Some commits in their stored form, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    after: Position,
    head: Position,
    bytes: Vec<u8>,
}

/// A block, and where the chain stands before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Before.
    pub before: Link,
    /// The block.
    pub block: Block,
    /// After.
    pub link: Link,
}

impl Block {
    /// Encodes commits, each of which stands where the one before it ended. None if there are no
    /// commits.
    #[must_use]
    pub fn of(commits: &[Commit]) -> Option<Self> {
        let (first, last) = (commits.first()?, commits.last()?);
        Some(Self { after: first.after, head: last.head(), bytes: codec::encode(commits) })
    }

    /// Takes a block as it was stored, its commits not decoded yet.
    pub(crate) const fn stored(after: Position, head: Position, bytes: Vec<u8>) -> Self {
        Self { after, head, bytes }
    }

    /// Returns the position before its first event.
    #[must_use]
    pub const fn after(&self) -> Position {
        self.after
    }

    /// Returns the position of its last event.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// Returns its commits in their stored form.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns where the chain stands after it.
    #[must_use]
    pub fn link(&self, before: Link) -> Link {
        before.next(self.head, &self.bytes)
    }

    /// Decodes its commits and sees that they stand where the block does, without a gap.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the first commit that is.
    pub fn decode(&self) -> Result<Vec<Commit>, Damage> {
        decode(self.after, self.head, &self.bytes)
    }
}

/// Decodes the commits of a block and sees that they stand where it does, without a gap.
pub(crate) fn decode(after: Position, head: Position, bytes: &[u8]) -> Result<Vec<Commit>, Damage> {
    let commits = codec::decode(bytes).map_err(Damage::Undecodable)?;
    let mut expected = after;
    for commit in &commits {
        match (commit.after, commit.events.len()) {
            (found, _) if found != expected => return Err(Damage::Misplaced { expected, found }),
            (_, 0) => return Err(Damage::Empty),
            (_, _) => expected = commit.head(),
        }
    }
    match (commits.is_empty(), expected == head) {
        (true, _) => Err(Damage::Empty),
        (false, true) => Ok(commits),
        (false, false) => Err(Damage::Ends { expected: head, found: expected }),
    }
}
