//! `given`, `when`, `then`: a test of a ledger, in the words of [scenarios](crate::scenario).
//!
//! ```
//! use edge_ledger_testkit::given;
//!
//! let mut story = given("
//!     ledger open
//!     token site create
//!     rack registers D1 by site
//!     submit job lease 30s
//!     rack polls
//! ");
//!
//! story.when("at 31s");
//! story.when("due").happens(&["task.went_stale"]);
//! story.when("rack completes job 1/1").is_refused("task_lease_lost");
//! story.then(|ledger, _now| assert_eq!(ledger.tasks().count(), 1));
//! ```
use edge_ledger_core::{Command, Commit, Event, Ledger, Principal, Rejection, Timestamp};

use crate::scenario::{Came, Stage};

/// Tells what is given: commands, a line each, none of which may be refused.
///
/// # Panics
///
/// Panics if a line cannot be read, or if what it asks is refused.
#[must_use]
#[track_caller]
pub fn given(lines: &str) -> Story {
    let mut story = Story { stage: Stage::default() };
    for line in lines.lines() {
        let then = story.when(line.trim());
        if let Some(refusal) = &then.came.refusal {
            panic!("{line}\nis given, but refused: {}: {refusal}", refusal.code());
        }
    }
    story
}

/// A ledger with what has happened to it.
#[derive(Debug)]
pub struct Story {
    stage: Stage,
}

impl Story {
    /// Lets one line happen: a command, `at TIME`, `due` or a view.
    ///
    /// # Panics
    ///
    /// Panics if it cannot be read.
    #[track_caller]
    pub fn when(&mut self, line: &str) -> Then<'_> {
        self.stage.listen();
        if let Err(fault) = self.stage.play(line) {
            panic!("{line}\n{fault}");
        }
        self.told(line)
    }

    /// Lets a command happen, for which scenarios have no words.
    pub fn when_asked(&mut self, command: Command, by: Principal) -> Then<'_> {
        let told = format!("{command:?}");
        self.stage.listen();
        self.stage.ask_as(command, by);
        self.told(&told)
    }

    /// Looks at the ledger, with the time to look at it.
    pub fn then(&self, look: impl FnOnce(&Ledger, Timestamp)) {
        look(self.ledger(), self.now());
    }

    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        self.stage.book().ledger()
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &[Commit] {
        self.stage.book().log()
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.stage.now()
    }

    /// Returns all that was said so far, as the transcript of a scenario.
    #[must_use]
    pub fn transcript(&self) -> &str {
        self.stage.transcript()
    }

    fn told(&mut self, line: &str) -> Then<'_> {
        let came = self.stage.listen();
        Then { line: line.to_owned(), came, story: self }
    }
}

/// What a line has come to, to be compared with what was expected.
#[derive(Debug)]
pub struct Then<'a> {
    line: String,
    came: Came,
    story: &'a Story,
}

impl Then<'_> {
    /// These events happen, in this order, and nothing is refused.
    ///
    /// # Panics
    ///
    /// Panics with the transcript if anything else does.
    #[track_caller]
    pub fn happens(&self, events: &[&str]) -> &Self {
        let found: Vec<_> = self.came.events.iter().map(Event::name).collect();
        if found != events || self.came.refusal.is_some() {
            self.differs(&format!("{events:?} happen"));
        }
        self
    }

    /// Nothing happens: what was asked is already so, or was answered before.
    ///
    /// # Panics
    ///
    /// Panics with the transcript if something does, or is refused.
    #[track_caller]
    pub fn changes_nothing(&self) -> &Self {
        self.happens(&[])
    }

    /// It is refused, under this code, and nothing happens.
    ///
    /// # Panics
    ///
    /// Panics with the transcript if it is not, or for another reason.
    #[track_caller]
    pub fn is_refused(&self, code: &str) -> &Self {
        let refused = self.came.refusal.as_ref().map(Rejection::code);
        if refused != Some(code) || !self.came.events.is_empty() {
            self.differs(&format!("is refused: {code}"));
        }
        self
    }

    /// Returns what happened.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.came.events
    }

    /// Returns why it was refused, if it was.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Rejection> {
        self.came.refusal.as_ref()
    }

    #[track_caller]
    fn differs(&self, expected: &str) -> ! {
        panic!("{}\nexpected: {expected}\nthe story:\n{}", self.line, self.story.transcript())
    }
}
