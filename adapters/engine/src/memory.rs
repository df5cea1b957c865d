//! A journal that lives as long as its process: for tests, and for embedders who try things out.
use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
};

use edge_ledger_core::{AppendError, Commit, Journal, JournalReader, Position};

/// A journal in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    reader: MemoryReader,
}

/// Reads a [`MemoryJournal`].
#[derive(Clone, Debug, Default)]
pub struct MemoryReader {
    commits: Arc<RwLock<Vec<Arc<Commit>>>>,
}

impl Journal for MemoryJournal {
    type Error = Infallible;
    type Reader = MemoryReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<Infallible>> {
        let mut kept = self.reader.commits.write().unwrap_or_else(PoisonError::into_inner);
        let actual = kept.last().map_or(Position::START, |commit| commit.head());
        match commits.first() {
            Some(first) if first.after != actual => {
                Err(AppendError::Conflict { expected: first.after, actual })
            }
            Some(_) | None => {
                kept.extend(commits.iter().cloned().map(Arc::new));
                Ok(())
            }
        }
    }

    fn append_max(&self) -> usize {
        usize::MAX
    }

    fn reader(&self) -> MemoryReader {
        self.reader.clone()
    }
}

impl JournalReader for MemoryReader {
    type Error = Infallible;

    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, Infallible>> + Send {
        let kept = self.commits.read().unwrap_or_else(PoisonError::into_inner);
        let first = kept.partition_point(|commit| commit.head() <= after);
        let commits: Vec<_> = kept[first..].to_vec();
        commits.into_iter().map(|commit| Ok((*commit).clone()))
    }
}
