//! The ledger as it was: folded from the log up to an instant.
use std::{error::Error, fmt, str::FromStr};

use crate::{Commit, Corruption, Event, Ledger, Position, Timestamp, lifecycle};

/// An instant in the life of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just after the commit that holds this position.
    Position(Position),
    /// At this time, with everything recorded by then.
    Time(Timestamp),
}

/// A text names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a position as in 1042, or a time as in 2026-01-31T09:14:00.000Z")]
pub struct BadMoment;

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Self, BadMoment> {
        let position = text.parse().map(|raw| Self::Position(Position::new(raw)));
        position.or_else(|_| text.parse().map(Self::Time)).map_err(|_| BadMoment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Time(time) => fmt::Display::fmt(time, f),
        }
    }
}

/// What is true after the last commit of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// Its ledger is being served: open time runs on.
    Live,
    /// Nobody serves it: if nothing closed the ledger, its last commit stands for the close.
    Abandoned,
}

/// A ledger as it was, with the time to look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The ledger.
    pub ledger: Ledger,
    /// The time of the moment: the `now` of every view of it.
    pub as_of: Timestamp,
}

/// A log did not fold up to a moment.
#[derive(Debug, thiserror::Error)]
pub enum PastError<E: Error + 'static> {
    /// It could not be read.
    #[error("the log could not be read")]
    Unreadable(#[source] E),
    /// It does not fold.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// It does not reach so far.
    #[error("the log ends at position {head}, {asked} lies beyond it")]
    Beyond {
        /// The position asked for.
        asked: Position,
        /// Where the log ends.
        head: Position,
    },
}

impl Past {
    /// Folds a log, read from its beginning, up to a moment.
    ///
    /// A time inside an outage is answered as the ledger was then: closed, so that no silence
    /// grew, whether it had been closed or had crashed.
    ///
    /// # Errors
    ///
    /// Fails if the log cannot be read so far, does not fold, or ends before the position.
    pub fn at<E: Error + 'static>(
        log: impl IntoIterator<Item = Result<Commit, E>>,
        moment: Moment,
        end: LogEnd,
    ) -> Result<Self, PastError<E>> {
        let mut ledger = Ledger::default();
        let mut ends = end == LogEnd::Abandoned;
        for commit in log {
            let commit = commit.map_err(PastError::Unreadable)?;
            let is_past = match moment {
                Moment::Position(position) => commit.after < position,
                Moment::Time(time) => commit.recorded_at <= time,
            };
            if !is_past {
                ends = opens(&commit);
                break;
            }
            ledger.apply(&commit)?;
        }
        let as_of = match moment {
            Moment::Position(asked) if asked > ledger.head() => {
                return Err(PastError::Beyond { asked, head: ledger.head() });
            }
            Moment::Position(_) => ledger.recorded_at(),
            Moment::Time(time) => time,
        };
        if ends && ledger.is_open() {
            ledger.end_opening();
        }
        Ok(Self { ledger, as_of })
    }
}

fn opens(commit: &Commit) -> bool {
    matches!(commit.events.first(), Some(Event::Ledger(lifecycle::Event::Opened { .. })))
}
