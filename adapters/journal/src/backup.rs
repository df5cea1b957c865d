//! Backups: a log up to a position, in one file that can be checked by itself.
//!
//! ```text
//! offset  bytes
//!      0      8  EDGELBAK
//!      8      1  the file's format, 1
//!      9     40  where the chain stands before the first block: a position, a hash
//!     49     40  where it stands after the last
//!     89      4  CRC-32C of everything before
//!     93         parts: for each its kind (1 byte), its length (8), and
//!                1  the base: a snapshot that stands where the first block begins
//!                5  tasks that had left its ledger, in the order in which they left: after the base,
//!                   and all of them
//!                2  a frame
//!                3  the end: BLAKE3 of everything before these 32 bytes
//!                4  after the end, if at all: the key that secrets are checked with, and BLAKE3
//!                   of it
//! ```
//!
//! All numbers are big-endian. The key stands apart, so that whoever may read it can put it there
//! without the gateway ever sending it.
mod read;
mod tasks;
mod write;

use edge_ledger_core::{Digest, Position};

use crate::Link;

pub use read::{BackupError, BackupPart, BackupReader, Flaw};
pub use write::BackupWriter;

const MAGIC: &[u8; 8] = b"EDGELBAK";
const FORMAT: u8 = 1;
const HEADER: usize = 93;
const LINK: usize = 40;

/// What a part is.
mod kind {
    pub(super) const BASE: u8 = 1;
    pub(super) const FRAME: u8 = 2;
    pub(super) const END: u8 = 3;
    pub(super) const KEY: u8 = 4;
    pub(super) const TASKS: u8 = 5;
}

/// Returns what to put after a backup's end, so that it brings the key that secrets are checked
/// with. Whoever has the backup can then check secrets as the gateway does; without the key, no
/// secret from before is recognised after a restore.
#[must_use]
pub fn key_part(key: &[u8]) -> Vec<u8> {
    let mut bytes = part(kind::KEY, key.len() + blake3::OUT_LEN);
    bytes.extend(key);
    bytes.extend(Digest::of(key).as_bytes());
    bytes
}

/// Writes how a backup begins.
fn header(before: Link, head: Link) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    for link in [before, head] {
        bytes.extend(link.position.get().to_be_bytes());
        bytes.extend(link.hash.as_bytes());
    }
    bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

/// Writes how a part begins.
fn part(kind: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((length as u64).to_be_bytes());
    bytes
}

fn link(bytes: &[u8; LINK]) -> Link {
    let (position, hash) = bytes.split_first_chunk().expect("a link begins with its position");
    let hash = hash.first_chunk().expect("a link ends with its hash");
    Link { position: Position::new(u64::from_be_bytes(*position)), hash: Digest::from_bytes(*hash) }
}
