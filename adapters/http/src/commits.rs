//! The journal, as answers need it: payloads, rows, histories.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use edge_ledger_core::{
    Commit, Envelope, Event, JournalReader, Position,
    task::{self, Submitted},
};

use crate::problem::{Failure, unreadable};

/// The submissions of which payloads were asked for lately, and those that came after them: tasks
/// are leased in about the order in which they were submitted.
#[derive(Debug, Default)]
pub(crate) struct Commits(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By the position that each ends at.
    commits: BTreeMap<Position, Arc<Commit>>,
    /// The same positions, those first that were kept first.
    order: VecDeque<Position>,
    /// The bytes of all their payloads.
    bytes: usize,
}

/// How many bytes of payloads are kept, as soon as it is more than one commit's.
const BYTES_KEPT: usize = 16 * 1024 * 1024;
/// How many commits are kept.
const COMMITS_KEPT: usize = 1_024;
/// How many commits are read at once. They stand in one block with the one that is asked for, if
/// they were submitted in one go, and a block is decoded whole.
const READ_AT_ONCE: usize = 64;

impl Commits {
    /// Returns the commit that holds a position, if it is kept.
    pub(crate) fn find(&self, at: Position) -> Option<Arc<Commit>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, commit) = kept.commits.range(at..).next()?;
        holds(commit, at).then(|| Arc::clone(commit))
    }

    /// Keeps commits, and forgets those that were kept first if there are too many.
    pub(crate) fn keep(&self, commits: impl IntoIterator<Item = Arc<Commit>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for commit in commits {
            kept.add(commit);
        }
    }
}

impl Kept {
    fn add(&mut self, commit: Arc<Commit>) {
        let (head, bytes) = (commit.head(), payload_bytes(&commit));
        if self.commits.insert(head, commit).is_some() {
            return;
        }
        self.order.push_back(head);
        self.bytes += bytes;
        while self.order.len() > COMMITS_KEPT || (self.bytes > BYTES_KEPT && self.order.len() > 1) {
            let first = self.order.pop_front().and_then(|head| self.commits.remove(&head));
            self.bytes -= first.map_or(0, |commit| payload_bytes(&commit));
        }
    }
}

fn payload_bytes(commit: &Commit) -> usize {
    submissions(commit).map(|submitted| submitted.spec.payload.get().len()).sum()
}

fn submissions(commit: &Commit) -> impl Iterator<Item = &Submitted> {
    commit.events.iter().filter_map(|event| match event {
        Event::Task { what: task::Event::Submitted(submitted), .. } => Some(&**submitted),
        Event::Task { .. } | Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => None,
    })
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

/// Reads the commit that holds a position, and the submissions that directly follow it.
pub(crate) fn submissions_from<R: JournalReader>(
    reader: &R,
    at: Position,
) -> Result<Vec<Arc<Commit>>, Failure> {
    let before = Position::new(at.get().saturating_sub(1));
    let mut commits = Vec::new();
    for commit in reader.read(before).take(READ_AT_ONCE) {
        let commit = match commit {
            Ok(commit) => commit,
            Err(error) if commits.is_empty() => return Err(unreadable(&error)),
            // Whoever asks for it is told.
            Err(_) => break,
        };
        if !commits.is_empty() && submissions(&commit).next().is_none() {
            break;
        }
        commits.push(Arc::new(commit));
    }
    Ok(commits)
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

#[cfg(test)]
mod tests {
    use edge_ledger_core::{
        Cause, CommandId, Digest, Principal, Timestamp,
        task::{Payload, Spec, Terms},
    };
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_kept_commit_is_found_by_every_position_it_holds_and_by_no_other() {
        let commits = Commits::default();
        commits.keep([submission(10, 3, 8), submission(20, 1, 8)]);

        for (at, after) in [(10, None), (11, Some(10)), (13, Some(10)), (14, None), (21, Some(20))]
        {
            let found = commits.find(Position::new(at)).map(|commit| commit.after);
            assert_eq!(found, after.map(Position::new), "{at}");
        }
    }

    #[test]
    fn what_was_kept_first_is_forgotten_first_by_count_and_by_size() {
        let many = Commits::default();
        many.keep((0..=COMMITS_KEPT as u64).map(|n| submission(n, 1, 8)));
        assert!(many.find(Position::new(1)).is_none());
        assert!(many.find(Position::new(2)).is_some());

        let large = Commits::default();
        let half = BYTES_KEPT / 2 + 1;
        large.keep([submission(0, 1, half), submission(1, 1, half)]);
        assert!(large.find(Position::new(1)).is_none());
        large.keep([submission(2, 1, 2 * BYTES_KEPT)]);
        assert!(large.find(Position::new(2)).is_none());
        assert!(large.find(Position::new(3)).is_some(), "one is kept, however large it is");
    }

    /// A commit that submits tasks with payloads of so many bytes.
    fn submission(after: u64, tasks: usize, bytes: usize) -> Arc<Commit> {
        let submitted = Submitted {
            spec: Spec {
                name: "task".into(),
                payload: Payload::new(
                    RawValue::from_string(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap(),
                ),
                dedupe_key: None,
                terms: Terms::default(),
            },
            digest: Digest::of(b"task"),
            deadline_at: None,
            ready_at: None,
        };
        let what = task::Event::Submitted(Box::new(submitted));
        let event = Event::Task { id: "task".parse().unwrap(), what };
        Arc::new(Commit {
            after: Position::new(after),
            recorded_at: Timestamp::EPOCH,
            cause: Cause {
                command: CommandId::from_uuid(Uuid::nil()),
                principal: Principal::System,
                idempotency: None,
            },
            events: vec![event; tasks],
        })
    }
}
