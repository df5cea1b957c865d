//! A ledger beside the log it is folded from: a writer's order of steps, in memory.
use edge_ledger_core::{
    Cause, Command, CommandId, Commit, Decision, Ledger, Position, Principal, Rejection, Timestamp,
    decisions::{Answer, Decided},
};
use uuid::Uuid;

use crate::archive::Archive;

/// A ledger, its log, what was decided, and its archive.
#[derive(Clone, Debug, Default)]
pub struct Book {
    ledger: Ledger,
    log: Vec<Commit>,
    decisions: Vec<Decided>,
    archive: Archive,
}

/// What executing a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was appended, as the last commit of the log.
    Appended,
    /// What it asks for is already so.
    AlreadySo,
    /// The commit after this position answered the same request.
    Repeated(Position),
}

impl Book {
    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &[Commit] {
        &self.log
    }

    /// Returns every decision, refusals too.
    #[must_use]
    pub fn decisions(&self) -> &[Decided] {
        &self.decisions
    }

    /// Returns the archive of the tasks that have left.
    #[must_use]
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns the commit that was appended last.
    ///
    /// # Panics
    ///
    /// Panics if none was.
    #[must_use]
    pub fn last(&self) -> &Commit {
        self.log.last().expect("something was appended")
    }

    /// Asks the archive, decides, appends and applies.
    ///
    /// # Errors
    ///
    /// Returns why the command was refused; ledger and log are as they were.
    ///
    /// # Panics
    ///
    /// Panics if what was decided does not fold.
    pub fn execute(
        &mut self,
        command: Command,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Outcome, Rejection> {
        let command = self.archive.inform(command);
        let decided = self.ledger.decide(command.clone(), &cause, now);
        self.decisions.push(Decided {
            after: self.ledger.head(),
            now,
            cause: cause.clone(),
            command,
            answer: Answer::of(decided.clone()),
        });
        let events = match decided? {
            Decision::AlreadySo => return Ok(Outcome::AlreadySo),
            Decision::Repeated { after } => return Ok(Outcome::Repeated(after)),
            Decision::Events(events) => events,
        };
        let commit = Commit { after: self.ledger.head(), recorded_at: now, cause, events };
        self.archive.keep(&self.ledger, &commit);
        self.ledger.apply(&commit).expect("what was decided on a ledger folds into it");
        self.log.push(commit);
        Ok(Outcome::Appended)
    }

    /// Returns the cause of the next command, if the ledger's own process asks it.
    #[must_use]
    pub fn own_cause(&self) -> Cause {
        Cause { command: self.next_command(), principal: Principal::System, idempotency: None }
    }

    /// Returns an id for the next command.
    #[must_use]
    pub fn next_command(&self) -> CommandId {
        CommandId::from_uuid(Uuid::from_u64_pair(u64::MAX, self.ledger.head().get()))
    }
}
