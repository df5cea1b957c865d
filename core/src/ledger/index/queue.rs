//! The tasks that may be leased now, best first.
use std::collections::BTreeMap;

use crate::{EdgeId, Labels, table::Slot};

use super::Rank;

/// One line for each edge that has tasks of its own, and one for each set of labels that tasks
/// for anybody require. No line is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    assigned: BTreeMap<EdgeId, Ranks>,
    open: BTreeMap<Labels, Ranks>,
}

type Ranks = BTreeMap<Rank, Slot>;

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
        ranks.remove(&rank);
        if ranks.is_empty() {
            match line {
                Line::Assigned(edge) => self.assigned.remove(&edge),
                Line::Open(requires) => self.open.remove(requires),
            };
        }
    }

    /// Returns the best task for an edge with these labels.
    pub(super) fn first_for(&self, edge: EdgeId, labels: &Labels) -> Option<(Rank, Slot)> {
        let firsts = self.lines_for(edge, labels).filter_map(BTreeMap::first_key_value);
        firsts.min_by_key(|(rank, _)| **rank).map(|(rank, slot)| (*rank, *slot))
    }

    pub(super) fn count_before(&self, rank: Rank, edge: EdgeId, labels: &Labels) -> usize {
        self.lines_for(edge, labels).map(|ranks| ranks.range(..rank).count()).sum()
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
            .flat_map(|(line, ranks)| ranks.iter().map(move |(rank, slot)| (line, *rank, *slot)))
    }
}
