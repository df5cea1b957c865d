//! Which events a cut needs to fold, and to show what it is about as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use anyhow::Result;
use edge_ledger_core::{Commit, EdgeId, Event, Position, TaskId, TokenId, edge, lifecycle};

use super::NOTHING;
use crate::{about, source::Source};

/// The subjects whose events are kept, and the edges that are heard.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    tasks: BTreeSet<TaskId>,
    edges: BTreeSet<EdgeId>,
    tokens: BTreeSet<TokenId>,
    heard: Heard,
}

/// Whose requests and reports are kept, so that they are as alive as they were: of the others it is
/// known who they are, and no more.
#[derive(Debug)]
struct Heard {
    edges: BTreeSet<EdgeId>,
    positions: RangeInclusive<Position>,
}

impl Default for Heard {
    fn default() -> Self {
        let positions = Position::START..=Position::START;
        Self { edges: BTreeSet::new(), positions }
    }
}

impl Wanted {
    /// What is about a task: all of it, and the edges it names, heard from its first event to its
    /// last.
    pub(super) fn of_task(task: &TaskId, source: &Source) -> Result<Option<Self>> {
        let mut wanted = Self { tasks: BTreeSet::from([task.clone()]), ..Self::default() };
        let Some(positions) = wanted.add_edges(source)? else { return Ok(None) };
        wanted.heard = Heard { edges: wanted.edges.clone(), positions };
        Ok(Some(wanted))
    }

    /// What is about an edge: all of it, heard throughout, and all of every task that names it.
    pub(super) fn of_edge(edge: EdgeId, source: &Source) -> Result<Option<Self>> {
        let mut wanted = Self { edges: BTreeSet::from([edge]), ..Self::default() };
        let mut is_there = false;
        for commit in source.commits(Position::START)? {
            let commit = commit?;
            let sent = about::sender(&commit) == Some(edge);
            for event in &commit.events {
                is_there |= matches!(event, Event::Edge { id, .. } if *id == edge);
                if let Event::Task { id, .. } = event
                    && (sent || about::edge(event) == Some(edge))
                    && !wanted.tasks.contains(id)
                {
                    wanted.tasks.insert(id.clone());
                }
            }
        }
        if !is_there {
            return Ok(None);
        }
        wanted.add_edges(source)?;
        let (first, last) = (Position::START, Position::new(u64::MAX));
        wanted.heard = Heard { edges: BTreeSet::from([edge]), positions: first..=last };
        Ok(Some(wanted))
    }

    /// Adds the edges that the tasks name and the tokens that let these in, and returns where the
    /// tasks begin and end.
    fn add_edges(&mut self, source: &Source) -> Result<Option<RangeInclusive<Position>>> {
        let mut tokens = BTreeMap::<EdgeId, BTreeSet<TokenId>>::new();
        let mut positions: Option<RangeInclusive<Position>> = None;
        for commit in source.commits(Position::START)? {
            let commit = commit?;
            for envelope in commit.envelopes() {
                if let Some((edge, token)) = let_in(envelope.event) {
                    tokens.entry(edge).or_default().insert(token);
                }
                if about::tasks(envelope.event).iter().any(|task| self.tasks.contains(task)) {
                    self.edges.extend(about::edge(envelope.event));
                    let first = positions.map_or(envelope.position, |seen| *seen.start());
                    positions = Some(first..=envelope.position);
                }
            }
            if commit.events.iter().any(|event| self.is_about_task(event)) {
                self.edges.extend(about::sender(&commit));
            }
        }
        // An edge may be named that is not there.
        self.edges.retain(|edge| tokens.contains_key(edge));
        self.tokens.extend(self.edges.iter().filter_map(|edge| tokens.remove(edge)).flatten());
        Ok(positions)
    }

    fn is_about_task(&self, event: &Event) -> bool {
        matches!(event, Event::Task { id, .. } if self.tasks.contains(id))
    }

    /// Returns what of a commit is kept, if anything is: what is not becomes an event that says
    /// nothing, so that the others stand where they stood.
    pub(super) fn of(&self, commit: &Commit) -> Option<Commit> {
        let first = commit.after.plus(1);
        let heard = |edge: &EdgeId| {
            self.heard.edges.contains(edge) && self.heard.positions.contains(&first)
        };
        let events: Vec<_> = commit.events.iter().map(|event| self.kept(event, heard)).collect();
        let says_something = events.iter().any(|event| *event != NOTHING);
        let is_heard = about::sender(commit).is_some_and(|edge| heard(&edge));
        (says_something || is_heard).then(|| Commit { events, ..commit.clone() })
    }

    fn kept(&self, event: &Event, heard: impl Fn(&EdgeId) -> bool) -> Event {
        let wanted = match event {
            Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => {
                let tasks: Vec<_> =
                    tasks.iter().filter(|task| self.tasks.contains(*task)).cloned().collect();
                return match tasks.is_empty() {
                    true => NOTHING,
                    false => Event::Ledger(lifecycle::Event::TasksArchived { tasks }),
                };
            }
            Event::Ledger(
                lifecycle::Event::Opened { .. }
                | lifecycle::Event::Ticked
                | lifecycle::Event::Closed,
            ) => true,
            Event::Token { id, .. } => self.tokens.contains(id),
            Event::Edge { id, .. } => {
                self.edges.contains(id) && (!about::is_report(event) || heard(id))
            }
            Event::Task { id, .. } => self.tasks.contains(id),
        };
        if wanted { event.clone() } else { NOTHING }
    }
}

/// Returns the edge that an event lets in, and the token it presented.
fn let_in(event: &Event) -> Option<(EdgeId, TokenId)> {
    match event {
        Event::Edge { id, what: edge::Event::Registered { token, .. } }
        | Event::Edge { id, what: edge::Event::Reregistered { token, .. } } => Some((*id, *token)),
        Event::Edge { .. } | Event::Ledger(_) | Event::Token { .. } | Event::Task { .. } => None,
    }
}
