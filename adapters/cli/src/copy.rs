//! A journal that is made of the blocks of another log, as they are.

use std::{mem, path::Path};

use anyhow::Result;
use edge_ledger_core::{Commit, Corruption, Digest, Ledger};
use edge_ledger_journal::{Block, Link};

use crate::{
    journal,
    store::{AnyJournal, Kind},
};

/// How many bytes of blocks go into a frame, if no block is larger: what a look-up of one commit
/// unpacks.
const FRAME: usize = 64 * 1024;

/// A copy that is being made.
#[derive(Debug)]
pub(crate) struct Copy {
    to: AnyJournal,
    /// What the commits so far fold to; none if the first ones are not there.
    ledger: Option<Box<Ledger>>,
    waiting: Vec<Block>,
    /// How many bytes wait.
    size: usize,
}

impl Copy {
    /// Makes an empty journal in a data directory, of which the first block follows a link.
    pub(crate) fn begin(kind: Kind, data: &Path, base: Link) -> Result<Self> {
        let to = kind.open_after(&journal::place(data), &journal::archive_place(data), base);
        let to = to.map_err(|error| journal::explain(&error))?;
        let ledger = (base == Link::START).then(Box::default);
        Ok(Self { to, ledger, waiting: Vec::new(), size: 0 })
    }

    /// Folds the next commit, if it can be told what it changes.
    pub(crate) fn fold(&mut self, commit: &Commit) -> Result<(), Corruption> {
        self.ledger.as_mut().map_or(Ok(()), |ledger| ledger.apply(commit))
    }

    /// Takes the next block.
    pub(crate) fn add(&mut self, block: Block) -> Result<()> {
        self.size += block.bytes().len();
        self.waiting.push(block);
        if self.size >= FRAME { self.flush() } else { Ok(()) }
    }

    /// Returns the journal, with the digest of the ledger that it makes.
    pub(crate) fn finish(mut self) -> Result<(AnyJournal, Option<Digest>)> {
        self.flush()?;
        Ok((self.to, self.ledger.map(|ledger| ledger.digest())))
    }

    fn flush(&mut self) -> Result<()> {
        self.size = 0;
        Ok(self.to.append_blocks(&mem::take(&mut self.waiting))?)
    }
}
