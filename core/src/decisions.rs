//! Decisions as they were made, to be made again: the regression test of the scheduler itself.
//!
//! A log has what commands came to, a file of decisions has the commands too, with the `now` of
//! each, and what was refused. [`Again`] decides each of them on this build, on the very ledger on
//! which it was decided then, and tells every one that comes to something else:
//!
//! ```
//! use edge_ledger_core::decisions::{Again, Line};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = concat!(
//! #     r#"{"begins":{"decisions":1,"build":"0.1.0","after":0,"digest":"#,
//! #     r#""a70fd8ee8ec80dbd3e1c1a1ee1fbb6e3e51b9a1b95d7ed40c2a6ff1e2dfc2b56"}}"#, "\n",
//! # );
//! # let empty = edge_ledger_core::Ledger::default().digest().to_string();
//! # let file = file.replace("a70fd8ee8ec80dbd3e1c1a1ee1fbb6e3e51b9a1b95d7ed40c2a6ff1e2dfc2b56", &empty);
//! let mut again = Again::default();
//! for line in file.lines() {
//!     match Line::parse(line)? {
//!         Line::Begins(header) => again.begin(&header)?,
//!         Line::Decided(decided) => assert_eq!(again.decide(&decided)?, None),
//!         Line::Ends(_) => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The file is lines of JSON. One that begins says which ledger the decisions that follow begin
//! with: the one that nothing has happened to, the one that the line before left, or one that has
//! to be folded from the log that the decisions belong to. No secret is in it: commands have their
//! digests.
mod again;
mod line;

use std::slice;

use serde::{Deserialize, Serialize};

use crate::{
    Cause, Command, Commit, Decision, Digest, Event, Ledger, Position, Rejection, Timestamp, codec,
};

pub use again::{Again, Apart, Differs};
pub use line::{BadLine, Line};

/// The format of the file.
pub const FORMAT: u8 = 1;

/// How decisions begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the lines that follow, [`FORMAT`].
    pub decisions: u8,
    /// The version of the build that decides.
    pub build: Box<str>,
    /// The head of the ledger before the first decision.
    pub after: Position,
    /// Its digest.
    pub digest: Digest,
}

/// Why decisions end before their ledger does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Why, in words.
    pub because: Box<str>,
}

/// A command, and what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The head of the ledger that it was decided on.
    pub after: Position,
    /// When it was decided.
    pub now: Timestamp,
    /// Who asked, under which id.
    pub cause: Cause,
    /// What was asked.
    pub command: Command,
    /// What was answered.
    pub answer: Answer,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It made this happen.
    Events(Vec<Event>),
    /// What it asked for was already so.
    AlreadySo,
    /// The same request had been answered by the commit after this position.
    Repeated {
        /// The position before that commit.
        after: Position,
    },
    /// The ledger refused it.
    Refused {
        /// The stable name of the refusal.
        code: Box<str>,
        /// What the sender was told.
        told: Box<str>,
    },
    /// It would have made a commit that the journal could not append.
    TooLarge {
        /// How large it would have been, in bytes.
        size: u64,
        /// How large it might be, in bytes.
        max: u64,
    },
}

impl Header {
    /// Returns how decisions on a ledger begin that this build makes.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        Self {
            decisions: FORMAT,
            build: env!("CARGO_PKG_VERSION").into(),
            after: ledger.head(),
            digest: ledger.digest(),
        }
    }
}

impl Decided {
    /// Returns what it made happen, if anything.
    #[must_use]
    pub fn commit(&self) -> Option<Commit> {
        match &self.answer {
            Answer::Events(events) => Some(Commit {
                after: self.after,
                recorded_at: self.now,
                cause: self.cause.clone(),
                events: events.clone(),
            }),
            Answer::AlreadySo
            | Answer::Repeated { .. }
            | Answer::Refused { .. }
            | Answer::TooLarge { .. } => None,
        }
    }

    /// Returns the position up to which a log has to be durable before this can be told.
    #[must_use]
    pub fn rests_on(&self) -> Position {
        match &self.answer {
            Answer::Events(events) => self.after.plus(events.len() as u64),
            Answer::AlreadySo
            | Answer::Repeated { .. }
            | Answer::Refused { .. }
            | Answer::TooLarge { .. } => self.after,
        }
    }

    /// Decides the same command at the same time on a ledger.
    fn again_on(&self, ledger: &Ledger) -> Answer {
        let answer = Answer::of(ledger.decide(self.command.clone(), &self.cause, self.now));
        let (Answer::Events(events), Answer::TooLarge { max, .. }) = (&answer, &self.answer) else {
            return answer;
        };
        let commit = Self { answer: Answer::Events(events.clone()), ..self.clone() }.commit();
        let size = commit.map_or(0, |commit| codec::encoded_len(slice::from_ref(&commit)) as u64);
        if size > *max { Answer::TooLarge { size, max: *max } } else { answer }
    }
}

impl Answer {
    /// Returns what a decision is, as it is recorded.
    #[must_use]
    pub fn of(decided: Result<Decision, Rejection>) -> Self {
        match decided {
            Ok(Decision::Events(events)) => Self::Events(events),
            Ok(Decision::AlreadySo) => Self::AlreadySo,
            Ok(Decision::Repeated { after }) => Self::Repeated { after },
            Err(rejection) => Self::refused(&rejection),
        }
    }

    /// Returns a refusal, as it is recorded.
    #[must_use]
    pub fn refused(rejection: &Rejection) -> Self {
        Self::Refused { code: rejection.code().into(), told: rejection.to_string().into() }
    }
}
