//! The bytes of one file, and what of them is durable.
use std::collections::HashMap;

use rand::{Rng, RngExt};

use crate::Loss;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// The bytes of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content<'a> {
    durable: Vec<u8>,
    /// What was done since, in order.
    pending: Vec<Change<'a>>,
}

#[derive(Clone, Copy, Debug)]
enum Change<'a> {
    Write { at: usize, bytes: &'a [u8] },
    Resize { len: usize },
    Reserve { end: usize },
    Clear { at: usize, len: usize },
}

impl<'a> Content<'a> {
    /// Takes bytes that no cut takes away.
    pub(crate) const fn durable(bytes: Vec<u8>) -> Self {
        Self { durable: bytes, pending: vec![] }
    }

    pub(crate) fn write(&mut self, at: u64, bytes: &'a [u8], synced: bool) {
        self.pending.push(Change::Write { at: place(at), bytes });
        if synced {
            self.sync();
        }
    }

    pub(crate) fn resize(&mut self, len: u64) {
        self.pending.push(Change::Resize { len: place(len) });
    }

    pub(crate) fn reserve(&mut self, end: u64) {
        self.pending.push(Change::Reserve { end: place(end) });
    }

    pub(crate) fn clear(&mut self, at: u64, len: u64) {
        self.pending.push(Change::Clear { at: place(at), len: place(len) });
    }

    pub(crate) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Returns what a power cut may leave.
    pub(crate) fn cut(&self, loss: Loss, kept: f64, rng: &mut impl Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        match loss {
            Loss::Everything => {}
            Loss::Nothing => self.pending.iter().for_each(|change| change.apply(&mut bytes)),
            Loss::Pages => self.keep_pages(&mut bytes, kept, rng),
            Loss::Tail => self.keep_beginning(&mut bytes, rng),
        }
        bytes
    }

    /// A page goes to the device as a whole: with all that was written to it until then, or not at
    /// all. The length goes there on its own.
    fn keep_pages(&self, bytes: &mut Vec<u8>, kept: f64, rng: &mut impl Rng) {
        let count = self.pending.len();
        // Before which change a page, or the length, was last sent.
        let mut sent = || if rng.random_bool(kept) { rng.random_range(0..=count) } else { 0 };
        let lengths = sent();
        let mut pages = HashMap::new();
        let mut len = bytes.len();
        for (nth, change) in self.pending.iter().enumerate() {
            match *change {
                Change::Write { at, bytes: written } => {
                    for (at, piece) in pieces(at, written) {
                        if nth < *pages.entry(at / PAGE).or_insert_with(&mut sent) {
                            Change::Write { at, bytes: piece }.apply(bytes);
                        }
                    }
                }
                Change::Resize { .. } | Change::Reserve { .. } | Change::Clear { .. } => {
                    if nth < lengths {
                        change.apply(bytes);
                    }
                }
            }
            if nth < lengths {
                len = change.len_after(len);
            }
        }
        bytes.resize(len, 0);
    }

    fn keep_beginning(&self, bytes: &mut Vec<u8>, rng: &mut impl Rng) {
        let whole = rng.random_range(0..=self.pending.len());
        self.pending[..whole].iter().for_each(|change| change.apply(bytes));
        if let Some(&Change::Write { at, bytes: written }) = self.pending.get(whole) {
            // Sectors are those of the disk, so the first one may be short.
            let end = (at + rng.random_range(0..=written.len())) / SECTOR * SECTOR;
            let torn = &written[..end.saturating_sub(at)];
            Change::Write { at, bytes: torn }.apply(bytes);
        }
    }
}

impl Change<'_> {
    fn apply(&self, to: &mut Vec<u8>) {
        match *self {
            Self::Write { bytes: [], .. } => {}
            Self::Write { at, bytes } => {
                to.resize(to.len().max(at + bytes.len()), 0);
                to[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Clear { at, len } => {
                let end = to.len().min(at + len);
                to[at.min(end)..end].fill(0);
            }
            Self::Resize { .. } | Self::Reserve { .. } => to.resize(self.len_after(to.len()), 0),
        }
    }

    fn len_after(&self, len: usize) -> usize {
        match *self {
            Self::Write { at, bytes } => len.max(at + bytes.len()),
            Self::Resize { len } => len,
            Self::Reserve { end } => len.max(end),
            Self::Clear { .. } => len,
        }
    }
}

/// Cuts a write where pages begin.
fn pieces(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = (at, bytes);
    std::iter::from_fn(move || {
        let (at, bytes) = rest;
        let (piece, behind) = bytes.split_at(bytes.len().min(PAGE - at % PAGE));
        rest = (at + piece.len(), behind);
        (!piece.is_empty()).then_some((at, piece))
    })
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("a file that fits into memory has such offsets")
}
