//! Decisions, made again.
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{Commit, Corruption, Digest, Ledger, Position, replay::Difference};

use super::{Answer, Decided, Header};

/// Decides again what was decided, each on the ledger that it was decided on.
///
/// That ledger follows what was recorded, not what this build makes of it: so each decision is told
/// by itself, and one that differs does not make all that follow differ.
#[derive(Clone, Debug, Default)]
pub struct Again {
    ledger: Ledger,
    decisions: u64,
}

/// What is decided again does not go on from the ledger at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Apart {
    /// They begin elsewhere.
    #[error("the decisions go on after position {after}, the ledger at hand ends at {head}")]
    Elsewhere {
        /// Where they begin.
        after: Position,
        /// Where the ledger ends.
        head: Position,
    },
    /// They begin there, on another ledger.
    #[error("at position {at} the ledger had digest {expected}, the one at hand has {found}")]
    Other {
        /// Where they begin.
        at: Position,
        /// The digest that the ledger had.
        expected: Digest,
        /// The digest of the ledger at hand.
        found: Digest,
    },
    /// What was recorded does not fold.
    #[error("what was recorded does not fold")]
    Corrupt(#[from] Corruption),
}

/// A decision that this build makes otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differs {
    /// The command, and what was answered then.
    pub recorded: Decided,
    /// What is answered now.
    pub now: Answer,
}

impl Again {
    /// Goes on from another ledger, one that the log folds to that the decisions belong to.
    pub fn go_on_from(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    /// Folds a commit in that was not decided again, as those are between two parts of a file.
    ///
    /// # Errors
    ///
    /// Fails if it does not follow.
    pub fn skip(&mut self, commit: &Commit) -> Result<(), Apart> {
        Ok(self.ledger.apply(commit)?)
    }

    /// Sees that the decisions behind a header go on from the ledger at hand.
    ///
    /// # Errors
    ///
    /// Fails if they begin elsewhere, or on another ledger.
    pub fn begin(&self, header: &Header) -> Result<(), Apart> {
        let (after, head) = (header.after, self.ledger.head());
        if after != head {
            return Err(Apart::Elsewhere { after, head });
        }
        let (expected, found) = (header.digest, self.ledger.digest());
        if expected != found {
            return Err(Apart::Other { at: head, expected, found });
        }
        Ok(())
    }

    /// Decides again what was decided, and says so if it comes to something else.
    ///
    /// # Errors
    ///
    /// Fails if it was decided on another ledger than this.
    pub fn decide(&mut self, decided: &Decided) -> Result<Option<Differs>, Apart> {
        let (after, head) = (decided.after, self.ledger.head());
        if after != head {
            return Err(Apart::Elsewhere { after, head });
        }
        let now = decided.again_on(&self.ledger);
        if let Some(commit) = decided.commit() {
            self.ledger.apply(&commit)?;
        }
        self.decisions += 1;
        let differs = now != decided.answer;
        Ok(differs.then(|| Differs { recorded: decided.clone(), now }))
    }

    /// Returns the ledger, as the decisions so far left it.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns how many were decided again.
    #[must_use]
    pub const fn decisions(&self) -> u64 {
        self.decisions
    }
}

impl Differs {
    /// Finds where the two answers first part.
    ///
    /// # Panics
    ///
    /// Never: answers are JSON.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        let json = |answer: &Answer| serde_json::to_value(answer).expect("an answer is JSON");
        Difference::first(&json(&self.recorded.answer), &json(&self.now))
    }
}

/// How much of a command is shown, in characters.
const SHOWN_MAX: usize = 300;

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decided { after, now, cause, command, .. } = &self.recorded;
        let command =
            serde_json::to_value(command).as_ref().map_or_else(|_| String::new(), Value::to_string);
        let shown: String = command.chars().take(SHOWN_MAX).collect();
        let cut = if shown.len() < command.len() { "…" } else { "" };
        writeln!(
            f,
            "the decision after position {after}, of {now}, about command {}",
            cause.command
        )?;
        writeln!(f, "  {shown}{cut}")?;
        match self.difference() {
            Some(difference) => write!(f, "answer{difference}"),
            None => f.write_str("the answers differ in what JSON does not show"),
        }
    }
}
