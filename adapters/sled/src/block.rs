//! How an append becomes keys and values, and how these become commits again.
use std::slice;

use edge_ledger_core::{
    Commit, Position,
    codec::{self, DecodeError},
};

use crate::{
    Damage,
    bounds::{APPEND_MAX, BLOCK, SEGMENT},
};

const BODY: usize = BLOCK - TRAILER;
const TRAILER: usize = size_of::<u16>() + size_of::<u32>();

/// sled's pages stay inline, and a part has a number.
const _: () = assert!(17 * (BLOCK + 64) < SEGMENT / 4);
const _: () = assert!(APPEND_MAX / BODY < u16::MAX as usize);

/// Some commits in their stored form, and where they stand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) position: Position,
    pub(crate) bytes: Vec<u8>,
}

/// Encodes commits as blocks of as many as fit. Only a block of a single commit is ever larger
/// than a part.
pub(crate) fn encode(commits: &[Commit]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = commits;
    while let [first, ..] = rest {
        let (fitting, later) = rest.split_at(fitting(rest));
        blocks.push(Block { position: first.after, bytes: codec::encode(fitting) });
        rest = later;
    }
    blocks
}

/// Returns how many of the first commits fit into one part together; at least one.
fn fitting(commits: &[Commit]) -> usize {
    if let [_] = commits {
        return 1;
    }
    let mut room = BODY;
    let mut fit = 0;
    for commit in commits {
        let size = codec::encode(slice::from_ref(commit)).len();
        if size > room {
            break;
        }
        room -= size;
        fit += 1;
    }
    fit.max(1)
}

impl Block {
    /// Cuts it into parts, each a key and a value.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let bodies = self.bytes.chunks(BODY);
        let parts = u16::try_from(bodies.len()).expect("an append within its bound has few parts");
        (0..parts).zip(bodies).map(move |(part, body)| {
            let key = Key { position: self.position, part }.to_bytes();
            let mut value = body.to_vec();
            value.extend(parts.to_be_bytes());
            value.extend(checksum(&key, &value).to_be_bytes());
            (key, value)
        })
    }

    /// Decodes its commits and sees that they stand where the block does, without a gap.
    pub(crate) fn decode(&self) -> Result<Vec<Commit>, Damage> {
        let commits = codec::decode(&self.bytes).map_err(Damage::Undecodable)?;
        if commits.is_empty() {
            return Err(Damage::Empty);
        }
        let mut expected = self.position;
        for commit in &commits {
            match (commit.after, commit.events.len()) {
                (found, _) if found != expected => {
                    return Err(Damage::Misplaced { expected, found });
                }
                (_, 0) => return Err(Damage::Empty),
                (_, _) => expected = commit.head(),
            }
        }
        Ok(commits)
    }
}

/// Under what a part is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) position: Position,
    pub(crate) part: u16,
}

impl Key {
    /// The key of a block's first part.
    pub(crate) const fn first(position: Position) -> [u8; 8] {
        position.get().to_be_bytes()
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Self::first(self.position).to_vec();
        if self.part > 0 {
            bytes.extend(self.part.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let stray = || Damage::Key(bytes.to_vec());
        let (position, part) = bytes.split_first_chunk().ok_or_else(stray)?;
        let position = Position::new(u64::from_be_bytes(*position));
        match part {
            [] => Ok(Self { position, part: 0 }),
            [0, 0] => Err(stray()),
            &[high, low] => Ok(Self { position, part: u16::from_be_bytes([high, low]) }),
            _ => Err(stray()),
        }
    }
}

/// A part as it was stored, its checksum verified.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) body: &'a [u8],
    /// How many parts its block has.
    pub(crate) parts: u16,
}

impl<'a> Part<'a> {
    pub(crate) fn parse(key: &[u8], value: &'a [u8]) -> Result<Self, Damage> {
        let short = || Damage::Short(value.len());
        let (summed, stored) = value.split_last_chunk().ok_or_else(short)?;
        let (body, parts) = summed.split_last_chunk().ok_or_else(short)?;
        let (stored, computed) = (u32::from_be_bytes(*stored), checksum(key, summed));
        if stored == computed {
            return Ok(Self { body, parts: u16::from_be_bytes(*parts) });
        }
        // A later build may frame its blocks otherwise: newer is then the better word than damaged.
        // Only first parts, which have the shorter keys, begin with a format.
        match body.first() {
            Some(&newer) if newer > codec::FORMAT && key.len() == size_of::<u64>() => {
                Err(Damage::Undecodable(DecodeError::TooNew(newer)))
            }
            Some(_) | None => Err(Damage::Checksum { stored, computed }),
        }
    }
}

fn checksum(key: &[u8], summed: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), summed)
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{Cause, CommandId, Event, Principal, Timestamp, lifecycle};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_block_that_stands_elsewhere_does_not_decode() {
        let block = block(5, &[tick(3, 1)]);
        assert!(matches!(
            block.decode(),
            Err(Damage::Misplaced { expected, found }) if (expected.get(), found.get()) == (5, 3)
        ));
    }

    #[test]
    fn a_gap_inside_a_block_does_not_decode() {
        let block = block(5, &[tick(5, 2), tick(8, 1)]);
        assert!(matches!(
            block.decode(),
            Err(Damage::Misplaced { expected, found }) if (expected.get(), found.get()) == (7, 8)
        ));
    }

    #[test]
    fn a_block_of_nothing_does_not_decode() {
        for commits in [&[][..], &[tick(5, 0)], &[tick(5, 1), tick(6, 0)]] {
            assert!(matches!(block(5, commits).decode(), Err(Damage::Empty)));
        }
    }

    #[test]
    fn keys_sort_as_positions_do_and_parts_behind_their_block() {
        let keys = [(0, 0), (0, 1), (0, 256), (1, 0), (255, 0), (256, 0), (256, 2), (u64::MAX, 0)];
        let keys = keys.map(|(position, part)| Key { position: Position::new(position), part });
        assert!(keys.map(Key::to_bytes).is_sorted());
        for key in keys {
            assert_eq!(Key::parse(&key.to_bytes()).unwrap(), key);
        }
    }

    #[test]
    fn a_key_has_one_form() {
        for stray in [&[][..], &[0; 7], &[0; 9], &[0; 10], &[0; 11]] {
            assert!(matches!(Key::parse(stray), Err(Damage::Key(key)) if key == stray));
        }
    }

    fn block(position: u64, commits: &[Commit]) -> Block {
        Block { position: Position::new(position), bytes: codec::encode(commits) }
    }

    fn tick(after: u64, events: usize) -> Commit {
        Commit {
            after: Position::new(after),
            recorded_at: Timestamp::EPOCH,
            cause: Cause {
                command: CommandId::from_uuid(Uuid::nil()),
                principal: Principal::System,
                idempotency: None,
            },
            events: vec![Event::Ledger(lifecycle::Event::Ticked); events],
        }
    }
}
