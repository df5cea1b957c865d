//! Everything that can be done to a ledger, in every order.
use edge_ledger_core::{
    Command, Decision, Principal,
    edge::{self, Standing},
    task::{
        self, Completion, HolderCommand, OperatorCommand, Poll, Progress, Rejection, State,
        SystemCommand,
    },
};
use stateright::{Model, Property};

use crate::{Bounds, Claim, Edge, Grant, Rules, Task, World, cast::operator, cast::rows};

/// A ledger in a storm: what decides, in a world so large.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// How large the world is.
    pub bounds: Bounds,
    /// What decides.
    pub rules: Rules,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A tick passes.
    Tick,
    /// The timers fire, before anybody asks anything.
    Timers,
    /// A message arrives. It may arrive again.
    Deliver(Message),
    /// An operator cancels a task.
    Cancel(Task),
    /// An operator begins a new run of a task.
    Retry(Task),
    /// An operator gives a task to one edge, or to any.
    Reassign(Task, Option<Edge>),
    /// An operator adopts the rows that were kept aside.
    Adopt(Task),
    /// An operator lifts the quarantine of an edge.
    Release(Edge),
    /// An operator disables an edge.
    Disable(Edge),
    /// An operator enables an edge.
    Enable(Edge),
    /// The ledger stops, in good order or not, and is opened again a tick later.
    Restart {
        /// Whether it is closed in good order.
        closes: bool,
    },
    /// The ledger is restored and opened in a new epoch.
    Restore,
}

/// A message of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// It asks for work. It says that it holds one task, or, after it began anew, none.
    Poll(Edge, Option<Task>),
    /// It speaks under a lease that it was granted once.
    Says(Grant, Word),
}

/// What an edge says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is at work.
    Heartbeat,
    /// It has rows: the first one, or another one twice with the first one between.
    Results(u8),
    /// It is done.
    Complete,
    /// It could not do it. Another attempt may go better.
    Fail,
    /// It could not do it, and nobody can.
    GiveUp,
}

impl Model for Storm {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::begin(self.bounds)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.witness.holds_all() {
            world.steps(steps);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        world.after(self.rules, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        claims().into_iter().chain(sights(&self.bounds)).collect()
    }
}

/// What has to hold in every state.
fn claims() -> Vec<Property<Storm>> {
    let name = Claim::name;
    vec![
        Property::always(name(Claim::OneHolder), |_, world: &World| {
            world.witness.holds(Claim::OneHolder)
        }),
        Property::always(name(Claim::NothingUnderAnOldFence), |_, world: &World| {
            world.witness.holds(Claim::NothingUnderAnOldFence)
        }),
        Property::always(name(Claim::NoRowLostOrDoubled), |_, world: &World| {
            world.witness.holds(Claim::NoRowLostOrDoubled)
        }),
        Property::always(name(Claim::TheEndStays), |_, world: &World| {
            world.witness.holds(Claim::TheEndStays)
        }),
        Property::always(name(Claim::QuarantineGrantsNothing), |_, world: &World| {
            world.witness.holds(Claim::QuarantineGrantsNothing)
        }),
        Property::always(name(Claim::ARestartChangesNothing), |_, world: &World| {
            world.witness.holds(Claim::ARestartChangesNothing)
        }),
    ]
}

/// What has to be seen: a claim about what never happens proves nothing.
fn sights(bounds: &Bounds) -> Vec<Property<Storm>> {
    let mut sights: Vec<Property<Storm>> = vec![
        Property::sometimes("all tasks are done", |_, world: &World| {
            let mut told = world.witness.tasks.iter();
            told.all(|told| told.ended == Some(task::TaskStatus::Done))
        }),
        Property::sometimes("two edges hold a task each", |_, world: &World| {
            world.ledger.edges().filter(|(id, _)| world.ledger.held_by(*id).count() == 1).count()
                > 1
        }),
        Property::sometimes("a lease was handed out again", |_, world: &World| {
            let redelivered =
                |task: &task::Task| task.lease().is_some_and(|it| it.redeliveries > 2);
            world.ledger.tasks().any(|(_, task)| redelivered(task))
        }),
    ];
    if bounds.attempts > 1 {
        sights.push(Property::sometimes(
            "a lease was lost, and its holder may still speak",
            |_, world: &World| {
                world
                    .ledger
                    .tasks()
                    .any(|(_, task)| !task.lost().is_empty() && task.lease().is_some())
            },
        ));
    }
    if bounds.tasks * bounds.attempts * bounds.runs >= edge::QUARANTINE_AFTER as u8 {
        sights.push(Property::sometimes("an edge is in quarantine", |_, world: &World| {
            let quarantined =
                |edge: &edge::Edge| matches!(edge.standing(), Standing::Quarantined { .. });
            world.ledger.edges().any(|(_, edge)| quarantined(edge))
        }));
    }
    if bounds.late_rows {
        sights.push(Property::sometimes("rows are kept aside", |_, world: &World| {
            world.ledger.tasks().any(|(_, task)| !task.late_results().is_empty())
        }));
    }
    sights
}

impl World {
    /// Lists what can happen.
    fn steps(&self, steps: &mut Vec<Step>) {
        // A timer is late by less than a tick.
        steps.push(if self.is_due() { Step::Timers } else { Step::Tick });
        steps.extend([Step::Restart { closes: true }, Step::Restart { closes: false }]);
        if self.ledger.epoch().0 < u16::from(self.bounds.restores) {
            steps.push(Step::Restore);
        }
        for edge in self.edges() {
            steps.push(Step::Deliver(Message::Poll(edge, None)));
            let polls = |task: &Task| self.was_granted(edge, *task);
            let polls = self.tasks().filter(polls);
            steps.extend(polls.map(|task| Step::Deliver(Message::Poll(edge, Some(task)))));
            self.steps_of_edge(edge, steps);
        }
        for grant in &self.grants {
            let words = [Word::Heartbeat, Word::Complete, Word::Fail, Word::GiveUp];
            let results = (0..self.bounds.rows).map(Word::Results);
            let words = words.into_iter().chain(results);
            steps.extend(words.map(|word| Step::Deliver(Message::Says(*grant, word))));
        }
        for task in self.tasks() {
            self.steps_of_task(task, steps);
        }
    }

    fn steps_of_edge(&self, edge: Edge, steps: &mut Vec<Step>) {
        let Some(known) = self.ledger.edge(edge.id()) else { return };
        match known.standing() {
            Standing::Active => {}
            Standing::Quarantined { .. } => steps.push(Step::Release(edge)),
            Standing::Disabled { .. } => steps.push(Step::Enable(edge)),
        }
        if self.bounds.meddling {
            steps.push(Step::Disable(edge));
        }
    }

    fn steps_of_task(&self, task: Task, steps: &mut Vec<Step>) {
        let Some(known) = self.ledger.task(&task.id()) else { return };
        steps.push(Step::Cancel(task));
        match known.state() {
            State::Finished { .. } if known.run() < self.bounds.runs.into() => {
                steps.push(Step::Retry(task));
            }
            State::Awaiting { .. } | State::Leased(_) | State::Finished { .. } => {}
        }
        if self.bounds.meddling {
            steps.push(Step::Reassign(task, None));
            steps.extend(self.edges().map(|edge| Step::Reassign(task, Some(edge))));
        }
        if self.bounds.late_rows && !known.late_results().is_empty() {
            steps.push(Step::Adopt(task));
        }
    }

    fn was_granted(&self, edge: Edge, task: Task) -> bool {
        self.grants.iter().any(|grant| (grant.edge, grant.task) == (edge, task))
    }

    /// Returns the world after a step; none if nothing has happened.
    #[must_use]
    pub fn after(&self, rules: Rules, step: Step) -> Option<Self> {
        if !self.bounds.late_rows && !self.is_due() && self.refuses(rules, step) {
            return None;
        }
        let mut world = self.clone();
        world.take(rules, step);
        (world.ledger.head() != self.ledger.head() || world.now != self.now).then_some(world)
    }

    /// Returns whether a step asks something that changes nothing, without taking it.
    fn refuses(&self, rules: Rules, step: Step) -> bool {
        let Some((command, by)) = request(step) else { return false };
        !matches!(self.decide(rules, command, by), Ok(Decision::Events(_)))
    }

    pub(crate) fn take(&mut self, rules: Rules, step: Step) {
        match step {
            Step::Tick => self.tick(),
            Step::Timers => self.timers(rules),
            Step::Restart { closes } => self.restart(rules, closes, false),
            Step::Restore => self.restart(rules, false, true),
            Step::Deliver(Message::Says(grant, Word::Results(number))) => {
                self.results(rules, grant, number);
            }
            Step::Deliver(_)
            | Step::Cancel(_)
            | Step::Retry(_)
            | Step::Reassign(..)
            | Step::Adopt(_)
            | Step::Release(_)
            | Step::Disable(_)
            | Step::Enable(_) => {
                if let Some((command, by)) = request(step) {
                    // A refusal leaves everything as it was.
                    let _refused = self.ask(rules, command, by);
                }
            }
        }
    }

    /// Delivers rows. Those that come too late are kept aside, as adapters do.
    fn results(&mut self, rules: Rules, grant: Grant, number: u8) {
        let message = Message::Says(grant, Word::Results(number));
        let asked = self.ask(rules, message.command(), grant.edge.principal());
        let lost = matches!(
            asked,
            Err(edge_ledger_core::Rejection::Task(
                Rejection::LeaseLost(_) | Rejection::FenceStale(_)
            ))
        );
        if lost && self.bounds.late_rows {
            let (edge, rows) = (grant.edge.id(), rows(&sent(number)));
            let keep = task::Command::System(SystemCommand::KeepLateResults { edge, rows });
            let _refused = self.ask(rules, Command::Task(grant.task.id(), keep), Principal::System);
        }
    }
}

/// Returns what a step asks, and who does; none if it asks nothing.
fn request(step: Step) -> Option<(Command, Principal)> {
    let wish = |task: Task, wish| Command::Task(task.id(), task::Command::Operator(wish));
    let manage = |edge: Edge, command| Command::Edge(edge.id(), command);
    let command = match step {
        Step::Tick | Step::Timers | Step::Restart { .. } | Step::Restore => return None,
        Step::Deliver(message) => {
            return Some((message.command(), message.sender().principal()));
        }
        Step::Cancel(task) => wish(task, OperatorCommand::Cancel { reason: "no more".into() }),
        Step::Retry(task) => wish(task, OperatorCommand::Retry),
        Step::Reassign(task, to) => wish(task, OperatorCommand::Reassign { to: to.map(Edge::id) }),
        Step::Adopt(task) => wish(task, OperatorCommand::AdoptLateResults { kept_at: None }),
        Step::Release(edge) => manage(edge, edge::Command::Release),
        Step::Disable(edge) => manage(edge, edge::Command::Disable { reason: "no more".into() }),
        Step::Enable(edge) => manage(edge, edge::Command::Enable),
    };
    Some((command, operator()))
}

impl Message {
    /// Returns who sends it.
    #[must_use]
    pub const fn sender(self) -> Edge {
        match self {
            Self::Poll(edge, _) | Self::Says(Grant { edge, .. }, _) => edge,
        }
    }

    /// Returns what it asks.
    #[must_use]
    pub fn command(self) -> Command {
        match self {
            Self::Poll(_, holding) => {
                let holding = holding.map(Task::id).into_iter().collect();
                Command::Poll(Poll { holding: Some(holding), capacity: 1 })
            }
            Self::Says(Grant { task, fence, .. }, word) => {
                Command::Task(task.id(), task::Command::Holder(Some(fence), word.command()))
            }
        }
    }
}

impl Word {
    fn command(self) -> HolderCommand {
        match self {
            Self::Heartbeat => HolderCommand::Heartbeat(Progress::default()),
            Self::Results(number) => HolderCommand::StoreResults(rows(&sent(number))),
            Self::Complete => {
                HolderCommand::Complete(Completion { best: Box::default(), processed: 0, total: 0 })
            }
            Self::Fail => HolderCommand::Fail { error: "no luck".into(), retryable: true },
            Self::GiveUp => HolderCommand::Fail { error: "no way".into(), retryable: false },
        }
    }
}

/// Returns the numbers of the rows that one message brings.
fn sent(number: u8) -> Vec<u8> {
    match number {
        0 => vec![0],
        number => vec![number, 0, number],
    }
}
