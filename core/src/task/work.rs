//! What holders have made of a task.
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{EdgeId, Position};

use super::{LateResults, Lost, Progress, Rows};

/// What holders have made of a task: most tasks that wait have none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) progress: Option<Progress>,
    pub(super) lost: Losses,
    pub(super) last_error: Option<Box<str>>,
    pub(super) rows: Rows,
    pub(super) late: Vec<LateResults>,
}

impl Work {
    pub(super) const NONE: &'static Self = &Self {
        progress: None,
        lost: Losses(Vec::new()),
        last_error: None,
        rows: Rows::NONE,
        late: Vec::new(),
    };
}

/// The edges that held a task and lost it, with how: seldom more than a few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<(EdgeId, Lost)>);

impl Losses {
    /// Returns how an edge lost it.
    #[must_use]
    pub fn get(&self, edge: EdgeId) -> Option<&Lost> {
        self.place(edge).ok().map(|place| &self.0[place].1)
    }

    /// Lists the edges, by id, with how each lost it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (EdgeId, &Lost)> {
        self.0.iter().map(|(edge, lost)| (*edge, lost))
    }

    /// Returns whether no edge lost it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, edge: EdgeId, lost: Lost) {
        match self.place(edge) {
            Ok(place) => self.0[place].1 = lost,
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (edge, lost));
            }
        }
    }

    fn place(&self, edge: EdgeId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&edge, |(edge, _)| *edge)
    }
}

impl Serialize for Losses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Losses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let losses = BTreeMap::deserialize(deserializer)?;
        Ok(Self(losses.into_iter().collect()))
    }
}

/// The milestones of a task: its submission and what came after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trail {
    pub(super) submitted: Position,
    later: Vec<Position>,
}

impl Trail {
    /// Takes the milestones; the submission is the first.
    pub(super) fn of(submitted: Position, milestones: &[Position]) -> Self {
        Self { submitted, later: milestones.get(1..).unwrap_or_default().to_vec() }
    }

    pub(super) fn push(&mut self, at: Position) {
        self.later.push(at);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Position> {
        [self.submitted].into_iter().chain(self.later.iter().copied())
    }

    pub(super) fn last(&self) -> Position {
        self.later.last().copied().unwrap_or(self.submitted)
    }
}

impl Serialize for Trail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
