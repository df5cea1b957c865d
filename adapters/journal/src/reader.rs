//! Reading a journal, from any position on.
use std::vec;

use edge_ledger_core::{Commit, JournalReader, Position};

use crate::{Damage, Frame, JournalError, Link, Linked, StoreReader, ahead::Ahead};

/// Reads a [`BlockJournal`](crate::BlockJournal), and sees that each frame is as it was written
/// and follows the one before it.
#[derive(Clone, Debug)]
pub struct BlockReader<R> {
    store: R,
}

impl<R: StoreReader> BlockReader<R> {
    /// Reads a store.
    pub const fn new(store: R) -> Self {
        Self { store }
    }

    /// Returns the store's own reader.
    pub const fn store(&self) -> &R {
        &self.store
    }

    /// Returns where the chain stands before the first block there is; none if there are none.
    ///
    /// # Errors
    ///
    /// Fails if the first frame cannot be read.
    pub fn begin(&self) -> Result<Option<Link>, JournalError> {
        let first = self.store.frames(Position::START).next().transpose()?;
        Ok(first.map(|frame| frame.before()))
    }

    /// Returns where the chain stands after the last block there is; none if there are none.
    ///
    /// # Errors
    ///
    /// Fails if the last frame cannot be read.
    pub fn end(&self) -> Result<Option<Link>, JournalError> {
        let Some(frame) = self.store.last()? else { return Ok(None) };
        let position = frame.before().position;
        frame.link().map(Some).map_err(|damage| JournalError::Frame { position, damage })
    }

    /// Returns where the chain stands at a position; none if no block ends there and the first one
    /// does not begin there.
    ///
    /// # Errors
    ///
    /// Fails if the frame that holds the position cannot be read, or has been removed.
    pub fn link_at(&self, position: Position) -> Result<Option<Link>, JournalError> {
        for linked in self.blocks(position) {
            let Linked { before, link, .. } = linked?;
            if before.position == position {
                return Ok(Some(before));
            }
            if link.position >= position {
                return Ok(Some(link).filter(|link| link.position == position));
            }
        }
        Ok(self.end()?.filter(|end| end.position == position))
    }

    /// Reads, oldest first, every block from the frame on that holds the event after a position.
    /// What the first one says that it follows is taken for true; each of the others is seen to
    /// follow the one before it. An error ends the reading: nothing is skipped.
    pub fn blocks(
        &self,
        after: Position,
    ) -> impl Iterator<Item = Result<Linked, JournalError>> + Send {
        Unpacking::new(self.store.frames(after), after, |frame| {
            let blocks = frame.blocks()?;
            let link = blocks.last().map_or_else(|| frame.before(), |block| block.link);
            Ok((blocks, link))
        })
    }
}

impl<R: StoreReader> JournalReader for BlockReader<R> {
    type Error = JournalError;

    /// Reads up to where the journal durably ends as this is called.
    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, JournalError>> + Send {
        let commits = Unpacking::new(self.store.frames(after), after, Frame::commits);
        commits.filter(move |commit| is_past(after, commit))
    }

    /// As [`BlockReader::read`], with some frames unpacked and decoded ahead on all cores. Ends its
    /// threads when it is dropped.
    fn read_ahead(
        &self,
        after: Position,
    ) -> impl Iterator<Item = Result<Commit, JournalError>> + Send {
        Ahead::start(&self.store, after).filter(move |commit| is_past(after, commit))
    }
}

/// Leaves out what comes before in the same frame; an error is never left out.
fn is_past(after: Position, commit: &Result<Commit, JournalError>) -> bool {
    commit.as_ref().map_or(true, |commit| commit.head() > after)
}

/// What is in frames, one by one.
struct Unpacking<I, T, F> {
    frames: I,
    trail: Trail,
    unpack: F,
    ready: vec::IntoIter<T>,
    ended: bool,
}

impl<I, T, F> Unpacking<I, T, F>
where
    I: Iterator<Item = Result<Frame, JournalError>>,
    F: Fn(&Frame) -> Result<(Vec<T>, Link), Damage>,
{
    fn new(frames: I, after: Position, unpack: F) -> Self {
        let trail = Trail::begin(after);
        Self { frames, trail, unpack, ready: Vec::new().into_iter(), ended: false }
    }

    fn unpack_next(&mut self) -> Option<Result<(), JournalError>> {
        let frame = match self.frames.next()? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        let before = frame.before();
        let unpacked = (self.unpack)(&frame)
            .map_err(|damage| JournalError::Frame { position: before.position, damage });
        Some(unpacked.and_then(|(things, link)| {
            self.trail.step(before, link)?;
            self.ready = things.into_iter();
            Ok(())
        }))
    }
}

impl<I, T, F> Iterator for Unpacking<I, T, F>
where
    I: Iterator<Item = Result<Frame, JournalError>>,
    F: Fn(&Frame) -> Result<(Vec<T>, Link), Damage>,
{
    type Item = Result<T, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(thing) = self.ready.next() {
                return Some(Ok(thing));
            }
            if self.ended {
                return None;
            }
            match self.unpack_next() {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                None => self.ended = true,
            }
        }
    }
}

/// How far frames were seen to follow one another.
#[derive(Debug)]
pub(crate) struct Trail {
    after: Position,
    link: Option<Link>,
}

impl Trail {
    /// Begins with the frame that holds the event after a position, whichever that is.
    pub(crate) const fn begin(after: Position) -> Self {
        Self { after, link: None }
    }

    /// Returns where it has come.
    pub(crate) fn position(&self) -> Position {
        self.link.map_or(self.after, |link| link.position)
    }

    /// Goes on over a frame: from where the chain stands before it, as it says, to after it.
    pub(crate) fn step(&mut self, before: Link, link: Link) -> Result<(), JournalError> {
        let (position, found) = (self.position(), before.position);
        let damage = match self.link {
            None if found <= position => None,
            Some(last) if last == before => None,
            None | Some(_) if found > position => Some(Damage::Missing { found }),
            Some(last) if found == position => {
                Some(Damage::Unchained { expected: before.hash, found: last.hash })
            }
            None | Some(_) => Some(Damage::Misplaced { expected: position, found }),
        };
        match damage {
            Some(damage) => Err(JournalError::Frame { position, damage }),
            None => {
                self.link = Some(link);
                Ok(())
            }
        }
    }
}
