//! A history: steps taken one after the other, on the ledger and on the model, compared after
//! each.
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use edge_ledger_core::{
    Cause, Command, Commit, CredentialId, Decision, EdgeId, Ledger, Position, TaskId, Timestamp,
    TokenId,
    decisions::Decided,
    lifecycle::{self, Epoch},
    task::Fence,
    time::Millis,
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    action::{Step, step},
    book::{Book, Outcome},
    invariant::{self, Rows, Taken},
    model::{Expected, Model, picture},
};

/// Any log that so many steps, or fewer, can come to.
pub fn logs(steps: usize) -> impl Strategy<Value = Vec<Commit>> {
    prop::collection::vec(step(), 0..=steps).prop_map(|steps| {
        let mut history = History::begin(Timers::Late).expect("a history begins");
        for step in &steps {
            history.take_step(step).expect("the ledger keeps its word");
        }
        history.log().to_vec()
    })
}

/// When timers fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    /// Just when something falls due.
    Punctual,
    /// Only when the next command comes.
    Late,
}

/// What has happened so far.
#[derive(Debug)]
pub struct History {
    book: Book,
    model: Model,
    now: Timestamp,
    timers: Timers,
    minted: u64,
    tokens: Vec<TokenId>,
    edges: Vec<EdgeId>,
    tasks: Vec<TaskId>,
    /// Every credential that an edge was ever given.
    credentials: BTreeMap<EdgeId, Vec<CredentialId>>,
    fences: Vec<Fence>,
    rows: Rows,
    requests: Vec<Request>,
    seen: BTreeSet<&'static str>,
}

/// A command with its sender.
#[derive(Clone, Debug)]
struct Request {
    command: Command,
    cause: Cause,
}

impl History {
    /// Begins with an open ledger, a token with uses to spare and two edges.
    ///
    /// # Errors
    ///
    /// Fails if that already breaks an invariant.
    pub fn begin(timers: Timers) -> Result<Self, TestCaseError> {
        let mut history = Self {
            book: Book::default(),
            model: Model::default(),
            now: Timestamp::from_millis(1_000),
            timers,
            minted: 0,
            tokens: Vec::new(),
            edges: Vec::new(),
            tasks: Vec::new(),
            credentials: BTreeMap::new(),
            fences: Vec::new(),
            rows: Rows::default(),
            requests: Vec::new(),
            seen: BTreeSet::new(),
        };
        history.open(Epoch(0))?;
        for request in history.beginnings() {
            history.take(request)?;
        }
        Ok(history)
    }

    /// Takes a step.
    ///
    /// # Errors
    ///
    /// Fails if it breaks an invariant, or if model and ledger part ways.
    pub fn take_step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        if let Some(span) = self.passing(&step.action) {
            self.pass(span)?;
        }
        match self.outage(&step.action) {
            Some((closes, lasts, epoch)) => self.outlast(closes, lasts, epoch),
            None => {
                let request = self.request(step);
                request.map_or(Ok(()), |request| self.take(request))
            }
        }
    }

    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        self.book.ledger()
    }

    /// Returns the time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &[Commit] {
        self.book.log()
    }

    /// Returns every decision, refusals too.
    #[must_use]
    pub fn decisions(&self) -> &[Decided] {
        self.book.decisions()
    }

    /// Lists what commands have come to: names of events, codes of refusals.
    #[must_use]
    pub const fn seen(&self) -> &BTreeSet<&'static str> {
        &self.seen
    }

    /// Returns what is to be seen of the ledger once everything due is done.
    ///
    /// # Errors
    ///
    /// Fails if what is due breaks an invariant.
    pub fn picture(&mut self) -> Result<picture::Picture, TestCaseError> {
        self.execute_due()?;
        Ok(picture::of(self.ledger()))
    }

    fn pass(&mut self, span: Millis) -> Result<(), TestCaseError> {
        let end = self.now.after(span);
        let due = |history: &Self| history.ledger().next_due().filter(|at| *at < end);
        while let (Timers::Punctual, true, Some(at)) =
            (self.timers, self.ledger().is_open(), due(self))
        {
            self.now = self.now.max(at);
            self.execute_due()?;
        }
        self.now = end;
        Ok(())
    }

    fn outlast(&mut self, closes: bool, lasts: Millis, epoch: Epoch) -> Result<(), TestCaseError> {
        if closes {
            self.take(self.own(Command::Ledger(lifecycle::Command::Close)))?;
            self.decide_and_apply(self.own(Command::Ledger(lifecycle::Command::Tick)))?;
        }
        self.now = self.now.after(lasts);
        self.open(epoch)
    }

    /// Opens the ledger: the one command before which nothing falls due.
    fn open(&mut self, epoch: Epoch) -> Result<(), TestCaseError> {
        self.decide_and_apply(self.own(Command::Ledger(lifecycle::Command::Open { epoch })))
    }

    /// Takes a request as a writer does: what is due comes first.
    fn take(&mut self, request: Request) -> Result<(), TestCaseError> {
        self.execute_due()?;
        self.decide_and_apply(request)
    }

    fn execute_due(&mut self) -> Result<(), TestCaseError> {
        let mut patience = 10 + 10 * self.tasks.len();
        loop {
            let Some(command) = self.ledger().due(self.now).next() else { break };
            patience = patience.checked_sub(1).ok_or_else(|| {
                TestCaseError::fail(format!("what is due does not come to an end: {command:?}"))
            })?;
            let cause = self.book.own_cause();
            let before = self.ledger().clone();
            let outcome = self.book.execute(command.clone(), cause, self.now);
            prop_assert_eq!(outcome, Ok(Outcome::Appended), "what is due happens: {:?}", command);
            self.check(&before, &command)?;
        }
        self.model.pass(self.now);
        self.compare("what was due")
    }

    fn decide_and_apply(&mut self, request: Request) -> Result<(), TestCaseError> {
        let Request { command, cause } = request;
        let command = self.book.archive().inform(command);
        let before = self.ledger().clone();
        let decided = self.ledger().decide(command.clone(), &cause, self.now);
        prop_assert_eq!(&before, self.ledger(), "deciding changes nothing");

        let expected = self.model.step(&command, &cause, self.now);
        let found = match &decided {
            Err(refusal) => Expected::Refused(refusal.code()),
            Ok(Decision::AlreadySo) => Expected::AlreadySo,
            Ok(Decision::Repeated { .. }) => Expected::Repeated,
            Ok(Decision::Events(_)) => Expected::Appended,
        };
        prop_assert_eq!(found, expected, "{:?} by {:?}", &command, &cause.principal);

        match found {
            Expected::Refused(code) => self.seen.insert(code),
            Expected::AlreadySo => self.seen.insert("already so"),
            Expected::Repeated => self.seen.insert("repeated"),
            Expected::Appended => false,
        };
        let executed = self.book.execute(command.clone(), cause.clone(), self.now);
        match executed {
            Ok(Outcome::Appended) => self.check(&before, &command)?,
            Ok(Outcome::Repeated(after)) => {
                prop_assert_eq!(&before, self.ledger(), "a repeat changes nothing");
                self.a_repeat_names_its_commit(after, &cause)?;
            }
            Ok(Outcome::AlreadySo) | Err(_) => {
                prop_assert_eq!(&before, self.ledger(), "nothing changed");
            }
        }
        self.compare(&format!("{command:?}"))
    }

    fn compare(&mut self, after: &str) -> Result<(), TestCaseError> {
        self.model.learn(self.book.ledger());
        let (model, ledger) = (self.model.picture(), picture::of(self.ledger()));
        for (subject, line) in &model {
            prop_assert_eq!(ledger.get(subject), Some(line), "{} after {}", subject, after);
        }
        prop_assert_eq!(ledger.len(), model.len(), "nothing but what the model has");
        Ok(())
    }

    fn check(&mut self, before: &Ledger, command: &Command) -> Result<(), TestCaseError> {
        let commit = self.book.last().clone();
        let taken =
            Taken { before, after: self.book.ledger(), commit: &commit, command, now: self.now };
        invariant::all(&taken)?;
        prop_assert_eq!(self.ledger().archived(), self.book.archive().sum(), "the archive has all");
        self.rows.first_row_wins(&taken)?;
        for fence in taken.granted() {
            let last = self.fences.last().copied();
            prop_assert!(last < Some(fence), "fences grow: {:?} after {:?}", fence, last);
            self.fences.push(fence);
        }
        self.seen.extend(commit.events.iter().map(edge_ledger_core::Event::name));
        self.meet(&commit);
        Ok(())
    }

    fn a_repeat_names_its_commit(
        &self,
        after: Position,
        cause: &Cause,
    ) -> Result<(), TestCaseError> {
        let first = self.log().iter().find(|commit| commit.after == after);
        prop_assert_eq!(first.and_then(|commit| commit.cause.idempotency), cause.idempotency);
        Ok(())
    }

    fn own(&self, command: Command) -> Request {
        Request { command, cause: self.book.own_cause() }
    }
}
