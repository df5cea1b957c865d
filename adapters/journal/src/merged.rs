//! The archive and the live store, read as the one log that they are.
use edge_ledger_core::Position;

use crate::{Archive, Block, Frame, JournalError, Link, Packing, Remover, Store, StoreReader};

/// A store with the archive of what has left it.
#[derive(Debug)]
pub struct Archived<S> {
    store: S,
    archive: Archive,
}

impl<S: Store> Archived<S> {
    /// Reads what the store lacks in an archive.
    pub const fn new(store: S, archive: Archive) -> Self {
        Self { store, archive }
    }
}

impl<S: Store> Store for Archived<S> {
    type Reader = Merged<S::Reader>;

    fn append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError> {
        self.store.append(frames, link)
    }

    fn reader(&self) -> Merged<S::Reader> {
        Merged::new(self.store.reader(), self.archive.clone())
    }

    fn remover(&self) -> Remover {
        self.store.remover()
    }
}

/// Reads an archive, and what follows it in a live store.
///
/// While something is archived it is in both for a while, and never in neither: whoever reads the
/// live store as it leaves goes on in the archive.
#[derive(Clone, Debug)]
pub struct Merged<R> {
    live: R,
    archive: Archive,
}

impl<R: StoreReader> Merged<R> {
    /// Reads an archive, and what follows it in a live store.
    pub const fn new(live: R, archive: Archive) -> Self {
        Self { live, archive }
    }

    /// Returns the live store's own reader.
    pub const fn live(&self) -> &R {
        &self.live
    }

    /// Returns the archive.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }
}

impl<R: StoreReader> StoreReader for Merged<R> {
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send {
        Frames { log: self, position: after, begun: false, from: From::Archive, frames: None }
    }

    fn last(&self) -> Result<Option<Frame>, JournalError> {
        match self.live.last()? {
            Some(frame) => Ok(Some(frame)),
            None => self.archive.last(),
        }
    }

    fn disk_bytes(&self) -> Result<u64, JournalError> {
        Ok(self.live.disk_bytes()? + self.archive.disk_bytes())
    }
}

/// The frames of both, one by one.
struct Frames<'a, R> {
    log: &'a Merged<R>,
    /// How far the log was read, once a frame was; before, where the reading is to begin.
    position: Position,
    begun: bool,
    from: From,
    frames: Option<Box<dyn Iterator<Item = Result<Frame, JournalError>> + Send + 'a>>,
}

/// Where the frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Archive,
    Live,
    Nowhere,
}

impl<R: StoreReader> Frames<'_, R> {
    /// Goes on in the archive while it reaches further, then in the live store, until that ends.
    fn switch(&mut self) {
        let log = self.log;
        let archived = log.archive.end().is_some_and(|end| end.position > self.position);
        match (self.from, archived) {
            (From::Archive, true) => {
                self.frames = Some(Box::new(log.archive.frames(self.position)));
            }
            (From::Archive, false) => {
                self.from = From::Live;
                self.frames = Some(Box::new(log.live.frames(self.position)));
            }
            (From::Live | From::Nowhere, _) => self.end(),
        }
    }

    fn end(&mut self) {
        self.from = From::Nowhere;
        self.frames = None;
    }

    /// Whether a frame of the live store lies beyond what has meanwhile been archived.
    fn was_archived(&self, frame: &Frame) -> bool {
        let end = self.log.archive.end().map_or(Position::START, |end| end.position);
        self.from == From::Live && frame.before().position > self.position && end > self.position
    }
}

impl<R: StoreReader> Iterator for Frames<'_, R> {
    type Item = Result<Frame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.frames.as_mut().and_then(Iterator::next) {
                None if self.from == From::Nowhere => return None,
                None => self.switch(),
                Some(Err(error)) => {
                    self.end();
                    return Some(Err(error));
                }
                Some(Ok(frame)) if self.was_archived(&frame) => {
                    self.from = From::Archive;
                    self.switch();
                }
                Some(Ok(frame)) if self.begun && frame.head() <= self.position => {}
                Some(Ok(frame)) => {
                    let frame = if self.begun { past(frame, self.position) } else { Ok(frame) };
                    match &frame {
                        Ok(frame) => (self.begun, self.position) = (true, frame.head()),
                        Err(_) => self.end(),
                    }
                    return Some(frame);
                }
            }
        }
    }
}

/// Cuts off of a frame what was read before: the two places need not have it in the same frames.
fn past(frame: Frame, read: Position) -> Result<Frame, JournalError> {
    let position = frame.before().position;
    if position >= read {
        return Ok(frame);
    }
    let blocks = frame.blocks().map_err(|damage| JournalError::Frame { position, damage })?;
    let rest = || blocks.iter().filter(|linked| linked.before.position >= read);
    let Some(before) = rest().next().map(|linked| linked.before) else { return Ok(frame) };
    let rest: Vec<Block> = rest().map(|linked| linked.block.clone()).collect();
    Ok(Frame::pack(before, &rest, Packing::Plain))
}
