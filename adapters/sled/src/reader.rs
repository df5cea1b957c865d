//! Reading a journal, from any position on.
use std::sync::Arc;

use edge_ledger_core::{Commit, JournalReader, Position};
use sled::IVec;

use crate::{
    Damage, JournalError,
    block::{Block, Key, Part},
    store::Store,
};

/// Reads a [`SledJournal`](crate::SledJournal). While it lives, so does the hold on the directory.
#[derive(Clone, Debug)]
pub struct SledReader {
    store: Arc<Store>,
}

impl SledReader {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

impl JournalReader for SledReader {
    type Error = JournalError;

    /// Reads up to where the journal durably ends as this is called.
    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, JournalError>> + Send {
        let (blocks, error) = match Blocks::past(&self.store, after) {
            Ok(blocks) => (blocks, None),
            Err(error) => (None, Some(Err(error))),
        };
        let blocks = error.into_iter().chain(blocks.into_iter().flatten());
        blocks.flat_map(move |block| commits_past(after, block))
    }
}

fn commits_past(
    after: Position,
    block: Result<Vec<Commit>, JournalError>,
) -> impl Iterator<Item = Result<Commit, JournalError>> {
    let (commits, error) = match block {
        Ok(commits) => (commits, None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    commits.into_iter().filter(move |commit| commit.head() > after).map(Ok).chain(error)
}

/// Returns where the journal ends, by its last block.
pub(crate) fn end(store: &Arc<Store>) -> Result<Position, JournalError> {
    let last = store.ask(|tree| tree.last())?;
    let Some((key, _)) = last else { return Ok(Position::START) };
    let position = key_of(&key, Position::START)?.position;
    let commits = Blocks::at(store, position, Position::new(u64::MAX)).next();
    let last = commits.transpose()?.and_then(|commits| commits.last().map(Commit::head));
    Ok(last.unwrap_or(position))
}

/// Blocks, decoded and each where the one before it ended.
struct Blocks {
    /// Before the store, which lets go of the directory once sled is closed.
    entries: sled::Iter,
    store: Arc<Store>,
    /// Where the next block must stand; none once the end or something wrong was reached.
    next: Option<Position>,
    end: Position,
}

impl Blocks {
    /// The blocks with an event past a position, if there are any.
    fn past(store: &Arc<Store>, after: Position) -> Result<Option<Self>, JournalError> {
        let end = store.durable();
        if after >= end {
            return Ok(None);
        }
        let before = store.ask(|tree| tree.get_lt(Key::first(after.plus(1))))?;
        let first = match before {
            Some((key, _)) => key_of(&key, after)?.position,
            None => Position::START,
        };
        Ok(Some(Self::at(store, first, end)))
    }

    /// The blocks from one that must stand at a position, to a position.
    fn at(store: &Arc<Store>, first: Position, end: Position) -> Self {
        let entries = store.tree().range(Key::first(first)..Key::first(end));
        Self { entries, store: Arc::clone(store), next: Some(first), end }
    }

    fn block(&mut self, position: Position) -> Result<Vec<Commit>, Damage> {
        let Some((key, value)) = self.entry()? else {
            return Err(Damage::BrokenOff { head: self.end });
        };
        match Key::parse(&key)? {
            Key { position: found, .. } if found != position => {
                return Err(Damage::Missing { found });
            }
            Key { part: 0, .. } => {}
            Key { .. } => return Err(Damage::Part { part: 0 }),
        }
        let first = Part::parse(&key, &value)?;
        let mut bytes = first.body.to_vec();
        for part in 1..first.parts {
            let missing = || Damage::Part { part };
            let (key, value) = self.entry()?.ok_or_else(missing)?;
            let next = Part::parse(&key, &value)?;
            if Key::parse(&key)? != (Key { position, part }) || next.parts != first.parts {
                return Err(missing());
            }
            bytes.extend(next.body);
        }
        Block { position, bytes }.decode()
    }

    fn entry(&mut self) -> Result<Option<(IVec, IVec)>, Damage> {
        let (store, entries) = (&self.store, &mut self.entries);
        store.ask(|_| entries.next().transpose()).map_err(|error| Damage::Store(Box::new(error)))
    }
}

impl Iterator for Blocks {
    type Item = Result<Vec<Commit>, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.next.take().filter(|next| *next < self.end)?;
        match self.block(position) {
            Ok(commits) => {
                self.next = commits.last().map(Commit::head);
                Some(Ok(commits))
            }
            Err(damage) => Some(Err(JournalError::Block { position, damage })),
        }
    }
}

fn key_of(key: &[u8], position: Position) -> Result<Key, JournalError> {
    Key::parse(key).map_err(|damage| JournalError::Block { position, damage })
}
