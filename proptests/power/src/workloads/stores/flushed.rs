//! sled without the sync that makes it durable.
use std::path::Path;

use edge_ledger_core::{
    AppendError, Commit, Journal, JournalReader, Position,
    codec::{self, DecodeError},
};

use super::Store;

/// sled with nothing but what its manual asks for.
#[derive(Clone, Debug)]
pub(crate) struct Flushed {
    db: sled::Db,
    end: Position,
}

/// sled failed, or what it returned is no commit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlushedError {
    #[error("sled failed")]
    Sled(#[from] sled::Error),
    #[error("the block does not decode")]
    Undecodable(#[from] DecodeError),
}

impl Store for Flushed {
    type Journal = Self;

    fn open(at: &Path) -> Result<Self, FlushedError> {
        let db = sled::Config::new().path(at).flush_every_ms(None).open()?;
        let mut journal = Self { db, end: Position::START };
        let last = journal.read(Position::START).last().transpose()?;
        journal.end = last.map_or(Position::START, |commit| commit.head());
        Ok(journal)
    }
}

impl Journal for Flushed {
    type Error = FlushedError;
    type Reader = Self;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<FlushedError>> {
        let mut batch = sled::Batch::default();
        for commit in commits {
            let bytes = codec::encode(std::slice::from_ref(commit));
            batch.insert(&commit.after.get().to_be_bytes(), bytes);
            self.end = commit.head();
        }
        let done = self.db.apply_batch(batch).and_then(|()| self.db.flush());
        done.map(drop).map_err(|error| AppendError::Fault(error.into()))
    }

    fn append_max(&self) -> usize {
        usize::MAX
    }

    fn reader(&self) -> Self {
        self.clone()
    }
}

impl JournalReader for Flushed {
    type Error = FlushedError;

    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, FlushedError>> + Send {
        self.db.range(after.get().to_be_bytes()..).values().flat_map(|block| {
            match block.map_err(FlushedError::from).and_then(|it| Ok(codec::decode(&it)?)) {
                Ok(commits) => commits.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        })
    }
}
