//! Tasks: work leased to one edge at a time.
mod attempt;
mod command;
mod decide;
mod event;
mod evolve;
mod facts;
mod fence;
mod lease;
mod poll;
mod rejection;
mod report;
mod results;
mod spec;
mod stored;
mod work;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Position, Timestamp};

pub use command::{
    ArchivedSubmission, Command, HolderCommand, OperatorCommand, Poll, Submission, SystemCommand,
};
pub(crate) use decide::{decide, extend_on_opening, give_up, same_submission, submit};
pub use event::{
    EndReason, Event, FailReason, LateResultsKept, LeaseEnd, Progressed, ResultsStored, Submitted,
};
pub(crate) use facts::Facts;
pub use fence::Fence;
pub use lease::{Lease, LossReason, Lost, REDELIVERIES_MAX};
pub(crate) use poll::{grant, hand_out_again};
pub use rejection::{Loss, Rejection};
use results::Rows;
pub use results::{Completion, LATE_ROWS_MAX, LateResults, Progress, ROWS_MAX, Row};
pub use spec::{Backoff, Payload, Spec, Terms};
use stored::Stored;
pub use work::Losses;
use work::{Trail, Work};

/// A task, as its events left it. Its payload and its rows stay in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Stored")]
pub struct Task {
    name: Box<str>,
    dedupe_key: Option<Box<str>>,
    digest: Digest,
    terms: Terms,
    submitted_at: Timestamp,
    run: u32,
    /// Where the run began: the queue's measure of age.
    run_began: Position,
    deadline_at: Option<Timestamp>,
    attempts: u32,
    state: State,
    /// What holders have made of it, if anything.
    work: Option<Box<Work>>,
    trail: Trail,
    changes: u32,
}

// A ledger of a million tasks that wait is to fit into 500 MB, with all by which they are found.
const _: () = assert!(size_of::<Task>() <= 320);

/// What is true of a task where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody holds it.
    Awaiting {
        /// When it may be leased, if it may not yet.
        ready_at: Option<Timestamp>,
    },
    /// An edge holds it.
    Leased(Lease),
    /// Its run is over.
    Finished {
        /// When.
        at: Timestamp,
        /// How.
        outcome: Outcome,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Completed(Completion),
    /// Without success.
    Failed {
        /// Why.
        reason: FailReason,
        /// What the last holder said went wrong, or what did.
        error: Box<str>,
    },
    /// By an operator.
    Cancelled {
        /// Why.
        reason: Box<str>,
    },
}

/// Where a task stands, in the wire contract's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Waiting for an edge.
    Await,
    /// Leased, and nothing heard from the holder yet.
    Assigned,
    /// Leased and at work.
    Processing,
    /// Completed.
    Done,
    /// Ended without success.
    Failed,
    /// Ended by an operator.
    Cancelled,
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Await => "AWAIT",
            Self::Assigned => "ASSIGNED",
            Self::Processing => "PROCESSING",
            Self::Done => "DONE",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        })
    }
}

impl Task {
    /// Returns the name shown to operators.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key under which it may be submitted again.
    #[must_use]
    pub fn dedupe_key(&self) -> Option<&str> {
        self.dedupe_key.as_deref()
    }

    /// Returns the digest by which a second submission is known for the same.
    #[must_use]
    pub const fn spec_digest(&self) -> Digest {
        self.digest
    }

    /// Returns the terms under which it is leased.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the position of its submission: its payload is there, and tasks list in this order.
    #[must_use]
    pub const fn submitted_position(&self) -> Position {
        self.trail.submitted
    }

    /// Returns when it was submitted.
    #[must_use]
    pub const fn submitted_at(&self) -> Timestamp {
        self.submitted_at
    }

    /// Returns which run it is in, counted from one.
    #[must_use]
    pub const fn run(&self) -> u32 {
        self.run
    }

    /// Returns where its run began.
    #[must_use]
    pub const fn run_began(&self) -> Position {
        self.run_began
    }

    /// Returns when its run is to have ended.
    #[must_use]
    pub const fn deadline_at(&self) -> Option<Timestamp> {
        self.deadline_at
    }

    /// Returns how many attempts its run has used up.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns what is true of it where it stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Returns where it stands, in the wire contract's words.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        match &self.state {
            State::Awaiting { .. } => TaskStatus::Await,
            State::Leased(Lease { started: false, .. }) => TaskStatus::Assigned,
            State::Leased(Lease { started: true, .. }) => TaskStatus::Processing,
            State::Finished { outcome: Outcome::Completed(_), .. } => TaskStatus::Done,
            State::Finished { outcome: Outcome::Failed { .. }, .. } => TaskStatus::Failed,
            State::Finished { outcome: Outcome::Cancelled { .. }, .. } => TaskStatus::Cancelled,
        }
    }

    /// Returns when it finished, if it has.
    #[must_use]
    pub const fn finished_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Finished { at, .. } => Some(*at),
            State::Awaiting { .. } | State::Leased(_) => None,
        }
    }

    /// Returns its lease, if an edge holds it.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Leased(lease) => Some(lease),
            State::Awaiting { .. } | State::Finished { .. } => None,
        }
    }

    /// Returns how far its holder says it is.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.work().progress.as_ref()
    }

    /// Lists the edges that held it in this run and lost it, with how.
    #[must_use]
    pub fn lost(&self) -> &Losses {
        &self.work().lost
    }

    /// Returns what last went wrong with it.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.work().last_error.as_deref()
    }

    /// Returns how many rows its run has.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.work().rows.count()
    }

    /// Lists the late results kept aside for it.
    #[must_use]
    pub fn late_results(&self) -> &[LateResults] {
        &self.work().late
    }

    /// Lists the positions of its milestones: every event about it but sheer signs of life.
    pub fn trail(&self) -> impl Iterator<Item = Position> {
        self.trail.iter()
    }

    /// Returns the position of its last milestone; of a finished task, that is where it finished.
    #[must_use]
    pub fn last_milestone(&self) -> Position {
        self.trail.last()
    }

    /// Returns how many events have been about it.
    #[must_use]
    pub const fn changes(&self) -> u32 {
        self.changes
    }

    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished { .. })
    }

    fn work(&self) -> &Work {
        self.work.as_deref().unwrap_or(Work::NONE)
    }

    /// Changes what holders have made of it. Nothing at all is always kept as none.
    fn work_mut(&mut self, change: impl FnOnce(&mut Work)) {
        let work = self.work.get_or_insert_default();
        change(work);
        if **work == *Work::NONE {
            self.work = None;
        }
    }
}
