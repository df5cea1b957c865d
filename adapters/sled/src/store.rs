//! sled's tree, its directory, and how far both are durable.
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use edge_ledger_core::Position;

use crate::{JournalError, directory::Directory, error::chain, shield::shielded};

/// What the writer and its readers share.
pub(crate) struct Store {
    /// None only while it is dropped: before the directory, so that sled has let go of its files.
    tree: Option<sled::Tree>,
    durable: AtomicU64,
    pub(crate) directory: Directory,
}

impl Store {
    /// Holds a tree of which nothing is known to be durable yet.
    pub(crate) const fn new(tree: sled::Tree, directory: Directory) -> Self {
        Self { tree: Some(tree), durable: AtomicU64::new(0), directory }
    }

    pub(crate) const fn tree(&self) -> &sled::Tree {
        self.tree.as_ref().expect("nobody asks for it while it is dropped")
    }

    /// Returns where the durable part ends. Nothing past it may be read.
    pub(crate) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    /// Lets readers see everything up to a position.
    pub(crate) fn publish(&self, head: Position) {
        self.durable.store(head.get(), Ordering::Release);
    }

    /// Asks sled for something.
    pub(crate) fn ask<T>(
        &self,
        ask: impl FnOnce(&sled::Tree) -> sled::Result<T>,
    ) -> Result<T, JournalError> {
        shielded(self.directory.path(), "read", || ask(self.tree()))
    }
}

impl Drop for Store {
    /// Keeps sled's panic in: it syncs when it is dropped, and takes a failure badly.
    fn drop(&mut self) {
        let tree = self.tree.take();
        let closed = shielded(self.directory.path(), "close", || {
            drop(tree);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(error = chain(&error), "sled did not close well");
        }
    }
}

impl fmt::Debug for Store {
    /// Leaves the tree out: sled prints all of its pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("durable", &self.durable)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
