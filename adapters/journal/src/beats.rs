//! Summaries of signs of life: beside each file of the archive, when each edge was heard of in it.
//!
//! ```text
//! offset  bytes
//!      0      8  "EDGEBEAT"
//!      8      1  the format, 1
//!      9     40  where the chain stands before the stretch: position and hash
//!     49     40  where it stands after it
//!     89      4  the length of what follows, unpacked
//!     93         zstd of numbers (LEB128) and bytes:
//!                  the resolution in milliseconds; the last commit's time
//!                  openings: how many; each: flags (1 begun earlier, 2 ended), began, ended
//!                  edges: how many; each: its id (16 bytes), how many spells; each: first, length
//!   last      4  CRC-32C of everything before
//! ```
//!
//! Times are milliseconds after the one before them in the same list, the first after the first
//! opening's.
use std::collections::BTreeMap;

use edge_ledger_core::{
    EdgeId, Millis, Timestamp,
    contacts::{Contacts, Opening, Spell},
};
use uuid::Uuid;

use crate::{
    Link,
    segment::{LINK, get_link, put_link},
};

/// How far contacts may be apart and still be one spell: twice the interval at which an idle edge
/// polls, so that a late poll begins no other.
pub const RESOLUTION: Millis = Millis::from_secs(30);

const MAGIC: &[u8; 8] = b"EDGEBEAT";
const FORMAT: u8 = 1;
const HEADER: usize = MAGIC.len() + 1 + 2 * LINK + 4;
const LEVEL: i32 = 9;
const EARLIER: u64 = 1;
const ENDED: u64 = 2;

/// The most bytes a summary may have unpacked.
const UNPACKED_MAX: usize = 1 << 30;

/// A stretch of the log, and who was heard of in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beats {
    /// Where the chain stands before it.
    pub before: Link,
    /// Where the chain stands after it.
    pub last: Link,
    /// Who was heard of, and when the ledger was open.
    pub contacts: Contacts,
}

/// A summary cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBeats {
    /// It is none, or of another build.
    #[error("it is no summary that this build knows")]
    Foreign,
    /// Its bytes are not those that were written.
    #[error("its bytes are not those that were written")]
    Damaged,
}

impl Beats {
    /// Writes a summary.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut bytes = MAGIC.to_vec();
        bytes.push(FORMAT);
        put_link(&mut bytes, self.before);
        put_link(&mut bytes, self.last);
        bytes.extend(u32::try_from(body.len()).expect("a summary has a bound").to_be_bytes());
        bytes.extend(zstd::bulk::compress(&body, LEVEL).expect("memory can be compressed"));
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    /// Reads a summary.
    ///
    /// # Errors
    ///
    /// Says whether it is damaged, or none that this build knows.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadBeats> {
        let (summed, stored) = bytes.split_last_chunk::<4>().ok_or(BadBeats::Foreign)?;
        match summed.strip_prefix(MAGIC).and_then(<[u8]>::first) {
            Some(&FORMAT) => {}
            Some(_) | None => return Err(BadBeats::Foreign),
        }
        if summed.len() < HEADER || crc32c::crc32c(summed) != u32::from_be_bytes(*stored) {
            return Err(BadBeats::Damaged);
        }
        let (header, packed) = summed.split_at(HEADER);
        let links = &header[MAGIC.len() + 1..];
        let (links, length) = links.split_at(2 * LINK);
        let length = length.first_chunk().ok_or(BadBeats::Damaged)?;
        let length = u32::from_be_bytes(*length) as usize;
        let body = zstd::bulk::decompress(packed, length.min(UNPACKED_MAX));
        let body = body.map_err(|_| BadBeats::Damaged)?;
        let contacts = Body(&body).contacts().ok_or(BadBeats::Damaged)?;
        Ok(Self { before: get_link(links), last: get_link(&links[LINK..]), contacts })
    }

    fn body(&self) -> Vec<u8> {
        let contacts = &self.contacts;
        let begin = begin(contacts.openings());
        let mut body = Vec::new();
        put(&mut body, contacts.resolution().0);
        put(&mut body, contacts.last().map_or(0, |last| last.since(begin).0 + 1));
        put_time(&mut body, Timestamp::EPOCH, begin);
        put(&mut body, contacts.openings().len() as u64);
        let mut now = begin;
        for opening in contacts.openings() {
            let earlier = if opening.earlier { EARLIER } else { 0 };
            put(&mut body, earlier | if opening.ended.is_some() { ENDED } else { 0 });
            put_time(&mut body, now, opening.began);
            now = opening.began;
            if let Some(ended) = opening.ended {
                put_time(&mut body, now, ended);
                now = ended;
            }
        }
        put(&mut body, contacts.edges().len() as u64);
        for (edge, spells) in contacts.edges() {
            body.extend(edge.as_uuid().as_bytes());
            put(&mut body, spells.len() as u64);
            let mut now = begin;
            for spell in spells {
                put_time(&mut body, now, spell.first);
                put_time(&mut body, spell.first, spell.last);
                now = spell.last;
            }
        }
        body
    }
}

fn begin(openings: &[Opening]) -> Timestamp {
    openings.first().map_or(Timestamp::EPOCH, |opening| opening.began)
}

/// Recorded times never decrease, and none is before the epoch.
fn put_time(bytes: &mut Vec<u8>, from: Timestamp, to: Timestamp) {
    put(bytes, to.since(from).0);
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// What is left to read.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn contacts(mut self) -> Option<Contacts> {
        let resolution = Millis(self.number()?);
        let last = self.number()?;
        let begin = self.time(Timestamp::EPOCH)?;
        let last = last.checked_sub(1).map(|last| begin.after(Millis(last)));
        let mut now = begin;
        let mut openings = Vec::new();
        for _ in 0..self.number()? {
            let flags = self.number()?;
            let began = self.time(now)?;
            let ended = if flags & ENDED == 0 { None } else { Some(self.time(began)?) };
            now = ended.unwrap_or(began);
            openings.push(Opening { began, earlier: flags & EARLIER != 0, ended });
        }
        let mut edges = BTreeMap::new();
        for _ in 0..self.number()? {
            let (id, rest) = self.0.split_first_chunk::<16>()?;
            self.0 = rest;
            let mut now = begin;
            let mut spells = Vec::new();
            for _ in 0..self.number()? {
                let first = self.time(now)?;
                let last = self.time(first)?;
                now = last;
                spells.push(Spell { first, last });
            }
            edges.insert(EdgeId::from_uuid(Uuid::from_bytes(*id)), spells);
        }
        let contacts = Contacts::of(resolution, openings, last, edges);
        self.0.is_empty().then_some(contacts)
    }

    fn time(&mut self, from: Timestamp) -> Option<Timestamp> {
        Some(from.after(Millis(self.number()?)))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
