//! What the store, its readers and its remover share: sled's tree, its directory, and how far both
//! are durable.
use std::{
    fmt,
    fs::File,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use edge_ledger_core::Position;
use edge_ledger_journal::{JournalError, Link, in_one_line};

use crate::{
    directory::{Directory, io_error},
    shield::shielded,
};

/// After how many positions the marker is renewed, at the earliest. It bounds what damage can take
/// from a journal that was not closed without anybody noticing.
const MARK_EVERY: u64 = 256;

/// How long a marker holds at least. To renew it takes three syncs: this many times a second
/// nobody notices.
const MARK_PAUSE: Duration = Duration::from_millis(250);

/// A journal's files, held by this process.
pub(crate) struct Kept {
    /// None only while it is dropped: before the directory, so that sled has let go of its files.
    tree: Option<sled::Tree>,
    durable: AtomicU64,
    writing: Mutex<Writing>,
    directory: Directory,
}

/// What only one thread at a time may do something with: what is written and not yet synced stays
/// within the bounds of one append.
#[derive(Debug)]
pub(crate) struct Writing {
    /// sled's file, on a handle of our own: what it syncs is durable.
    db: File,
    /// Where the chain stands.
    end: Link,
    /// Where it stood as the marker says.
    marked: Link,
    marked_at: Instant,
    /// Whether what is there is known: it was found as the marker says, and nothing has failed
    /// since. Otherwise the marker stays as it is, for whoever opens it next to be refused, too.
    known: bool,
}

impl Kept {
    /// Holds a tree of which nothing is known to be durable yet.
    pub(crate) fn new(tree: sled::Tree, db: File, marked: Link, directory: Directory) -> Self {
        let writing =
            Writing { db, end: Link::START, marked, marked_at: Instant::now(), known: false };
        Self {
            tree: Some(tree),
            durable: AtomicU64::new(0),
            writing: Mutex::new(writing),
            directory,
        }
    }

    pub(crate) const fn tree(&self) -> &sled::Tree {
        self.tree.as_ref().expect("nobody asks for it while it is dropped")
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns where the durable part ends. Nothing past it may be read.
    pub(crate) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    /// Lets readers see everything up to a link.
    pub(crate) fn publish(&self, link: Link) {
        self.writing().end = link;
        self.durable.store(link.position.get(), Ordering::Release);
    }

    /// Returns where the chain stands at the end of the durable part.
    pub(crate) fn end(&self) -> Link {
        self.writing().end
    }

    /// Asks sled for something.
    pub(crate) fn ask<T>(
        &self,
        ask: impl FnOnce(&sled::Tree) -> sled::Result<T>,
    ) -> Result<T, JournalError> {
        shielded(self.path(), "read", || ask(self.tree()))
    }

    /// Appends what is in a batch, all or none, and lets readers see it up to a link.
    pub(crate) fn append(&self, batch: sled::Batch, link: Link) -> Result<(), JournalError> {
        let mut writing = self.writing();
        self.write(&mut writing, batch)?;
        writing.end = link;
        self.durable.store(link.position.get(), Ordering::Release);
        let grown = writing.marked.position.plus(MARK_EVERY) <= link.position;
        if grown && writing.marked_at.elapsed() >= MARK_PAUSE {
            self.remark(&mut writing);
        }
        Ok(())
    }

    /// Removes what a batch says, all or none, after what is left was noted in the marker.
    pub(crate) fn remove(&self, batch: sled::Batch) -> Result<(), JournalError> {
        let mut writing = self.writing();
        self.mark(&mut writing)?;
        self.write(&mut writing, batch)
    }

    /// Writes what is in a batch, and makes it durable.
    pub(crate) fn write(
        &self,
        writing: &mut Writing,
        batch: sled::Batch,
    ) -> Result<(), JournalError> {
        let tree = self.tree();
        let written = shielded(self.path(), "append to", || {
            tree.apply_batch(batch)?;
            tree.flush()
        });
        let synced = written.and_then(|_| {
            writing.db.sync_data().map_err(io_error("sync", &self.path().join("db")))
        });
        writing.known &= synced.is_ok();
        synced
    }

    /// Says that what is there is as the marker says.
    pub(crate) fn vouch(&self) {
        self.writing().known = true;
    }

    /// Notes in the marker how far the journal has come, if it has come further.
    pub(crate) fn mark(&self, writing: &mut Writing) -> Result<(), JournalError> {
        if writing.marked != writing.end {
            self.directory.finish(writing.end)?;
            writing.marked = writing.end;
            writing.marked_at = Instant::now();
        }
        Ok(())
    }

    /// Renews the marker, or says that it could not be: what was appended is durable either way.
    fn remark(&self, writing: &mut Writing) {
        if let Err(error) = self.mark(writing) {
            tracing::warn!(error = in_one_line(&error), "the journal's marker was not renewed");
        }
    }

    /// Renews the marker for good, if what is there is known.
    pub(crate) fn close(&self) {
        let mut writing = self.writing();
        if writing.known {
            self.remark(&mut writing);
        }
    }

    /// Puts another file in the place of sled's, to see what becomes of a sync that fails.
    #[cfg(test)]
    pub(crate) fn replace_db(&self, other: File) -> File {
        std::mem::replace(&mut self.writing().db, other)
    }

    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    /// Keeps sled's panic in: it syncs when it is dropped, and takes a failure badly.
    fn drop(&mut self) {
        let tree = self.tree.take();
        let closed = shielded(self.path(), "close", || {
            drop(tree);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(error = in_one_line(&error), "sled did not close well");
        }
    }
}

impl fmt::Debug for Kept {
    /// Leaves the tree out: sled prints all of its pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("durable", &self.durable)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
