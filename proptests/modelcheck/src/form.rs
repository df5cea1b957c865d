//! What tells one world from another: all that it may still come to, and nothing else.
//!
//! A world is written down as bytes. Times count from now, fences by their order among those of the
//! task that somebody may still show, beginnings of runs by their order in the queue; what nothing
//! will be decided by (names, trails, contacts, why a lease was lost) is left out. So what only ever
//! counts up makes no new worlds. Of the ways in which edges and tasks can be named, the form takes
//! the one that comes first.
use edge_ledger_core::{
    Position, Timestamp,
    edge::{self, Standing},
    task::{self, Fence, Outcome, State},
};

use crate::{Edge, TICK, Task, World, cast::row_number};

impl World {
    /// Returns its canonical form: the same for two worlds in which the same may follow.
    #[must_use]
    pub fn form(&self) -> Vec<u8> {
        let namings = |count: u8| {
            let named: Vec<u8> = (0..count).collect();
            if self.bounds.symmetry { orders(&named) } else { vec![named] }
        };
        let tasks = namings(self.bounds.tasks);
        let of_edges = namings(self.bounds.edges);
        let forms = of_edges.iter().flat_map(|edges| {
            tasks.iter().map(move |tasks| Form::of(self, Naming { edges, tasks }))
        });
        forms.min().unwrap_or_default()
    }
}

/// An order in which edges and tasks are listed.
#[derive(Clone, Copy)]
struct Naming<'a> {
    edges: &'a [u8],
    tasks: &'a [u8],
}

impl Naming<'_> {
    fn edge(self, edge: Edge) -> u8 {
        self.edges.iter().position(|other| *other == edge.0).map_or(u8::MAX, small)
    }
}

struct Form<'a> {
    world: &'a World,
    naming: Naming<'a>,
    bytes: Vec<u8>,
}

impl<'a> Form<'a> {
    fn of(world: &'a World, naming: Naming<'a>) -> Vec<u8> {
        let mut form = Self { world, naming, bytes: Vec::with_capacity(96) };
        // A world in which something broke is never one in which nothing did.
        form.put(&[world.witness.broken]);
        form.put(&[u8::from(world.ledger.is_open()), small(world.ledger.epoch().0.into())]);
        for edge in naming.edges {
            form.edge(Edge(*edge));
        }
        for task in naming.tasks {
            form.task(Task(*task));
        }
        form.bytes
    }

    fn edge(&mut self, edge: Edge) {
        let Some(known) = self.world.ledger.edge(edge.id()) else { return };
        self.put(&[
            standing(known),
            small(known.failures() as usize),
            self.world.witness.barred >> edge.0 & 1,
        ]);
    }

    fn task(&mut self, task: Task) {
        let Some(known) = self.world.ledger.task(&task.id()) else { return };
        let fences = self.fences(task, known);
        let fence = |fence: Fence| small(fences.iter().filter(|other| **other < fence).count());
        self.put(&[
            small(known.run() as usize),
            small(known.attempts() as usize),
            self.place_in_queue(known.run_began()),
            known.deadline_at().map_or(u8::MAX, |deadline| self.ticks_until(deadline)),
            known.terms().assigned_to.map_or(u8::MAX, |edge| self.naming.edge(Edge::of(edge))),
            small(known.row_count()),
        ]);
        match known.state() {
            State::Awaiting { ready_at: None } => self.put(&[0]),
            State::Awaiting { ready_at: Some(at) } => self.put(&[1, self.ticks_until(*at)]),
            State::Leased(lease) => self.put(&[
                2,
                self.naming.edge(Edge::of(lease.edge)),
                fence(lease.fence),
                small(lease.attempt as usize),
                self.ticks_until(lease.expires_at),
                lease.redeliveries,
                lease.started.into(),
            ]),
            State::Finished { outcome, .. } => self.put(&[3 + how(outcome)]),
        }
        let lost = |edge: &u8| known.lost().get(Edge(*edge).id()).is_some();
        let lost = self.naming.edges.iter().map(lost).collect::<Vec<_>>();
        lost.into_iter().for_each(|lost| self.put(&[lost.into()]));
        for late in known.late_results() {
            let rows = late.config_ids.iter().fold(0, |all, id| all | 1 << row_number(id));
            self.put(&[self.naming.edge(Edge::of(late.edge)), small(late.run as usize), rows]);
        }
        self.told(task, fence);
        self.grants(task, fence);
    }

    /// A right ledger says what it shows, but a twin of it may not.
    fn told(&mut self, task: Task, fence: impl Fn(Fence) -> u8) {
        let told = &self.world.witness.tasks[usize::from(task.0)];
        let holder = told.holder.map_or([u8::MAX; 3], |holder| {
            [self.naming.edge(holder.edge), fence(holder.fence), self.ticks_until(holder.until)]
        });
        let ended = told.ended.map_or(0, |ended| 1 + ended as u8);
        let rest = [fence(told.newest), told.rows, ended];
        self.put(&holder);
        self.put(&rest);
    }

    fn grants(&mut self, task: Task, fence: impl Fn(Fence) -> u8) {
        let grants = self.world.grants.iter().filter(|grant| grant.task == task);
        let mut grants: Vec<_> =
            grants.map(|grant| [self.naming.edge(grant.edge), fence(grant.fence)]).collect();
        grants.sort_unstable();
        self.put(&[small(grants.len())]);
        grants.iter().for_each(|grant| self.put(grant));
    }

    /// Lists the fences of a task that matter: those that are shown, and those that may be.
    fn fences(&self, task: Task, known: &task::Task) -> Vec<Fence> {
        let told = &self.world.witness.tasks[usize::from(task.0)];
        let granted = self.world.grants.iter().filter(|grant| grant.task == task);
        let mut fences: Vec<_> = granted
            .map(|grant| grant.fence)
            .chain(known.lease().map(|lease| lease.fence))
            .chain(told.holder.map(|holder| holder.fence))
            .chain([told.newest])
            .collect();
        fences.sort_unstable();
        fences.dedup();
        fences
    }

    fn place_in_queue(&self, began: Position) -> u8 {
        small(self.world.ledger.tasks().filter(|(_, other)| other.run_began() < began).count())
    }

    /// Counts ticks, the last one begun as a whole one.
    fn ticks_until(&self, at: Timestamp) -> u8 {
        small(at.since(self.world.now).0.div_ceil(TICK.0) as usize)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

fn standing(edge: &edge::Edge) -> u8 {
    match edge.standing() {
        Standing::Active => 0,
        Standing::Quarantined { .. } => 1,
        Standing::Disabled { .. } => 2,
    }
}

const fn how(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Completed(_) => 0,
        Outcome::Failed { .. } => 1,
        Outcome::Cancelled { .. } => 2,
    }
}

/// Lists every order of some things.
pub(crate) fn orders(things: &[u8]) -> Vec<Vec<u8>> {
    let Some((last, rest)) = things.split_last() else { return vec![vec![]] };
    let with_last = |order: Vec<u8>| {
        (0..=order.len()).map(move |at| {
            let mut order = order.clone();
            order.insert(at, *last);
            order
        })
    };
    orders(rest).into_iter().flat_map(with_last).collect()
}

/// Everything that is counted here is small, or the worlds would not be few.
fn small(count: usize) -> u8 {
    u8::try_from(count).expect("what is counted is bounded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_listed_once() {
        assert_eq!(orders(&[]), vec![Vec::<u8>::new()]);
        assert_eq!(orders(&[0, 1]), [[1, 0], [0, 1]]);
        let mut three = orders(&[0, 1, 2]);
        three.sort();
        three.dedup();
        assert_eq!(three.len(), 6);
    }
}
