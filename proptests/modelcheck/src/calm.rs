//! What becomes of a ledger once a storm is over: every task ends.
//!
//! A fair scheduler goes round: a tick passes, what is due is done, every edge has its turn, and an
//! operator lifts every quarantine. What an edge does with its turn is its own affair, and may be
//! another thing each round. That every task ends in so many rounds is checked as something that is
//! never otherwise, so that a ledger which goes in circles is found, too.
use edge_ledger_core::{
    edge::{self, Standing},
    task::Lease,
};
use stateright::{Model, Property};

use crate::{Bounds, Edge, Grant, Message, Rules, Step, Storm, Task, Word, World, form::orders};

/// A storm of some steps, and calm after it.
#[derive(Clone, Copy, Debug)]
pub struct Calm {
    /// How large the world is.
    pub bounds: Bounds,
    /// What decides.
    pub rules: Rules,
    /// How many steps a storm has at most.
    pub storm: u8,
    /// In how many rounds every task is to end.
    pub rounds: u8,
}

/// A world, in a storm or in calm.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Sky {
    /// The world.
    pub world: World,
    /// What is left of the storm, or of the calm.
    pub left: Left,
}

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// So many steps of a storm, if it does not abate.
    Storm(u8),
    /// So many rounds, in which every task has to end.
    Calm(u8),
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// The storm goes on.
    Stormy(Step),
    /// The storm is over.
    Abates,
    /// Everybody has a turn: the edges do this, in this order.
    Turns(Vec<(Edge, Manner)>),
}

/// What an edge does with its turn. One that holds nothing asks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It sends a row the first time, and is done the next.
    Works,
    /// It fails.
    Fails,
    /// It says nothing.
    Silent,
    /// It begins anew, and knows nothing of what it holds.
    Restarts,
}

impl Model for Calm {
    type State = Sky;
    type Action = Round;

    fn init_states(&self) -> Vec<Sky> {
        vec![Sky { world: World::begin(self.bounds), left: Left::Storm(self.storm) }]
    }

    fn actions(&self, sky: &Sky, rounds: &mut Vec<Round>) {
        match sky.left {
            Left::Storm(steps) => {
                rounds.push(Round::Abates);
                if steps > 0 {
                    let mut stormy = Vec::new();
                    self.storm().actions(&sky.world, &mut stormy);
                    rounds.extend(stormy.into_iter().map(Round::Stormy));
                }
            }
            Left::Calm(0) => {}
            Left::Calm(_) if sky.world.has_ended() => {}
            Left::Calm(_) => rounds.extend(manners(self.bounds.edges).map(Round::Turns)),
        }
    }

    fn next_state(&self, sky: &Sky, round: Round) -> Option<Sky> {
        let (world, left) = match (round, sky.left) {
            (Round::Stormy(step), Left::Storm(steps)) => {
                (self.storm().next_state(&sky.world, step)?, Left::Storm(steps.checked_sub(1)?))
            }
            (Round::Abates, Left::Storm(_)) => (sky.world.clone(), Left::Calm(self.rounds)),
            (Round::Turns(turns), Left::Calm(rounds)) => {
                (sky.world.after_round(self.rules, &turns), Left::Calm(rounds.checked_sub(1)?))
            }
            (Round::Stormy(_) | Round::Abates, Left::Calm(_))
            | (Round::Turns(_), Left::Storm(_)) => return None,
        };
        Some(Sky { world, left })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::PROGRESS, |_, sky: &Sky| {
                sky.left != Left::Calm(0) || sky.world.has_ended()
            }),
            Property::sometimes("tasks end", |_, sky: &Sky| {
                matches!(sky.left, Left::Calm(_)) && sky.world.has_ended()
            }),
        ]
    }
}

impl Calm {
    /// The name of what is checked.
    pub const PROGRESS: &'static str = "every task ends within the rounds";

    const fn storm(&self) -> Storm {
        Storm { bounds: self.bounds, rules: self.rules }
    }
}

/// Lists what so many edges may do with their turns, each whatever the others do, in any order.
fn manners(edges: u8) -> impl Iterator<Item = Vec<(Edge, Manner)>> {
    let each = [Manner::Works, Manner::Fails, Manner::Silent, Manner::Restarts];
    let choices = 0..each.len().pow(edges.into());
    let manner =
        move |choice: usize, edge: u8| each[choice / each.len().pow(edge.into()) % each.len()];
    let all: Vec<_> = (0..edges).collect();
    orders(&all).into_iter().flat_map(move |order| {
        choices.clone().map(move |choice| {
            order.iter().map(|edge| (Edge(*edge), manner(choice, *edge))).collect()
        })
    })
}

impl World {
    fn after_round(&self, rules: Rules, turns: &[(Edge, Manner)]) -> Self {
        let mut world = self.clone();
        world.timers(rules);
        world.tick();
        world.timers(rules);
        for (edge, manner) in turns {
            world.turn(rules, *edge, *manner);
        }
        for edge in world.edges() {
            world.be_lenient(rules, edge);
        }
        world
    }

    fn turn(&mut self, rules: Rules, edge: Edge, manner: Manner) {
        let step = match (self.lease_of(edge), manner) {
            (None, _) | (Some(_), Manner::Restarts) => Message::Poll(edge, None),
            (Some(_), Manner::Silent) => return,
            (Some((grant, _)), Manner::Fails) => Message::Says(grant, Word::Fail),
            (Some((grant, true)), Manner::Works) => Message::Says(grant, Word::Complete),
            (Some((grant, false)), Manner::Works) => Message::Says(grant, Word::Results(0)),
        };
        self.take(rules, Step::Deliver(step));
    }

    /// Lifts what keeps an edge from work.
    fn be_lenient(&mut self, rules: Rules, edge: Edge) {
        let standing = self.ledger.edge(edge.id()).map(edge::Edge::standing);
        match standing {
            None | Some(Standing::Active) => {}
            Some(Standing::Quarantined { .. }) => self.take(rules, Step::Release(edge)),
            Some(Standing::Disabled { .. }) => self.take(rules, Step::Enable(edge)),
        }
    }

    /// Returns the lease that an edge holds, and whether it was begun.
    fn lease_of(&self, edge: Edge) -> Option<(Grant, bool)> {
        let (id, task) = self.ledger.held_by(edge.id()).next()?;
        let Lease { fence, started, .. } = *task.lease()?;
        let task = Task::of(id, &self.bounds)?;
        Some((Grant { task, edge, fence }, started))
    }
}
