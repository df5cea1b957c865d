//! The tasks that may be leased now, best first.
use std::{cmp::Reverse, collections::BTreeMap};

use crate::{EdgeId, Labels, Position, table::Slot};

use super::Rank;

/// One line for each edge that has tasks of its own, and one for each set of labels that tasks
/// for anybody require. No line is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    assigned: BTreeMap<EdgeId, Ranks>,
    open: BTreeMap<Labels, Ranks>,
}

/// A line, best first. No priority is without runs.
#[derive(Clone, Debug, Default)]
struct Ranks {
    runs: BTreeMap<Reverse<i32>, BTreeMap<Position, Slot>>,
}

/// Which line a task waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// For this edge only.
    Assigned(EdgeId),
    /// For any edge with these labels.
    Open(&'a Labels),
}

impl<'a> Line<'a> {
    pub(super) fn of(assigned_to: Option<EdgeId>, requires: &'a Labels) -> Self {
        assigned_to.map_or(Self::Open(requires), Self::Assigned)
    }
}

impl Queue {
    pub(super) fn insert(&mut self, line: Line<'_>, rank: Rank, slot: Slot) {
        let ranks = match line {
            Line::Assigned(edge) => self.assigned.entry(edge).or_default(),
            Line::Open(requires) => self.open.entry(requires.clone()).or_default(),
        };
        ranks.insert(rank, slot);
    }

    pub(super) fn remove(&mut self, line: Line<'_>, rank: Rank) {
        let ranks = match line {
            Line::Assigned(edge) => self.assigned.get_mut(&edge),
            Line::Open(requires) => self.open.get_mut(requires),
        };
        let Some(ranks) = ranks else { return };
        ranks.remove(rank);
        if ranks.runs.is_empty() {
            match line {
                Line::Assigned(edge) => self.assigned.remove(&edge),
                Line::Open(requires) => self.open.remove(requires),
            };
        }
    }

    /// Returns the best task for an edge with these labels.
    pub(super) fn first_for(&self, edge: EdgeId, labels: &Labels) -> Option<(Rank, Slot)> {
        let firsts = self.lines_for(edge, labels).filter_map(Ranks::first);
        firsts.min_by_key(|(rank, _)| *rank)
    }

    pub(super) fn count_before(&self, rank: Rank, edge: EdgeId, labels: &Labels) -> usize {
        self.lines_for(edge, labels).map(|ranks| ranks.count_before(rank)).sum()
    }

    fn lines_for(&self, edge: EdgeId, labels: &Labels) -> impl Iterator<Item = &Ranks> {
        let open = self.open.iter().filter(|(requires, _)| labels.meet(requires));
        self.assigned.get(&edge).into_iter().chain(open.map(|(_, ranks)| ranks))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Line<'_>, Rank, Slot)> {
        let assigned = self.assigned.iter().map(|(edge, ranks)| (Line::Assigned(*edge), ranks));
        let open = self.open.iter().map(|(requires, ranks)| (Line::Open(requires), ranks));
        assigned
            .chain(open)
            .flat_map(|(line, ranks)| ranks.iter().map(move |(rank, slot)| (line, rank, slot)))
    }
}

impl Ranks {
    fn insert(&mut self, rank: Rank, slot: Slot) {
        self.runs.entry(rank.priority).or_default().insert(rank.run_began, slot);
    }

    fn remove(&mut self, rank: Rank) {
        let Some(runs) = self.runs.get_mut(&rank.priority) else { return };
        runs.remove(&rank.run_began);
        if runs.is_empty() {
            self.runs.remove(&rank.priority);
        }
    }

    fn first(&self) -> Option<(Rank, Slot)> {
        let (priority, runs) = self.runs.first_key_value()?;
        let (run_began, slot) = runs.first_key_value()?;
        Some((Rank { priority: *priority, run_began: *run_began }, *slot))
    }

    fn count_before(&self, rank: Rank) -> usize {
        let higher = self.runs.range(..rank.priority).map(|(_, runs)| runs.len());
        let older = self.runs.get(&rank.priority).map(|runs| runs.range(..rank.run_began).count());
        higher.sum::<usize>() + older.unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (Rank, Slot)> {
        self.runs.iter().flat_map(|(priority, runs)| {
            let rank = |run_began| Rank { priority: *priority, run_began };
            runs.iter().map(move |(run_began, slot)| (rank(*run_began), *slot))
        })
    }
}
