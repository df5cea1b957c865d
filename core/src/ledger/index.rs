//! What of the tasks must be found without looking at them all: derived, never stored.
//!
//! An index keeps slots under [`Keys`], which are taken from a task. When an event has changed a
//! task, only what the keys before and after do not share is moved.
mod holders;
mod keys;
mod queue;

use std::collections::BTreeMap;

use crate::{
    EdgeId, Labels, Position, TaskId, Timestamp,
    table::Slot,
    task::{Fence, SystemCommand, Task},
};

use super::{Edges, Subjects, Tasks, order::Order};

use holders::Holders;
pub(crate) use keys::Keys;
use keys::{Rank, Stands, Turn};
use queue::{Line, Queue};

/// Every task's place in the queue, what falls due of it, who holds it, and which are over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    queue: Queue,
    timers: BTreeMap<Turn, Slot>,
    holders: Holders,
    finished: Order,
}

/// A task where the index has it; none where it has a slot that no task is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Waits(Line<'a>, Rank, Option<&'a TaskId>),
    FallsDue(Turn, Option<&'a TaskId>),
    Held(EdgeId, Fence, Option<&'a TaskId>),
    Finished(Option<&'a TaskId>),
}

impl Index {
    pub(crate) fn add(&mut self, slot: Slot, tasks: &Tasks, edges: &Edges) {
        let Some((_, task)) = tasks.at(slot) else { return };
        let keys = Keys::of(task);
        self.stand(slot, keys.stands, task, edges);
        self.timers.extend(keys.turns().map(|turn| (turn, slot)));
    }

    /// Forgets a task that is still in the table.
    pub(crate) fn remove(&mut self, slot: Slot, tasks: &Tasks, edges: &Edges) {
        let Some((_, task)) = tasks.at(slot) else { return };
        let keys = Keys::of(task);
        self.leave(slot, keys.stands, task, edges);
        for turn in keys.turns() {
            self.timers.remove(&turn);
        }
    }

    /// Moves a task from where it was to where it is now.
    pub(crate) fn follow(&mut self, slot: Slot, before: Keys, task: &Task, edges: &Edges) {
        let now = Keys::of(task);
        if before.stands != now.stands {
            self.leave(slot, before.stands, task, edges);
            self.stand(slot, now.stands, task, edges);
        }
        for (before, now) in [(before.state_turn, now.state_turn), (before.deadline, now.deadline)]
        {
            if before != now {
                self.timers.extend(now.map(|turn| (turn, slot)));
                if let Some(before) = before {
                    self.timers.remove(&before);
                }
            }
        }
    }

    fn stand(&mut self, slot: Slot, stands: Stands, task: &Task, edges: &Edges) {
        match stands {
            Stands::Delayed => {}
            Stands::Waiting(assigned_to, rank) => {
                self.queue.insert(Line::of(assigned_to, &task.terms().requires), rank, slot);
            }
            Stands::Held(edge, fence) => {
                if let Some(edge) = edges.find(&edge) {
                    self.holders.insert(edge, fence, slot);
                }
            }
            Stands::Finished(at) => self.finished.insert(at, slot),
        }
    }

    fn leave(&mut self, slot: Slot, stands: Stands, task: &Task, edges: &Edges) {
        match stands {
            Stands::Delayed => {}
            Stands::Waiting(assigned_to, rank) => {
                self.queue.remove(Line::of(assigned_to, &task.terms().requires), rank);
            }
            Stands::Held(edge, _) => {
                if let Some(edge) = edges.find(&edge) {
                    self.holders.remove(edge, slot);
                }
            }
            Stands::Finished(at) => self.finished.remove(at),
        }
    }

    /// Lists the tasks that the edge in a slot holds, oldest lease first.
    pub(crate) fn held_by(&self, edge: Slot) -> impl Iterator<Item = Slot> {
        self.holders.held_by(edge).iter().map(|(_, slot)| *slot)
    }

    /// Returns the task that an edge with these labels is to have next.
    pub(crate) fn next_for(&self, edge: EdgeId, labels: &Labels) -> Option<Slot> {
        self.queue.first_for(edge, labels).map(|(_, slot)| slot)
    }

    /// Returns whether no task would be leased to an edge with these labels before this one.
    pub(crate) fn goes_first(&self, task: &Task, edge: EdgeId, labels: &Labels) -> bool {
        let first = self.queue.first_for(edge, labels);
        first.is_none_or(|(first, _)| Rank::of(task) <= first)
    }

    /// Counts the tasks that would be leased to an edge with these labels before this one.
    pub(crate) fn ahead_of(&self, task: &Task, edge: EdgeId, labels: &Labels) -> usize {
        self.queue.count_before(Rank::of(task), edge, labels)
    }

    /// Lists what is due at `now`, earliest first.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Slot, SystemCommand)> {
        self.timers
            .iter()
            .take_while(move |(turn, _)| turn.at <= now)
            .map(|(turn, slot)| (*slot, turn.timer.command()))
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|(turn, _)| turn.at)
    }

    /// Lists the tasks whose runs are over, in the order in which they ended.
    pub(crate) fn finished(&self) -> impl Iterator<Item = Slot> {
        self.finished.after(Position::START)
    }

    /// Lists all that the index has, to compare it with another's. Not for hot paths.
    pub(crate) fn entries<'a>(&'a self, of: &'a Subjects) -> impl Iterator<Item = Entry<'a>> {
        let id = |slot| of.tasks.at(slot).map(|(id, _)| id);
        let waits = self.queue.entries();
        let waits = waits.map(move |(line, rank, slot)| Entry::Waits(line, rank, id(slot)));
        let due = self.timers.iter().map(move |(turn, slot)| Entry::FallsDue(*turn, id(*slot)));
        let holders = of.edges.sorted().filter_map(|(edge, _)| Some((*edge, of.edges.find(edge)?)));
        let held = holders.flat_map(move |(edge, slot)| {
            let held = self.holders.held_by(slot).iter();
            held.map(move |(fence, slot)| Entry::Held(edge, *fence, id(*slot)))
        });
        let finished = self.finished().map(move |slot| Entry::Finished(id(slot)));
        waits.chain(due).chain(held).chain(finished)
    }
}
