//! How alive edges looked throughout a stretch of time, and how they would have looked by other
//! thresholds.
use crate::{EdgeId, Liveness, Millis, Thresholds, Timestamp, contacts::Contacts};

/// A stretch of time, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// A stretch of time throughout which an edge looked the same, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// How alive the edge looked.
    pub liveness: Liveness,
}

/// A stretch of time throughout which an edge looks otherwise by other thresholds, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// How alive the edge looks by the one.
    pub was: Liveness,
    /// How alive it looks by the other.
    pub would_be: Liveness,
}

/// How long an edge looked how alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How long it looked online.
    pub online: Millis,
    /// How long it looked stale.
    pub stale: Millis,
    /// How long it looked offline.
    pub offline: Millis,
}

impl Window {
    /// Returns how long it is.
    #[must_use]
    pub const fn span(&self) -> Millis {
        self.to.since(self.from)
    }

    /// Returns the part of a stretch that lies within; none if nothing does.
    #[must_use]
    pub fn clip(&self, from: Timestamp, to: Timestamp) -> Option<Self> {
        let (from, to) = (from.max(self.from), to.min(self.to));
        (from < to).then_some(Self { from, to })
    }
}

impl Interval {
    /// Returns how long it is.
    #[must_use]
    pub const fn span(&self) -> Millis {
        self.to.since(self.from)
    }
}

impl Difference {
    /// Returns how long it is.
    #[must_use]
    pub const fn span(&self) -> Millis {
        self.to.since(self.from)
    }
}

impl Totals {
    /// Adds intervals up.
    #[must_use]
    pub fn of(intervals: &[Interval]) -> Self {
        intervals.iter().fold(Self::default(), |sums, interval| {
            let span = interval.span();
            match interval.liveness {
                Liveness::Online => Self { online: sums.online.plus(span), ..sums },
                Liveness::Stale => Self { stale: sums.stale.plus(span), ..sums },
                Liveness::Offline => Self { offline: sums.offline.plus(span), ..sums },
            }
        })
    }
}

impl Contacts {
    /// Returns how alive an edge looked throughout a window: intervals that follow each other
    /// without a gap, from when it was first heard of or from the window's beginning on. At any
    /// instant in one, the ledger as it was then says the same.
    ///
    /// # Panics
    ///
    /// If the thresholds are finer than the resolution.
    #[must_use]
    pub fn intervals(&self, edge: EdgeId, by: &Thresholds, window: Window) -> Vec<Interval> {
        let changes = self.timeline(edge, by, window.to);
        let ends = changes.iter().skip(1).map(|next| next.at).chain([window.to]);
        let all = changes.iter().zip(ends);
        all.filter_map(|(change, to)| {
            let Window { from, to } = window.clip(change.at, to)?;
            Some(Interval { from, to, liveness: change.liveness })
        })
        .collect()
    }
}

/// Returns where two timelines of one edge differ, over the time that both speak of. Where one
/// difference follows another at once they are two, each with its own pair of states.
#[must_use]
pub fn differences(was: &[Interval], would_be: &[Interval]) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut left, mut right) = (was.iter().peekable(), would_be.iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let (from, to) = (one.from.max(other.from), one.to.min(other.to));
        if from < to && one.liveness != other.liveness {
            found.push(Difference { from, to, was: one.liveness, would_be: other.liveness });
        }
        let (one_ends, other_ends) = (one.to <= to, other.to <= to);
        if one_ends {
            left.next();
        }
        if other_ends {
            right.next();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::contacts::{Opening, Spell};

    const EDGE: EdgeId = EdgeId::from_uuid(Uuid::nil());

    #[test]
    fn intervals_fill_a_window_from_when_the_edge_was_heard_of() {
        let whole = heard_at(10).intervals(EDGE, &by(60, 300), window(0, 400));
        let part = heard_at(10).intervals(EDGE, &by(60, 300), window(100, 200));
        let before = heard_at(10).intervals(EDGE, &by(60, 300), window(0, 10));

        let state =
            |from: i64, to: i64, liveness| Interval { from: ms(from), to: ms(to), liveness };
        assert_eq!(
            whole,
            [
                state(10_000, 70_001, Liveness::Online),
                state(70_001, 310_001, Liveness::Stale),
                state(310_001, 400_000, Liveness::Offline),
            ]
        );
        assert_eq!(part, [state(100_000, 200_000, Liveness::Stale)]);
        assert_eq!(before, []);
        let sums = Totals::of(&whole);
        assert_eq!((sums.online, sums.stale), (Millis(60_001), Millis(240_000)));
    }

    #[test]
    fn timelines_differ_where_the_thresholds_lie_apart() {
        let by = |thresholds| heard_at(10).intervals(EDGE, &thresholds, window(0, 400));
        let (was, would_be) = (by(self::by(60, 300)), by(self::by(45, 600)));

        let found = differences(&was, &would_be);

        let difference = |from: i64, to: i64, was, would_be| Difference {
            from: ms(from),
            to: ms(to),
            was,
            would_be,
        };
        assert_eq!(
            found,
            [
                difference(55_001, 70_001, Liveness::Online, Liveness::Stale),
                difference(310_001, 400_000, Liveness::Offline, Liveness::Stale),
            ]
        );
        assert_eq!(differences(&was, &was), []);
    }

    fn heard_at(secs: i64) -> Contacts {
        let at = ms(secs * 1_000);
        let opening = Opening { began: ms(0), earlier: false, ended: None };
        let edges = BTreeMap::from([(EDGE, vec![Spell { first: at, last: at }])]);
        Contacts::of(Millis::ZERO, vec![opening], Some(at), edges)
    }

    fn by(online: u64, stale: u64) -> Thresholds {
        Thresholds {
            online_within: Millis::from_secs(online),
            stale_within: Millis::from_secs(stale),
        }
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: ms(from * 1_000), to: ms(to * 1_000) }
    }

    const fn ms(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }
}
