//! Reading frames, from any position on.
use std::{fs, os::unix::fs::MetadataExt, sync::Arc};

use edge_ledger_core::Position;
use edge_ledger_journal::{Damage, Frame, JournalError, StoreReader};
use sled::IVec;

use crate::{
    directory::io_error,
    kept::Kept,
    parts::{self, Key},
};

/// Reads a [`SledStore`](crate::SledStore). While it lives, so does the hold on the directory.
#[derive(Clone, Debug)]
pub struct SledReader {
    kept: Arc<Kept>,
}

impl SledReader {
    pub(crate) const fn new(kept: Arc<Kept>) -> Self {
        Self { kept }
    }

    /// Returns where the frame begins that holds the event after a position; or the first there
    /// is.
    fn begin(&self, after: Position) -> Result<Option<Position>, JournalError> {
        let begin = self.kept.ask(|tree| match tree.get_lt(Key::first(after.plus(1)))? {
            Some(found) => Ok(Some(found)),
            None => tree.iter().next().transpose(),
        })?;
        let begin = begin.map(|(key, _)| key_of(&key).map(|key| key.position)).transpose();
        begin.map_err(|damage| JournalError::Frame { position: after, damage })
    }
}

impl StoreReader for SledReader {
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send {
        let end = self.kept.durable();
        let begin = if after < end { self.begin(after) } else { Ok(None) };
        let (frames, error) = match begin {
            Ok(begin) => (begin.map(|begin| Frames::at(&self.kept, begin, end)), None),
            Err(error) => (None, Some(Err(error))),
        };
        error.into_iter().chain(frames.into_iter().flatten())
    }

    fn last(&self) -> Result<Option<Frame>, JournalError> {
        let end = self.kept.durable();
        match self.kept.ask(|tree| tree.get_lt(Key::first(end)))? {
            None => Ok(None),
            Some((key, _)) => {
                let key = key_of(&key);
                let position =
                    key.map_err(|damage| JournalError::Frame { position: end, damage })?.position;
                Frames::at(&self.kept, position, end).next().transpose()
            }
        }
    }

    fn disk_bytes(&self) -> Result<u64, JournalError> {
        let path = self.kept.path();
        let sizes = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.metadata()?.blocks() * 512)).sum());
        sizes.map_err(io_error("look at", path))
    }
}

/// Frames, in the order of their keys.
struct Frames {
    /// Before what it is of, which lets go of the directory once sled is closed.
    entries: sled::Iter,
    kept: Arc<Kept>,
    /// Where the last one ended; none once the end or something wrong was reached.
    next: Option<Position>,
    end: Position,
}

impl Frames {
    /// The frames from a position to another.
    fn at(kept: &Arc<Kept>, begin: Position, end: Position) -> Self {
        let entries = kept.tree().range(Key::first(begin)..Key::first(end));
        Self { entries, kept: Arc::clone(kept), next: Some(begin), end }
    }

    fn frame(&mut self) -> Result<Frame, Damage> {
        let broken_off = || Damage::BrokenOff { head: self.end };
        let (key, first) = entry(&self.kept, &mut self.entries)?.ok_or_else(broken_off)?;
        let key = key_of(&key)?;
        if key.part > 0 {
            return Err(Damage::Missing { found: key.position });
        }
        let whole = Frame::length(&first).ok_or(Damage::Short(first.len()))?;
        let mut bytes = first.to_vec();
        for part in 1..parts::count(whole) {
            let incomplete = Damage::Incomplete { found: bytes.len(), whole };
            match entry(&self.kept, &mut self.entries)? {
                Some((found, value)) => {
                    let found = key_of(&found)?;
                    if found.position != key.position || usize::from(found.part) != part {
                        return Err(incomplete);
                    }
                    bytes.extend_from_slice(&value);
                }
                None => return Err(incomplete),
            }
        }
        let frame = Frame::parse(bytes)?;
        match frame.before().position {
            position if position == key.position => Ok(frame),
            found => Err(Damage::Misplaced { expected: key.position, found }),
        }
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.next.take().filter(|next| *next < self.end)?;
        match self.frame() {
            Ok(frame) => {
                self.next = Some(frame.head());
                Some(Ok(frame))
            }
            Err(damage) => Some(Err(JournalError::Frame { position, damage })),
        }
    }
}

fn entry(kept: &Kept, entries: &mut sled::Iter) -> Result<Option<(IVec, IVec)>, Damage> {
    kept.ask(|_| entries.next().transpose()).map_err(|error| Damage::Store(Box::new(error)))
}

fn key_of(bytes: &[u8]) -> Result<Key, Damage> {
    Key::parse(bytes).ok_or_else(|| {
        Damage::Store(Box::new(JournalError::Store {
            told: format!("the next key is {bytes:02x?}, which no journal writes"),
            source: None,
        }))
    })
}
