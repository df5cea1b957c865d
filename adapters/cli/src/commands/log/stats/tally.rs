//! Who and what the events of a log are of, and how many bytes they take.

use std::{cmp::Reverse, collections::BTreeMap, slice};

use edge_ledger_core::{
    Commit, EdgeId, Event, Ledger, Millis, Position, Principal, Timestamp, codec, contacts,
};
use serde::Serialize;

const DAY: u64 = 24 * 60 * 60 * 1_000;

/// Counts events and their bytes.
#[derive(Debug, Default)]
pub(super) struct Tally {
    commits: u64,
    kinds: BTreeMap<&'static str, Count>,
    edges: BTreeMap<EdgeId, Count>,
    /// By the day's number since the epoch.
    days: BTreeMap<i64, Count>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    ledger: Folded,
}

/// How many events, and how many bytes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// The events of one kind, edge or day.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) of: String,
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// What the log folds to, while it does.
#[derive(Debug)]
struct Folded(Option<Box<Ledger>>);

impl Default for Folded {
    fn default() -> Self {
        Self(Some(Box::default()))
    }
}

impl Tally {
    /// Counts a commit. What its events share of it (who asked, and when) is split between them.
    pub(super) fn add(&mut self, commit: &Commit) {
        let events = commit.events.len() as u64;
        let bytes = codec::encoded_len(slice::from_ref(commit)) as u64;
        let count = Count { events, bytes };
        self.commits += 1;
        for (nth, event) in (0..).zip(&commit.events) {
            let bytes = bytes * (nth + 1) / events - bytes * nth / events;
            add(self.kinds.entry(event.name()).or_default(), Count { events: 1, bytes });
        }
        if let Some(edge) = of(commit) {
            add(self.edges.entry(edge).or_default(), count);
        }
        let day = commit.recorded_at.as_millis().div_euclid(DAY as i64);
        add(self.days.entry(day).or_default(), count);
        self.first = self.first.or(Some(commit.recorded_at));
        self.last = Some(commit.recorded_at);
        if self.ledger.0.as_mut().is_some_and(|ledger| ledger.apply(commit).is_err()) {
            // It begins later, or is damaged: `log verify` says so.
            self.ledger.0 = None;
        }
    }

    pub(super) const fn commits(&self) -> u64 {
        self.commits
    }

    pub(super) fn total(&self) -> Count {
        let mut total = Count::default();
        self.kinds.values().for_each(|count| add(&mut total, *count));
        total
    }

    /// Lists the kinds of events, those with the most bytes first.
    pub(super) fn kinds(&self) -> Vec<Share> {
        most(self.kinds.iter().map(|(kind, count)| (kind.to_string(), *count)))
    }

    /// Lists so many of the edges, those with the most bytes first.
    pub(super) fn edges(&self, top: usize) -> Vec<Share> {
        let mut edges = most(self.edges.iter().map(|(edge, count)| (edge.to_string(), *count)));
        edges.truncate(top);
        edges
    }

    /// Lists the days, oldest first.
    pub(super) fn days(&self) -> Vec<Share> {
        let share = |(day, count): (&i64, &Count)| {
            let begin = Timestamp::from_millis(day * DAY as i64).to_string();
            shared(begin[..10].to_owned(), *count)
        };
        self.days.iter().map(share).collect()
    }

    /// How many of something that is there in all there are on an average day; all of it if there
    /// is no more than a day.
    pub(super) fn per_day(&self, all: u64) -> u64 {
        let spans = self.first.zip(self.last).map(|(first, last)| last.since(first));
        let Millis(span) = spans.unwrap_or(Millis::ZERO);
        let daily = u128::from(all) * u128::from(DAY) / u128::from(span.max(DAY));
        u64::try_from(daily).unwrap_or(u64::MAX)
    }

    /// Returns where the oldest task was submitted that is not finished.
    pub(super) fn pinned(&self) -> Option<Position> {
        let mut tasks = self.ledger.0.as_ref()?.tasks();
        let unfinished = tasks.find(|(_, task)| task.finished_at().is_none());
        unfinished.map(|(_, task)| task.submitted_position())
    }
}

/// Returns the edge that a commit is to be counted for: who asked, or what it is about.
fn of(commit: &Commit) -> Option<EdgeId> {
    let about = || {
        commit.events.iter().find_map(|event| match event {
            Event::Edge { id, .. } => Some(*id),
            Event::Ledger(_) | Event::Token { .. } | Event::Task { .. } => None,
        })
    };
    match commit.cause.principal {
        Principal::Edge { edge, .. } => Some(edge),
        Principal::Enrollee { .. } => contacts::contact(commit),
        Principal::System | Principal::Operator { .. } => about(),
    }
}

fn most(shares: impl Iterator<Item = (String, Count)>) -> Vec<Share> {
    let mut shares: Vec<_> = shares.map(|(of, count)| shared(of, count)).collect();
    shares.sort_by_key(|share| Reverse(share.bytes));
    shares
}

fn shared(of: String, Count { events, bytes }: Count) -> Share {
    Share { of, events, bytes }
}

fn add(to: &mut Count, more: Count) {
    to.events += more.events;
    to.bytes += more.bytes;
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{Cause, CommandId, CredentialId, lifecycle};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_event_is_counted_once_by_kind_by_edge_and_by_day() {
        let mut tally = Tally::default();
        let mut after = Position::START;
        let noon = Timestamp::from_millis(DAY as i64 * 20_000 + 1_000);
        for (nth, edge, events) in [(0, 0, 1), (1, 1, 3), (2, 2, 2), (3, 1, 1)] {
            let commit = commit(after, noon.after(Millis(nth * DAY / 2)), edge, events);
            after = commit.head();
            tally.add(&commit);
        }

        let total = tally.total();
        let of =
            |shares: &[Share]| shares.iter().map(|s| (s.of.clone(), s.events)).collect::<Vec<_>>();
        assert_eq!((tally.commits(), total.events), (4, 7));
        assert_eq!(
            of(&tally.kinds()),
            [("ledger.ticked".to_owned(), 6), ("ledger.opened".to_owned(), 1)]
        );
        assert_eq!(of(&tally.days()), [("2024-10-04".to_owned(), 4), ("2024-10-05".to_owned(), 3)]);
        assert_eq!(of(&tally.edges(1)), [(edge(1).to_string(), 4)]);
        assert_eq!(tally.edges(9).len(), 2);
        for shares in [tally.kinds(), tally.days()] {
            assert_eq!(shares.iter().map(|share| share.bytes).sum::<u64>(), total.bytes);
        }
        assert_eq!(tally.per_day(30), 20); // in a day and a half
    }

    fn commit(after: Position, recorded_at: Timestamp, of: u128, events: usize) -> Commit {
        let credential = CredentialId::from_uuid(Uuid::nil());
        let (principal, event) = match of {
            0 => (Principal::System, lifecycle::Event::Opened { epoch: lifecycle::Epoch(0) }),
            of => (Principal::Edge { edge: edge(of), credential }, lifecycle::Event::Ticked),
        };
        let command = CommandId::from_uuid(Uuid::nil());
        let cause = Cause { command, principal, idempotency: None };
        Commit { after, recorded_at, cause, events: vec![Event::Ledger(event); events] }
    }

    fn edge(nth: u128) -> EdgeId {
        EdgeId::from_uuid(Uuid::from_u128(nth))
    }
}
