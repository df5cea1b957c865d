//! Where groups of commits pass from the one who decides to the one who appends.
//!
//! At most one group is appended while one is filled. A group leaves as soon as the committer is
//! free, and grows for as long as it is not.
use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use edge_ledger_core::{Commit, Position};

use crate::{answer::Held, patience::Company};

/// Passes groups.
pub(crate) struct Handover {
    state: Mutex<State>,
    /// The committer may have something to do.
    filled: Condvar,
    /// The decider may go on.
    taken: Condvar,
    /// How many bytes the commits of a group have at most, if they are several.
    group_max: usize,
}

/// Commits that are appended together, and the answers that wait for it.
pub(crate) struct Group {
    pub(crate) commits: Arc<Vec<Commit>>,
    pub(crate) held: Vec<Held>,
}

/// What became durable beside a group.
pub(crate) struct Beside {
    /// Answers that rest on the group, and were made after it was handed over.
    pub(crate) held: Vec<Held>,
    /// How many wait for the next group.
    pub(crate) waiting: usize,
}

/// The committer has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

#[derive(Default)]
struct State {
    open: Open,
    appending: Arc<Vec<Commit>>,
    /// Answers that rest on what is being appended, and were made after it was handed over.
    resting: Vec<Held>,
    committer: Committer,
    /// The decider waits for the open group to be taken.
    crowded: bool,
    /// Nothing more will be handed over.
    closed: bool,
    /// Nothing more will be appended.
    stopped: bool,
}

/// The group that is being filled.
#[derive(Default)]
struct Open {
    commits: Vec<Commit>,
    held: Vec<Held>,
    bytes: usize,
}

/// What the committer does.
#[derive(Default)]
enum Committer {
    #[default]
    Works,
    Sleeps,
    Expects(usize),
}

impl Handover {
    pub(crate) fn new(group_max: usize) -> Self {
        let (filled, taken) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::default(), filled, taken, group_max }
    }

    /// Adds a commit of so many bytes, and the answer that waits for it, to the open group. Waits
    /// for the next one to be opened if it has no room.
    pub(crate) fn commit(
        &self,
        commit: Commit,
        size: usize,
        held: Option<Held>,
    ) -> Result<(), Stopped> {
        let mut state = self.state();
        while !state.stopped && !state.open.has_room(size, self.group_max) {
            state.crowded = true;
            self.filled.notify_one();
            state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            drop(state);
            held.into_iter().for_each(Held::refuse);
            return Err(Stopped);
        }
        state.open.commits.push(commit);
        state.open.bytes += size;
        state.open.held.extend(held);
        Ok(())
    }

    /// Holds an answer until all that was handed over by now is durable; tells it if that is so.
    pub(crate) fn hold(&self, held: Held) -> Result<(), Stopped> {
        let mut state = self.state();
        if state.stopped {
            drop(state);
            held.refuse();
            return Err(Stopped);
        }
        if !state.open.commits.is_empty() {
            state.open.held.push(held);
        } else if !state.appending.is_empty() {
            state.resting.push(held);
        } else {
            drop(state);
            held.tell();
        }
        Ok(())
    }

    /// Says that there is nothing to add for now: whatever the open group has may leave.
    pub(crate) fn offer(&self) {
        let state = self.state();
        let wakes = match state.committer {
            Committer::Works => false,
            Committer::Sleeps => !state.open.commits.is_empty(),
            Committer::Expects(expected) => state.open.held.len() >= expected,
        };
        drop(state);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// Says that nothing will be added any more.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Looks up a commit that was handed over and is not durable yet.
    pub(crate) fn find(&self, after: Position) -> Option<Commit> {
        let state = self.state();
        let found = [&state.appending[..], &state.open.commits].into_iter().find_map(|commits| {
            let at = commits.binary_search_by_key(&after, |commit| commit.after).ok()?;
            Some(&commits[at])
        });
        found.cloned()
    }

    /// Takes the open group, once there is one and the company is there or does not come. None if
    /// there will be no more.
    pub(crate) fn take(&self, company: Option<Company>) -> Option<Group> {
        let mut state = self.state();
        loop {
            let missing = company.filter(|company| {
                let full = state.crowded || state.closed;
                !full && state.open.held.len() < company.expected
            });
            let left = missing.map(|missing| {
                (missing.expected, missing.until.saturating_duration_since(Instant::now()))
            });
            state = match left.filter(|(_, left)| !left.is_zero()) {
                Some((expected, left)) => {
                    state.committer = Committer::Expects(expected);
                    let woken = self.filled.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None if !state.open.commits.is_empty() => break,
                None if state.closed => return None,
                None => {
                    state.committer = Committer::Sleeps;
                    self.filled.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        let Open { commits, held, .. } = mem::take(&mut state.open);
        state.appending = Arc::new(commits);
        state.committer = Committer::Works;
        let group = Group { commits: Arc::clone(&state.appending), held };
        if mem::take(&mut state.crowded) {
            self.taken.notify_one();
        }
        Some(group)
    }

    /// Says that the group taken last is durable.
    pub(crate) fn appended(&self) -> Beside {
        let mut state = self.state();
        state.appending = Arc::default();
        Beside { held: mem::take(&mut state.resting), waiting: state.open.held.len() }
    }

    /// Says that nothing more will be appended. Returns all answers that wait, in order.
    pub(crate) fn stop(&self) -> Vec<Held> {
        let mut state = self.state();
        state.stopped = true;
        let mut held = mem::take(&mut state.resting);
        held.append(&mut mem::take(&mut state.open).held);
        self.taken.notify_one();
        held
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Returns whether one more commit leaves it within its bound. The first always does.
    fn has_room(&self, size: usize, max: usize) -> bool {
        self.commits.is_empty() || self.bytes.saturating_add(size) <= max
    }
}
