//! Frames: blocks as a store keeps them.
//!
//! ```text
//! offset  bytes
//!      0      1  the frame's format, 1
//!      1      1  how the payload is packed: 0 plain, 1 zstd
//!      2      1  1 if the append goes on with the next frame, 0 if it ends here
//!      3      8  the position before the first block
//!     11      8  the position of the last block's last event
//!     19     32  the hash of the chain before the first block
//!     51      4  how many blocks there are
//!     55      4  the payload's length, unpacked
//!     59      4  its length as it stands here
//!     63         the payload; unpacked, for each block: how many events, its length (4 bytes
//!                each), and its bytes in the codec's form
//!   last      4  CRC-32C of everything before
//! ```
//!
//! All numbers are big-endian.
use std::{borrow::Cow, cell::RefCell};

use edge_ledger_core::{Commit, Digest, Position};
use zstd::bulk::{Compressor, Decompressor};

use crate::{Block, Damage, Link, Linked, block};

const FORMAT: u8 = 1;
pub(crate) const HEADER: usize = 63;
const TRAILER: usize = 4;
/// Where it says that the append goes on.
const GOES_ON: usize = 2;
/// Where it says what it follows.
const AFTER: usize = 3;

/// The most bytes a payload may have unpacked: no header makes a reader allocate more.
const UNPACKED_MAX: usize = 128 * 1024 * 1024;

/// How a payload is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// zstd, at a level.
    Zstd(i32),
}

/// One block or many, consecutive, packed, with a checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    header: Header,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    packing: u8,
    goes_on: bool,
    before: Link,
    head: Position,
    blocks: u32,
    unpacked: u32,
}

impl Frame {
    /// Packs blocks that follow a link, each of which stands where the one before it ended.
    ///
    /// zstd is dropped where it does not make the payload smaller.
    ///
    /// # Panics
    ///
    /// If there are no blocks, or more bytes of them than a frame may have: 128 MiB.
    #[must_use]
    pub fn pack(before: Link, blocks: &[Block], packing: Packing) -> Self {
        let head = blocks.last().expect("a frame has a block").head();
        let mut payload = Vec::with_capacity(blocks.iter().map(|b| b.bytes().len() + 8).sum());
        for block in blocks {
            let events = block.head().get() - block.after().get();
            payload.extend(count(usize::try_from(events).unwrap_or(usize::MAX)).to_be_bytes());
            payload.extend(count(block.bytes().len()).to_be_bytes());
            payload.extend(block.bytes());
        }
        assert!(payload.len() <= UNPACKED_MAX, "a frame has a bound");
        let unpacked = count(payload.len());
        let (packing, payload) = packed(payload, packing);
        let blocks = count(blocks.len());
        let header = Header { packing, goes_on: false, before, head, blocks, unpacked };
        let mut bytes = header.to_bytes(count(payload.len()));
        bytes.extend(payload);
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        Self { header, bytes }
    }

    /// Says that the append goes on with the next frame.
    #[must_use]
    pub fn going_on(mut self) -> Self {
        self.header.goes_on = true;
        self.bytes[GOES_ON] = 1;
        let summed = self.bytes.len() - TRAILER;
        let checksum = crc32c::crc32c(&self.bytes[..summed]);
        self.bytes[summed..].copy_from_slice(&checksum.to_be_bytes());
        self
    }

    /// Takes a frame as it was stored.
    ///
    /// # Errors
    ///
    /// Fails if its checksum says that these are not the bytes that were written, or a later build
    /// wrote it.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Damage> {
        let short = || Damage::Short(bytes.len());
        let (summed, stored) = bytes.split_last_chunk::<TRAILER>().ok_or_else(short)?;
        if summed.len() < HEADER {
            return Err(short());
        }
        let (stored, computed) = (u32::from_be_bytes(*stored), crc32c::crc32c(summed));
        match summed[0] {
            FORMAT if stored == computed => {}
            newer if newer > FORMAT => return Err(Damage::TooNew(newer)),
            _ => return Err(Damage::Checksum { stored, computed }),
        }
        let header = Header::parse(summed)?;
        Ok(Self { header, bytes })
    }

    /// Returns how many bytes the frame that begins with these has, as soon as that can be told.
    #[must_use]
    pub fn length(begin: &[u8]) -> Option<usize> {
        let stored = begin.get(HEADER - 4..)?.first_chunk::<4>()?;
        Some(HEADER + u32::from_be_bytes(*stored) as usize + TRAILER)
    }

    /// Returns where the frame stands of which this is the header, whatever it is worth.
    pub(crate) fn stands_after(header: &[u8; HEADER]) -> Position {
        let (_, position) = header.split_at(AFTER);
        let position = position.first_chunk().expect("a header goes on from there");
        Position::new(u64::from_be_bytes(*position))
    }

    /// Returns where the chain stands before its first block.
    #[must_use]
    pub const fn before(&self) -> Link {
        self.header.before
    }

    /// Returns the position of its last event.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.header.head
    }

    /// Returns whether the append it belongs to goes on with the next frame. A store that ends
    /// with such a frame was cut in the middle of an append, which then never happened.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.header.goes_on
    }

    /// Returns it as it is stored.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many bytes its blocks have, unpacked.
    #[must_use]
    pub const fn unpacked_len(&self) -> usize {
        self.header.unpacked as usize
    }

    /// Unpacks its blocks.
    ///
    /// # Errors
    ///
    /// Fails if the payload is not what the header says.
    pub fn blocks(&self) -> Result<Vec<Linked>, Damage> {
        let mut blocks = Vec::new();
        self.walk(|before, link, bytes| {
            let block = Block::stored(before.position, link.position, bytes.to_vec());
            blocks.push(Linked { before, block, link });
            Ok(())
        })?;
        Ok(blocks)
    }

    /// Unpacks and decodes its commits, and says where the chain stands after them.
    ///
    /// # Errors
    ///
    /// Fails if the payload is not what the header says, or is no commits.
    pub fn commits(&self) -> Result<(Vec<Commit>, Link), Damage> {
        let mut commits = Vec::new();
        let link = self.walk(|before, link, bytes| {
            let more = block::decode(before.position, link.position, bytes)?;
            if commits.is_empty() {
                commits = more;
            } else {
                commits.extend(more);
            }
            Ok(())
        })?;
        Ok((commits, link))
    }

    /// Unpacks its blocks and says where the chain stands after them.
    ///
    /// # Errors
    ///
    /// Fails if the payload is not what the header says.
    pub fn link(&self) -> Result<Link, Damage> {
        self.walk(|_, _, _| Ok(()))
    }

    /// Goes over the blocks: where the chain stands before each, after it, and its bytes. Returns
    /// where it stands in the end.
    fn walk(
        &self,
        mut each: impl FnMut(Link, Link, &[u8]) -> Result<(), Damage>,
    ) -> Result<Link, Damage> {
        let payload = self.unpacked()?;
        let mut rest = &*payload;
        let mut link = self.header.before;
        for _ in 0..self.header.blocks {
            let (events, after) = rest.split_first_chunk().ok_or(Damage::Payload)?;
            let (length, after) = after.split_first_chunk().ok_or(Damage::Payload)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (bytes, after) = after.split_at_checked(length).ok_or(Damage::Payload)?;
            let head = link.position.plus(u64::from(u32::from_be_bytes(*events)));
            let next = link.next(head, bytes);
            each(link, next, bytes)?;
            link = next;
            rest = after;
        }
        match (rest.is_empty(), link.position == self.header.head) {
            (true, true) => Ok(link),
            (_, false) => Err(Damage::Ends { expected: self.header.head, found: link.position }),
            (false, true) => Err(Damage::Payload),
        }
    }

    fn unpacked(&self) -> Result<Cow<'_, [u8]>, Damage> {
        let stored = &self.bytes[HEADER..self.bytes.len() - TRAILER];
        let expected = self.unpacked_len();
        let payload = match self.header.packing {
            0 => Cow::Borrowed(stored),
            1 if expected <= UNPACKED_MAX => {
                let unpacked = UNPACKER.with_borrow_mut(|zstd| zstd.decompress(stored, expected));
                Cow::Owned(unpacked.map_err(Damage::Packed)?)
            }
            1 => return Err(Damage::Payload),
            other => return Err(Damage::Packing(other)),
        };
        if payload.len() == expected { Ok(payload) } else { Err(Damage::Payload) }
    }
}

impl Header {
    fn to_bytes(self, stored: u32) -> Vec<u8> {
        let mut bytes = vec![FORMAT, self.packing, u8::from(self.goes_on)];
        bytes.extend(self.before.position.get().to_be_bytes());
        bytes.extend(self.head.get().to_be_bytes());
        bytes.extend(self.before.hash.as_bytes());
        bytes.extend(self.blocks.to_be_bytes());
        bytes.extend(self.unpacked.to_be_bytes());
        bytes.extend(stored.to_be_bytes());
        bytes
    }

    fn parse(summed: &[u8]) -> Result<Self, Damage> {
        let position = |at: usize| {
            let bytes = summed[at..].first_chunk().expect("a header was seen to be there");
            Position::new(u64::from_be_bytes(*bytes))
        };
        let number = |at: usize| {
            let bytes = summed[at..].first_chunk().expect("a header was seen to be there");
            u32::from_be_bytes(*bytes)
        };
        let hash = summed[19..].first_chunk().expect("a header was seen to be there");
        let header = Self {
            packing: summed[1],
            goes_on: summed[GOES_ON] == 1,
            before: Link { position: position(3), hash: Digest::from_bytes(*hash) },
            head: position(11),
            blocks: number(51),
            unpacked: number(55),
        };
        let whole = number(59) as usize == summed.len() - HEADER;
        if whole && header.before.position < header.head {
            Ok(header)
        } else {
            Err(Damage::Payload)
        }
    }
}

thread_local! {
    /// Making one takes longer than packing or unpacking a small frame.
    static PACKER: RefCell<Compressor<'static>> = RefCell::default();
    static UNPACKER: RefCell<Decompressor<'static>> = RefCell::default();
}

fn packed(payload: Vec<u8>, packing: Packing) -> (u8, Vec<u8>) {
    match packing {
        Packing::Plain => (0, payload),
        Packing::Zstd(level) => match PACKER.with_borrow_mut(|zstd| {
            zstd.set_compression_level(level)?;
            zstd.compress(&payload)
        }) {
            Ok(smaller) if smaller.len() < payload.len() => (1, smaller),
            Ok(_) | Err(_) => (0, payload),
        },
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a frame has a bound")
}
