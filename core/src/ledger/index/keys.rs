//! The keys under which the index has a task.
use std::cmp::Reverse;

use crate::{
    EdgeId, Position, Timestamp,
    task::{Fence, State, SystemCommand, Task},
};

/// Under what the index has a task, apart from the labels it requires, which never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(super) stands: Stands,
    pub(super) state_turn: Option<Turn>,
    pub(super) deadline: Option<Turn>,
}

/// Where a task stands, by what it is found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It may be leased now, by this edge only if there is one.
    Waiting(Option<EdgeId>, Rank),
    /// It may not be leased yet.
    Delayed,
    /// An edge holds it.
    Held(EdgeId, Fence),
    /// Its run is over since this position.
    Finished(Position),
}

/// Higher priority first, then older runs. No two runs began at the same position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(super) priority: Reverse<i32>,
    pub(super) run_began: Position,
}

/// When something falls due; of what falls due at once, the older task goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(super) at: Timestamp,
    submitted: Position,
    pub(super) timer: Timer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Lease,
    Ready,
    Deadline,
}

impl Keys {
    pub(crate) fn of(task: &Task) -> Self {
        let turn = |at, timer| Turn { at, submitted: task.submitted_position(), timer };
        let deadline = task.deadline_at().map(|at| turn(at, Timer::Deadline));
        match task.state() {
            State::Awaiting { ready_at: None } => Self {
                stands: Stands::Waiting(task.terms().assigned_to, Rank::of(task)),
                state_turn: None,
                deadline,
            },
            State::Awaiting { ready_at: Some(ready_at) } => Self {
                stands: Stands::Delayed,
                state_turn: Some(turn(*ready_at, Timer::Ready)),
                deadline,
            },
            State::Leased(lease) => Self {
                stands: Stands::Held(lease.edge, lease.fence),
                state_turn: Some(turn(lease.expires_at, Timer::Lease)),
                deadline,
            },
            State::Finished { .. } => Self {
                stands: Stands::Finished(task.last_milestone()),
                state_turn: None,
                deadline: None,
            },
        }
    }

    pub(super) fn turns(self) -> impl Iterator<Item = Turn> {
        self.state_turn.into_iter().chain(self.deadline)
    }
}

impl Rank {
    pub(super) fn of(task: &Task) -> Self {
        Self { priority: Reverse(task.terms().priority), run_began: task.run_began() }
    }
}

impl Timer {
    pub(super) const fn command(self) -> SystemCommand {
        match self {
            Self::Lease => SystemCommand::EndLapsedLease,
            Self::Ready => SystemCommand::Ready,
            Self::Deadline => SystemCommand::EndOverdueRun,
        }
    }
}
