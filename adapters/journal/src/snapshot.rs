//! A snapshot: a ledger where a block ends, in a file of its own.
//!
//! ```text
//! offset  bytes
//!      0      8  EDGELSNP
//!      8      1  the file's format, 1
//!      9      1  how the ledger is packed: 0 plain, 1 zstd
//!     10      8  the position
//!     18     32  the hash of the chain there
//!     50      8  the ledger's length, unpacked
//!     58         the ledger in core's form for snapshots, packed
//!   last     32  BLAKE3 of everything before
//! ```
//!
//! All numbers are big-endian.
use std::io;

use edge_ledger_core::{
    Digest, Ledger, Position,
    snapshot::{self, SnapshotError},
};

use crate::Link;

const MAGIC: &[u8; 8] = b"EDGELSNP";
const FORMAT: u8 = 1;
const HEADER: usize = 58;
const TRAILER: usize = 32;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// How hard zstd tries. A start waits for the unpacking: a tenth of its time, for half of the bytes
/// or less to read and to sync.
const LEVEL: i32 = 1;

/// A ledger, and where in which log it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    link: Link,
    ledger: Ledger,
}

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is another's file, or has lost its beginning.
    #[error("it is no snapshot, or its beginning is damaged")]
    NoSnapshot,
    /// A later build wrote it.
    #[error("it has format {0}, this build knows {FORMAT}")]
    TooNew(u8),
    /// The bytes are not those that were written.
    #[error("its bytes are not those that were written: it is damaged or cut short")]
    Damaged,
    /// The ledger is packed in a way this build does not know.
    #[error("its ledger is packed in way {0}, this build knows 0 and 1")]
    Packing(u8),
    /// The ledger does not unpack.
    #[error("its ledger does not unpack")]
    Packed(#[source] io::Error),
    /// The ledger cannot be read, by this build at least.
    #[error("its ledger cannot be read")]
    Ledger(#[source] SnapshotError),
    /// The ledger stands elsewhere.
    #[error("it says that it stands at position {said}, its ledger stands at {found}")]
    Misplaced {
        /// Where it says it stands.
        said: Position,
        /// Where its ledger stands.
        found: Position,
    },
    /// The log could not be read there, so nobody knows whether it belongs to it.
    #[error("the log cannot be read there: {0}")]
    Unchecked(String),
    /// No block of the log ends where it stands: it is of another log, or lies beyond its end.
    #[error("no block of this log ends at position {0}")]
    Nowhere(Position),
    /// The log's chain has another hash there.
    #[error("at position {position} it follows hash {said}, this log has {found}")]
    Foreign {
        /// Where.
        position: Position,
        /// What it was made of.
        said: Digest,
        /// What the log has.
        found: Digest,
    },
}

impl Snapshot {
    /// Returns where its log stood.
    #[must_use]
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Gives the ledger away.
    #[must_use]
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }

    /// Returns the bytes of a file that keeps a ledger as it was where a block ended.
    ///
    /// # Panics
    ///
    /// If the ledger's head is not there.
    #[must_use]
    pub fn encode(link: Link, ledger: &Ledger) -> Vec<u8> {
        assert_eq!(ledger.head(), link.position, "a snapshot stands where its ledger does");
        let encoded = snapshot::encode(ledger);
        let unpacked = encoded.len();
        let (packing, body) = pack(encoded);
        let mut bytes = Vec::with_capacity(HEADER + body.len() + TRAILER);
        bytes.extend(MAGIC);
        bytes.extend([FORMAT, packing]);
        bytes.extend(link.position.get().to_be_bytes());
        bytes.extend(link.hash.as_bytes());
        bytes.extend((unpacked as u64).to_be_bytes());
        bytes.extend(body);
        bytes.extend(Digest::of(&bytes).as_bytes());
        bytes
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// Says why it is not to be used.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unfit> {
        let (packing, link, unpacked, body) = parse(bytes)?;
        let ledger = match packing {
            PLAIN => snapshot::decode(body),
            ZSTD => snapshot::decode(&unpack(body, unpacked)?),
            other => return Err(Unfit::Packing(other)),
        };
        let ledger = ledger.map_err(Unfit::Ledger)?;
        match ledger.head() {
            head if head == link.position => Ok(Self { link, ledger }),
            found => Err(Unfit::Misplaced { said: link.position, found }),
        }
    }
}

/// Takes a file apart, once its checksum says that these are the bytes that were written.
fn parse(bytes: &[u8]) -> Result<(u8, Link, u64, &[u8]), Unfit> {
    match bytes.strip_prefix(MAGIC).and_then(<[u8]>::first) {
        None => return Err(Unfit::NoSnapshot),
        Some(&newer) if newer > FORMAT => return Err(Unfit::TooNew(newer)),
        Some(_) => {}
    }
    let (summed, stored) = bytes.split_last_chunk::<TRAILER>().ok_or(Unfit::Damaged)?;
    if Digest::of(summed).as_bytes() != stored || summed.len() < HEADER {
        return Err(Unfit::Damaged);
    }
    let number = |at: usize| {
        let bytes = summed[at..].first_chunk().expect("a header was seen to be there");
        u64::from_be_bytes(*bytes)
    };
    let hash = summed[18..].first_chunk().expect("a header was seen to be there");
    let link = Link { position: Position::new(number(10)), hash: Digest::from_bytes(*hash) };
    Ok((summed[9], link, number(50), &summed[HEADER..]))
}

/// Packs a ledger, if that makes it smaller. What is not needed any more is let go: it may be large.
fn pack(ledger: Vec<u8>) -> (u8, Vec<u8>) {
    match zstd::bulk::compress(&ledger, LEVEL) {
        Ok(smaller) if smaller.len() < ledger.len() => (ZSTD, smaller),
        Ok(_) | Err(_) => (PLAIN, ledger),
    }
}

fn unpack(body: &[u8], unpacked: u64) -> Result<Vec<u8>, Unfit> {
    let length = usize::try_from(unpacked).map_err(|_| Unfit::Damaged)?;
    let ledger = zstd::bulk::decompress(body, length).map_err(Unfit::Packed)?;
    if ledger.len() == length { Ok(ledger) } else { Err(Unfit::Damaged) }
}
