//! When edges were heard of, and when the ledger was open: how alive each looked, and when.
use std::collections::BTreeMap;

use crate::{
    Commit, EdgeId, Event, Liveness, Millis, Principal, Thresholds, Timestamp, edge, lifecycle,
};

/// Every contact in a stretch of the log, joined to spells.
///
/// Contacts are joined where the open time between them is no longer than a resolution. Within a
/// spell an edge is online by any thresholds that are no finer, so that nothing but its first and its
/// last contact matters: the timeline is the very same as from each contact alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contacts {
    resolution: Millis,
    openings: Vec<Opening>,
    /// The time of the last commit.
    last: Option<Timestamp>,
    edges: BTreeMap<EdgeId, Vec<Spell>>,
}

/// A stretch of time in which the ledger was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it began; or, if it began earlier, the first commit there is.
    pub began: Timestamp,
    /// Whether it began earlier, before the stretch of the log.
    pub earlier: bool,
    /// When it ended; none if it goes on.
    pub ended: Option<Timestamp>,
}

/// Contacts of one edge that follow each other closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// The first of them.
    pub first: Timestamp,
    /// The last of them; the same if it is one.
    pub last: Timestamp,
}

/// A moment from which on an edge looked otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The moment.
    pub at: Timestamp,
    /// How alive it looked then.
    pub liveness: Liveness,
}

/// Returns the edge that a commit is a contact of: whoever registered, or asked and got anything.
#[must_use]
pub fn contact(commit: &Commit) -> Option<EdgeId> {
    let mut registered = commit.events.iter().filter_map(|event| match event {
        Event::Edge { id, what: edge::Event::CredentialIssued { .. } } => Some(*id),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    });
    match commit.cause.principal {
        Principal::Edge { edge, .. } => Some(edge),
        Principal::Enrollee { .. } => registered.next_back(),
        Principal::System | Principal::Operator { .. } => None,
    }
}

impl Contacts {
    /// Begins a stretch of the log. At a resolution of zero every contact is kept.
    #[must_use]
    pub const fn new(resolution: Millis) -> Self {
        Self { resolution, openings: Vec::new(), last: None, edges: BTreeMap::new() }
    }

    /// Takes a stretch apart that [`Self::openings`], [`Self::last`] and [`Self::edges`] told of.
    #[must_use]
    pub const fn of(
        resolution: Millis,
        openings: Vec<Opening>,
        last: Option<Timestamp>,
        edges: BTreeMap<EdgeId, Vec<Spell>>,
    ) -> Self {
        Self { resolution, openings, last, edges }
    }

    /// Returns how far contacts may be apart to be one spell. Thresholds that are finer cannot be
    /// answered.
    #[must_use]
    pub const fn resolution(&self) -> Millis {
        self.resolution
    }

    /// Lists when the ledger was open, oldest first.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// Returns the time of the last commit.
    #[must_use]
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Lists the edges that were heard of, with the spells of each, oldest first.
    #[must_use]
    pub const fn edges(&self) -> &BTreeMap<EdgeId, Vec<Spell>> {
        &self.edges
    }

    /// Takes the next commit.
    pub fn apply(&mut self, commit: &Commit) {
        let now = commit.recorded_at;
        let begins = self.last.is_none();
        for event in &commit.events {
            match event {
                Event::Ledger(lifecycle::Event::Opened { .. }) => {
                    self.end(self.last.unwrap_or(now));
                    self.openings.push(Opening { began: now, earlier: false, ended: None });
                }
                Event::Ledger(lifecycle::Event::Closed) => {
                    self.begin_earlier(begins, now);
                    self.end(now);
                }
                Event::Ledger(
                    lifecycle::Event::Ticked | lifecycle::Event::TasksArchived { .. },
                )
                | Event::Token { .. }
                | Event::Edge { .. }
                | Event::Task { .. } => self.begin_earlier(begins, now),
            }
        }
        self.last = Some(now);
        if let Some(edge) = contact(commit) {
            self.spell(edge, Spell { first: now, last: now });
        }
    }

    /// Takes the last commit for the end of an opening that nothing closed: of a log that nobody
    /// serves, as the next opening would.
    pub fn abandon(&mut self) {
        if let Some(last) = self.last {
            self.end(last);
        }
    }

    /// Returns when an edge was first heard of at an instant or later.
    #[must_use]
    pub fn heard(&self, edge: EdgeId, from: Timestamp) -> Option<Timestamp> {
        let spells = self.edges.get(&edge).map_or(&[][..], Vec::as_slice);
        let next = spells.partition_point(|spell| spell.last < from);
        spells.get(next).map(|spell| if spell.first >= from { spell.first } else { spell.last })
    }

    /// Takes the stretch of the log that follows.
    ///
    /// # Panics
    ///
    /// If that is of a coarser resolution.
    pub fn append(&mut self, later: Self) {
        assert!(later.resolution <= self.resolution, "a stretch cannot be made finer");
        let mut openings = later.openings.into_iter();
        match openings.next() {
            Some(first) if first.earlier => match self.openings.last_mut() {
                Some(open) if open.ended.is_none() => open.ended = first.ended,
                Some(_) | None => self.openings.push(first),
            },
            Some(first) => {
                if let Some(last) = self.last {
                    self.end(last);
                }
                self.openings.push(first);
            }
            None => {}
        }
        self.openings.extend(openings);
        self.last = later.last.or(self.last);
        for (edge, spells) in later.edges {
            for spell in spells {
                self.spell(edge, spell);
            }
        }
    }

    /// Returns how alive an edge looked, as the moments at which that changed, up to an instant.
    /// Before the first one it was never heard of.
    ///
    /// # Panics
    ///
    /// If the thresholds are finer than the resolution.
    #[must_use]
    pub fn timeline(&self, edge: EdgeId, by: &Thresholds, until: Timestamp) -> Vec<Change> {
        assert!(by.online_within >= self.resolution, "the resolution is coarser");
        let spells = self.edges.get(&edge).map_or(&[][..], Vec::as_slice);
        let mut changes: Vec<Change> = Vec::new();
        for (nth, spell) in spells.iter().enumerate() {
            if spell.first > until {
                break;
            }
            let next = spells.get(nth + 1).map(|next| next.first);
            let mut change = |at: Option<Timestamp>, liveness| {
                let before_next = |at: &Timestamp| next.is_none_or(|next| *at < next);
                let at = at.filter(|at| *at <= until && before_next(at));
                let changed = changes.last().is_none_or(|last| last.liveness != liveness);
                changes.extend(at.filter(|_| changed).map(|at| Change { at, liveness }));
            };
            change(Some(spell.first), Liveness::Online);
            if by.online_within < by.stale_within {
                change(self.silent(spell.last, by.online_within), Liveness::Stale);
            }
            change(self.silent(spell.last, by.stale_within), Liveness::Offline);
        }
        changes
    }

    fn begin_earlier(&mut self, begins: bool, now: Timestamp) {
        if begins && self.openings.is_empty() {
            self.openings.push(Opening { began: now, earlier: true, ended: None });
        }
    }

    fn end(&mut self, at: Timestamp) {
        if let Some(open) = self.openings.last_mut().filter(|opening| opening.ended.is_none()) {
            open.ended = Some(at);
        }
    }

    fn spell(&mut self, edge: EdgeId, next: Spell) {
        let last = self.edges.get(&edge).and_then(|spells| spells.last()).map(|spell| spell.last);
        let close = last.is_some_and(|last| self.open(last, next.first) <= self.resolution);
        let spells = self.edges.entry(edge).or_default();
        match spells.last_mut() {
            Some(spell) if close => spell.last = next.last,
            Some(_) | None => spells.push(next),
        }
    }

    /// How long the ledger was open between two instants.
    fn open(&self, from: Timestamp, to: Timestamp) -> Millis {
        let overlapping = self
            .openings
            .iter()
            .rev()
            .take_while(|opening| opening.ended.is_none_or(|ended| ended > from));
        overlapping.fold(Millis::ZERO, |open, opening| {
            let ended = opening.ended.map_or(to, |ended| ended.min(to));
            open.plus(ended.since(opening.began.max(from)))
        })
    }

    /// The first instant at which the ledger was open for longer than a span since an instant.
    fn silent(&self, since: Timestamp, span: Millis) -> Option<Timestamp> {
        let mut left = span.plus(Millis(1));
        let from = self
            .openings
            .partition_point(|opening| opening.ended.is_some_and(|ended| ended <= since));
        for opening in &self.openings[from..] {
            let began = opening.began.max(since);
            match opening.ended {
                Some(ended) if ended.since(began) < left => {
                    left = Millis(left.0 - ended.since(began).0);
                }
                Some(_) | None => return Some(began.after(left)),
            }
        }
        None
    }
}
