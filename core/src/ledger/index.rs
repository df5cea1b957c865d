//! What of the tasks must be found without looking at them all: derived, never stored.
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    EdgeId, Labels, Position, TaskId, Timestamp,
    task::{Fence, State, SystemCommand, Task},
};

/// Every task's place in the queue, what falls due of it, and who holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    queue: Queue,
    deadlines: BTreeSet<(Timestamp, TaskId, Timer)>,
    held: BTreeMap<EdgeId, BTreeMap<Fence, TaskId>>,
}

/// The tasks that may be leased now, best first: by the one edge that may have them, or by the
/// labels they require.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Queue {
    assigned: BTreeMap<EdgeId, BTreeSet<Rank>>,
    open: BTreeMap<Labels, BTreeSet<Rank>>,
}

/// Higher priority first, then older runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: Reverse<i32>,
    run_began: Position,
    task: TaskId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Lease,
    Ready,
    Deadline,
}

impl Index {
    pub(crate) fn insert(&mut self, id: &TaskId, task: &Task) {
        for (at, timer) in timers(task) {
            self.deadlines.insert((at, id.clone(), timer));
        }
        match task.state() {
            State::Awaiting { ready_at: None } => {
                self.queue.line_of(task).insert(rank(id, task));
            }
            State::Leased(lease) => {
                self.held.entry(lease.edge).or_default().insert(lease.fence, id.clone());
            }
            State::Awaiting { ready_at: Some(_) } | State::Finished { .. } => {}
        }
    }

    pub(crate) fn remove(&mut self, id: &TaskId, task: &Task) {
        for (at, timer) in timers(task) {
            self.deadlines.remove(&(at, id.clone(), timer));
        }
        match task.state() {
            State::Awaiting { ready_at: None } => self.queue.remove(&rank(id, task), task),
            State::Leased(lease) => {
                let held = self.held.entry(lease.edge).or_default();
                held.remove(&lease.fence);
                if held.is_empty() {
                    self.held.remove(&lease.edge);
                }
            }
            State::Awaiting { ready_at: Some(_) } | State::Finished { .. } => {}
        }
    }

    /// Lists the tasks an edge holds, oldest lease first.
    pub(crate) fn held_by(&self, edge: EdgeId) -> impl Iterator<Item = &TaskId> {
        self.held.get(&edge).into_iter().flat_map(BTreeMap::values)
    }

    /// Returns the task that an edge with these labels is to have next.
    pub(crate) fn next_for<'a>(&'a self, edge: EdgeId, labels: &Labels) -> Option<&'a TaskId> {
        self.queue.lines_for(edge, labels).filter_map(BTreeSet::first).min().map(|rank| &rank.task)
    }

    /// Returns whether no task would be leased to an edge with these labels before this one.
    pub(crate) fn goes_first(
        &self,
        id: &TaskId,
        task: &Task,
        edge: EdgeId,
        labels: &Labels,
    ) -> bool {
        let rank = rank(id, task);
        let firsts = self.queue.lines_for(edge, labels).filter_map(BTreeSet::first);
        firsts.min().is_none_or(|first| rank <= *first)
    }

    /// Counts the tasks that would be leased to an edge with these labels before this one.
    pub(crate) fn ahead_of(
        &self,
        id: &TaskId,
        task: &Task,
        edge: EdgeId,
        labels: &Labels,
    ) -> usize {
        let rank = rank(id, task);
        self.queue.lines_for(edge, labels).map(|line| line.range(..&rank).count()).sum()
    }

    /// Lists what is due at `now`, earliest first.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = (&TaskId, SystemCommand)> {
        self.deadlines
            .iter()
            .take_while(move |(at, ..)| *at <= now)
            .map(|(_, id, timer)| (id, timer.command()))
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, ..)| *at)
    }
}

impl Queue {
    fn line_of(&mut self, task: &Task) -> &mut BTreeSet<Rank> {
        match task.terms().assigned_to {
            Some(edge) => self.assigned.entry(edge).or_default(),
            None => self.open.entry(task.terms().requires.clone()).or_default(),
        }
    }

    fn remove(&mut self, rank: &Rank, task: &Task) {
        let line = self.line_of(task);
        line.remove(rank);
        if line.is_empty() {
            match task.terms().assigned_to {
                Some(edge) => self.assigned.remove(&edge),
                None => self.open.remove(&task.terms().requires),
            };
        }
    }

    fn lines_for<'a>(
        &'a self,
        edge: EdgeId,
        labels: &Labels,
    ) -> impl Iterator<Item = &'a BTreeSet<Rank>> {
        let open = self.open.iter().filter(|(requires, _)| labels.meet(requires));
        self.assigned.get(&edge).into_iter().chain(open.map(|(_, line)| line))
    }
}

impl Timer {
    const fn command(self) -> SystemCommand {
        match self {
            Self::Lease => SystemCommand::EndLapsedLease,
            Self::Ready => SystemCommand::Ready,
            Self::Deadline => SystemCommand::EndOverdueRun,
        }
    }
}

fn rank(id: &TaskId, task: &Task) -> Rank {
    Rank { priority: Reverse(task.terms().priority), run_began: task.run_began(), task: id.clone() }
}

fn timers(task: &Task) -> impl Iterator<Item = (Timestamp, Timer)> {
    let state = match task.state() {
        State::Awaiting { ready_at } => ready_at.map(|at| (at, Timer::Ready)),
        State::Leased(lease) => Some((lease.expires_at, Timer::Lease)),
        State::Finished { .. } => None,
    };
    let unfinished = !matches!(task.state(), State::Finished { .. });
    let deadline = task.deadline_at().filter(|_| unfinished).map(|at| (at, Timer::Deadline));
    state.into_iter().chain(deadline)
}
