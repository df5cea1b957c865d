//! Moves what is old from the live store to the archive.
use std::fmt;

use edge_ledger_core::{Position, Timestamp};

use crate::{
    Archive, JournalError, Link, Linked, Packer, Remover, Retention, StoreReader, retention::Kept,
};

/// Keeps a live store small, beside whoever appends to it.
///
/// What leaves is first in the archive, durably, and then removed. Cut down in between, it is in
/// both, and the next run removes it.
pub struct Keeper<R> {
    live: R,
    remover: Remover,
    archive: Archive,
    tally: Tally,
}

/// How many bytes the frames of the live store have that were counted.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    upto: Position,
    bytes: u64,
}

/// What the keeper has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Up to where the log is archived.
    pub archived: Position,
    /// How many bytes of frames left the live store.
    pub left: u64,
    /// How many are there now.
    pub held: u64,
}

impl<R: StoreReader> Keeper<R> {
    /// Keeps a live store, whose reader and remover these are.
    ///
    /// # Errors
    ///
    /// Fails if the archive cannot be tidied.
    pub fn new(live: R, remover: Remover, archive: Archive) -> Result<Self, JournalError> {
        archive.remove_halves()?;
        Ok(Self { live, remover, archive, tally: Tally::default() })
    }

    /// Archives what is too old or too much, but nothing from the pinned position on.
    ///
    /// # Errors
    ///
    /// The log is as it was then, though some of it may be in the archive and in the live store.
    pub fn run(
        &mut self,
        retention: &Retention,
        pinned: Option<Position>,
        now: Timestamp,
    ) -> Result<Moved, JournalError> {
        let archived = self.archived();
        self.count(archived)?;
        let frames = self.live.frames(archived).map(|frame| Kept::of(&frame?));
        let cut = retention.cut(frames, self.tally.bytes, pinned, now)?;
        // What is archived already may still be here, after a cut.
        let left = match cut {
            Some(cut) => self.archive_until(cut)?,
            None => 0,
        };
        let archived = self.archived();
        (self.remover)(archived)?;
        self.archive.summarise()?;
        Ok(Moved { archived, left, held: self.tally.bytes })
    }

    /// Archives the frames that end at or before a position, and then removes them from the live
    /// store. Returns how many bytes they had there.
    ///
    /// # Errors
    ///
    /// The log is as it was then, though some of it may be in the archive and in the live store.
    pub fn archive_until(&mut self, position: Position) -> Result<u64, JournalError> {
        let archived = self.archived();
        self.count(archived)?;
        let (mut packer, mut left): (Option<Packer>, u64) = (None, 0);
        for frame in self.live.frames(archived) {
            let frame = frame?;
            if frame.head() > position {
                break;
            }
            left += frame.bytes().len() as u64;
            let at = frame.before().position;
            let blocks =
                frame.blocks().map_err(|damage| JournalError::Frame { position: at, damage })?;
            for linked in blocks.into_iter().filter(|linked| linked.before.position >= archived) {
                packer = Some(self.pack(packer, linked)?);
            }
        }
        if let Some(packer) = packer {
            self.archive.finish_file(packer)?;
        }
        self.tally.bytes = self.tally.bytes.saturating_sub(left);
        (self.remover)(self.archived())?;
        Ok(left)
    }

    fn pack(&self, packer: Option<Packer>, next: Linked) -> Result<Packer, JournalError> {
        let full = packer.as_ref().is_some_and(Packer::is_full);
        let mut packer = match packer {
            Some(packer) if full => {
                let before = packer.link();
                self.archive.finish_file(packer)?;
                self.archive.begin_file(before)?
            }
            Some(packer) => packer,
            None => self.archive.begin_file(self.archive.end().unwrap_or(next.before))?,
        };
        packer.push(next)?;
        Ok(packer)
    }

    /// Counts the frames that were appended since it was last asked.
    fn count(&mut self, archived: Position) -> Result<(), JournalError> {
        let Tally { mut upto, mut bytes } = self.tally;
        for frame in self.live.frames(upto.max(archived)) {
            let frame = frame?;
            bytes += frame.bytes().len() as u64;
            upto = frame.head();
        }
        self.tally = Tally { upto, bytes };
        Ok(())
    }

    fn archived(&self) -> Position {
        self.archive.end().map_or(Position::START, |end: Link| end.position)
    }
}

impl<R: fmt::Debug> fmt::Debug for Keeper<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("live", &self.live)
            .field("archive", &self.archive)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}
