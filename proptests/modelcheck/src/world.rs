//! A ledger with a clock, with what was sent to it, and with a witness of what it said.
use std::hash::{Hash, Hasher};

use edge_ledger_core::{
    Cause, Command, CommandId, Commit, Decision, Event, Ledger, Millis, Principal, Rejection,
    Timestamp, lifecycle, task,
};
use uuid::Uuid;

use crate::{
    Bounds, Claim, Edge, Grant, Rules, Task, Witness,
    cast::{enrollee, token_creation},
};

/// The least time that passes.
pub const TICK: Millis = Millis(1_000);

/// A ledger and all around it.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub(crate) bounds: Bounds,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    /// The leases that edges remember, in the order of their fences. Whatever can be said under one
    /// counts as sent, and may be delivered at any time and any number of times.
    pub(crate) grants: Vec<Grant>,
    pub(crate) witness: Witness,
}

impl World {
    /// Begins with an open ledger, all edges and all tasks.
    ///
    /// # Panics
    ///
    /// Panics if the ledger refuses any of it.
    #[must_use]
    pub fn begin(bounds: Bounds) -> Self {
        let mut world = Self {
            bounds,
            ledger: Ledger::default(),
            now: Timestamp::EPOCH,
            grants: Vec::new(),
            witness: Witness::new(&bounds),
        };
        let open = lifecycle::Command::Open { epoch: world.ledger.epoch() };
        world.must(Command::Ledger(open), Principal::System);
        world.must(token_creation(), Principal::System);
        for edge in world.edges() {
            world.must(edge.registration(), enrollee());
        }
        for task in world.tasks() {
            world.must(task.submission(&bounds), Principal::System);
        }
        world
    }

    /// Returns the ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the witness.
    #[must_use]
    pub const fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Lists the edges.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + use<> {
        (0..self.bounds.edges).map(Edge)
    }

    /// Lists the tasks.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + use<> {
        (0..self.bounds.tasks).map(Task)
    }

    /// Returns whether time has made something due that was not done yet.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.ledger.due(self.now).next().is_some()
    }

    /// Returns whether every task has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ledger.tasks().all(|(_, task)| task.finished_at().is_some())
    }

    /// Lets a tick pass.
    pub(crate) fn tick(&mut self) {
        self.now = self.now.after(TICK);
    }

    /// Does what is due, as a writer does before each command.
    pub(crate) fn timers(&mut self, rules: Rules) {
        // Rules that do not end what is due are to be found out, not to be waited for.
        for _ in 0..8 * self.bounds.tasks {
            let Some(command) = self.ledger.due(self.now).next() else { return };
            let asked = self.execute(rules, command, Principal::System);
            if !matches!(asked, Ok(true)) {
                return;
            }
        }
    }

    /// Asks something, once what is due is done. Returns whether anything happened.
    pub(crate) fn ask(
        &mut self,
        rules: Rules,
        command: Command,
        by: Principal,
    ) -> Result<bool, Rejection> {
        self.timers(rules);
        self.execute(rules, command, by)
    }

    /// Stops the ledger, in good order or not, and opens it again a tick later as a process does that
    /// knows nothing but what is stored; into a new epoch if it was restored.
    pub(crate) fn restart(&mut self, rules: Rules, closes: bool, restored: bool) {
        if closes {
            let close = Command::Ledger(lifecycle::Command::Close);
            self.execute(rules, close, Principal::System).expect("the ledger closes");
        }
        let stored = (rules.reopen)(&self.ledger);
        if stored != self.ledger {
            self.witness.breaks(Claim::ARestartChangesNothing);
        }
        self.ledger = stored;
        self.tick();
        let mut epoch = self.ledger.epoch();
        epoch.0 += u16::from(restored);
        let open = Command::Ledger(lifecycle::Command::Open { epoch });
        self.execute(rules, open, Principal::System).expect("the ledger opens");
    }

    fn execute(
        &mut self,
        rules: Rules,
        command: Command,
        principal: Principal,
    ) -> Result<bool, Rejection> {
        let events = match self.decide(rules, command.clone(), principal.clone())? {
            Decision::AlreadySo | Decision::Repeated { .. } => return Ok(false),
            Decision::Events(events) => events,
        };
        let (after, cause) = (self.ledger.head(), cause(principal));
        let commit = Commit { after, recorded_at: self.now, cause, events };
        self.ledger.apply(&commit).expect("what was decided on a ledger folds into it");
        self.witness.hear(&self.bounds, &command, &commit, &self.ledger);
        self.remember(&commit);
        Ok(true)
    }

    /// Decides a command and lets nothing happen.
    pub(crate) fn decide(
        &self,
        rules: Rules,
        command: Command,
        by: Principal,
    ) -> Result<Decision, Rejection> {
        (rules.decide)(&self.ledger, command, &cause(by), self.now)
    }

    /// Lets edges remember the leases that a commit grants, and forget older ones.
    fn remember(&mut self, commit: &Commit) {
        for envelope in commit.envelopes() {
            let Event::Task { id, what: task::Event::Leased { edge, .. } } = envelope.event else {
                continue;
            };
            let Some(task) = Task::of(id, &self.bounds) else { continue };
            let fence = task::Fence::of(self.ledger.epoch(), envelope.position);
            let grant = Grant { task, edge: Edge::of(*edge), fence };
            self.grants.push(grant);
            let alike = |other: &Grant| (other.task, other.edge) == (grant.task, grant.edge);
            let known = self.grants.iter().filter(|other| alike(other)).count();
            if known > self.bounds.remembered.into() {
                let oldest = self.grants.iter().position(alike);
                oldest.map(|oldest| self.grants.remove(oldest));
            }
        }
    }

    fn must(&mut self, command: Command, by: Principal) {
        let asked = self.execute(Rules::SHIPPED, command, by);
        assert_eq!(asked, Ok(true), "the ledger is prepared");
    }
}

fn cause(principal: Principal) -> Cause {
    Cause { command: CommandId::from_uuid(Uuid::nil()), principal, idempotency: None }
}

/// By its canonical form: what tells it from another world.
impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.form());
    }
}
