//! The journal, as answers need it: payloads, rows, histories.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use edge_ledger_core::{Commit, Envelope, JournalReader, Position};

use crate::problem::{Failure, unreadable};

/// The commits of which payloads were asked for lately: tasks submitted together are leased
/// together.
#[derive(Debug, Default)]
pub(crate) struct Commits(Mutex<VecDeque<Arc<Commit>>>);

/// How many commits are kept. Each is bounded by what one request may bring.
const KEPT: usize = 8;

impl Commits {
    /// Returns the commit that holds a position, if it is kept.
    pub(crate) fn find(&self, at: Position) -> Option<Arc<Commit>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|commit| holds(commit, at)).cloned()
    }

    /// Keeps a commit, and forgets the one that was kept first if there are too many.
    pub(crate) fn keep(&self, commit: Arc<Commit>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.iter().any(|known| known.after == commit.after) {
            kept.push_back(commit);
        }
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

/// Reads events one by one. Those of one commit cost one reading.
#[derive(Debug)]
pub(crate) struct Events<'r, R> {
    reader: &'r R,
    last: Option<Commit>,
}

impl<'r, R: JournalReader> Events<'r, R> {
    pub(crate) const fn new(reader: &'r R) -> Self {
        Self { reader, last: None }
    }

    /// Reads the event at a position.
    pub(crate) fn at(&mut self, at: Position) -> Result<Envelope<'_>, Failure> {
        let last = match self.last.take().filter(|commit| holds(commit, at)) {
            Some(commit) => commit,
            None => commit_at(self.reader, at)?,
        };
        let last = self.last.insert(last);
        envelope(last, at).ok_or_else(|| unreadable(&Missing(at)))
    }
}

/// Reads the commit that holds a position.
pub(crate) fn commit_at<R: JournalReader>(reader: &R, at: Position) -> Result<Commit, Failure> {
    let before = Position::new(at.get().saturating_sub(1));
    match reader.read(before).next() {
        Some(Ok(commit)) => Ok(commit),
        Some(Err(error)) => Err(unreadable(&error)),
        None => Err(unreadable(&Missing(at))),
    }
}

/// Returns the event at a position of a commit.
pub(crate) fn envelope(commit: &Commit, at: Position) -> Option<Envelope<'_>> {
    let index = at.get().checked_sub(commit.after.get())?.checked_sub(1)?;
    commit.envelopes().nth(usize::try_from(index).ok()?)
}

fn holds(commit: &Commit, at: Position) -> bool {
    commit.after < at && at <= commit.head()
}

/// The ledger knows of an event that its journal does not have.
#[derive(Debug, thiserror::Error)]
#[error("the journal has no event at position {0}")]
struct Missing(Position);
