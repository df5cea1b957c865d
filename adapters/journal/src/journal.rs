//! The journal's one writer, on any store.
use std::slice;

use edge_ledger_core::{AppendError, Commit, Journal, Position, codec};

use crate::{
    Block, BlockReader, Frame, JournalError, Link, Packing, Remover, Store, StoreReader,
    in_one_line,
};

/// The most bytes that the commits of one append may have together, encoded, whatever the store.
pub const APPEND_MAX: usize = 8 * 1024 * 1024;

/// The most bytes of a block, unless it is one commit that is larger alone.
pub const BLOCK: usize = 4_000;

/// From how many bytes on a block is compressed, and how.
const PACK_FROM: usize = 1_024;
const PACKED: Packing = Packing::Zstd(1);

/// A journal of chained blocks.
#[derive(Debug)]
pub struct BlockJournal<S> {
    store: S,
    link: Link,
    /// Why nothing can be appended any more.
    poison: Option<String>,
}

impl<S: Store> BlockJournal<S> {
    /// Opens the journal in a store, reading its last frame only.
    ///
    /// # Errors
    ///
    /// Fails if that frame cannot be read; nothing is changed then.
    pub fn open(store: S) -> Result<Self, JournalError> {
        Self::open_after(store, Link::START)
    }

    /// Opens the journal in a store; if there is nothing in it, what is appended first follows
    /// this link.
    ///
    /// # Errors
    ///
    /// As [`BlockJournal::open`].
    pub fn open_after(store: S, base: Link) -> Result<Self, JournalError> {
        let link = match store.reader().last()? {
            None => base,
            Some(frame) => {
                let position = frame.before().position;
                let unpacked = frame.commits();
                unpacked.map_err(|damage| JournalError::Frame { position, damage })?.1
            }
        };
        Ok(Self { store, link, poison: None })
    }

    /// Returns where the chain stands after the last block.
    #[must_use]
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Returns what removes frames, while this journal is appended to.
    #[must_use]
    pub fn remover(&self) -> Remover {
        self.store.remover()
    }

    /// Appends blocks of another journal as they are, in one compressed frame: the chain goes on
    /// as it did there.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`].
    pub fn append_blocks(&mut self, blocks: &[Block]) -> Result<(), AppendError<JournalError>> {
        self.refuse_if_poisoned()?;
        let mut link = self.link;
        for block in blocks {
            if block.after() != link.position {
                return Err(AppendError::Conflict {
                    expected: block.after(),
                    actual: link.position,
                });
            }
            link = block.link(link);
        }
        bounded(blocks)?;
        let frames = match blocks {
            [] => return Ok(()),
            blocks => [Frame::pack(self.link, blocks, PACKED)],
        };
        self.write(&frames, link)
    }

    fn refuse_if_poisoned(&self) -> Result<(), AppendError<JournalError>> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(AppendError::Fault(JournalError::Poisoned { cause: cause.clone() })),
        }
    }

    fn write(&mut self, frames: &[Frame], link: Link) -> Result<(), AppendError<JournalError>> {
        if let Err(error) = self.store.append(frames, link) {
            self.poison = Some(in_one_line(&error));
            return Err(AppendError::Fault(error));
        }
        self.link = link;
        Ok(())
    }
}

impl<S: Store> Journal for BlockJournal<S> {
    type Error = JournalError;
    type Reader = BlockReader<S::Reader>;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<JournalError>> {
        self.refuse_if_poisoned()?;
        follow(self.link.position, commits)?;
        let blocks = cut(commits);
        bounded(&blocks)?;
        let (frames, link) = frames(self.link, &blocks);
        if frames.is_empty() { Ok(()) } else { self.write(&frames, link) }
    }

    fn append_max(&self) -> usize {
        APPEND_MAX
    }

    fn reader(&self) -> BlockReader<S::Reader> {
        BlockReader::new(self.store.reader())
    }
}

/// Sees that commits stand one after the other, from a position on.
fn follow(head: Position, commits: &[Commit]) -> Result<(), AppendError<JournalError>> {
    let mut end = head;
    for commit in commits {
        if commit.after != end {
            return Err(AppendError::Conflict { expected: commit.after, actual: end });
        }
        assert!(!commit.events.is_empty(), "a commit is never empty");
        end = commit.head();
    }
    Ok(())
}

/// Encodes commits as blocks of as many as fit.
fn cut(commits: &[Commit]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = commits;
    while !rest.is_empty() {
        let (fitting, later) = rest.split_at(fitting(rest));
        blocks.extend(Block::of(fitting));
        rest = later;
    }
    blocks
}

/// Returns how many of the first commits fit into one block together; at least one.
fn fitting(commits: &[Commit]) -> usize {
    if let [_] = commits {
        return 1;
    }
    let mut room = BLOCK;
    let mut fit = 0;
    for commit in commits {
        let size = codec::encoded_len(slice::from_ref(commit));
        if size > room {
            break;
        }
        room -= size;
        fit += 1;
    }
    fit.max(1)
}

fn bounded(blocks: &[Block]) -> Result<(), AppendError<JournalError>> {
    let size = blocks.iter().map(|block| block.bytes().len()).sum();
    if size > APPEND_MAX { Err(AppendError::TooLarge { size, max: APPEND_MAX }) } else { Ok(()) }
}

/// Packs the blocks of one append into a frame each, and says where the chain stands after them.
fn frames(mut link: Link, blocks: &[Block]) -> (Vec<Frame>, Link) {
    let mut frames = Vec::with_capacity(blocks.len());
    for (nth, block) in blocks.iter().enumerate() {
        let packing = if block.bytes().len() < PACK_FROM { Packing::Plain } else { PACKED };
        let frame = Frame::pack(link, slice::from_ref(block), packing);
        frames.push(if nth + 1 < blocks.len() { frame.going_on() } else { frame });
        link = block.link(link);
    }
    (frames, link)
}
