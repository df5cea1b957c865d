//! Who is known by something other than their id, and in which order they came: derived, never
//! stored.
use crate::{
    CredentialId, EdgeId, Position, TaskId, TokenId, edge,
    lookup::Lookup,
    minted::Minted,
    table::{Slot, Table},
};

use super::{Edges, Subjects, Tasks, Tokens, order::Order};

/// Names of edges and tasks, and everybody by the position that brought them into being.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    devices: Lookup,
    credentials: Table<CredentialId, Slot, Minted>,
    dedupe_keys: Lookup,
    tokens: Order,
    edges: Order,
    tasks: Order,
}

/// A name, and whom it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Token(Option<TokenId>),
    Edge(Option<EdgeId>, Option<&'a str>, Option<EdgeId>),
    Task(Option<&'a TaskId>, Option<&'a str>, Option<&'a TaskId>),
    Credential(CredentialId, Option<EdgeId>),
    Names { devices: usize, dedupe_keys: usize },
}

impl Names {
    pub(super) fn edge_with_credential(&self, id: CredentialId) -> Option<Slot> {
        self.credentials.get(&id).copied()
    }

    pub(super) fn edge_of_device(&self, number: &str, edges: &Edges) -> Option<Slot> {
        self.devices.find(number, |slot| device_number(edges, slot) == Some(number))
    }

    pub(super) fn task_of_dedupe_key(&self, key: &str, tasks: &Tasks) -> Option<Slot> {
        self.dedupe_keys.find(key, |slot| dedupe_key(tasks, slot) == Some(key))
    }

    pub(super) fn tokens_after(&self, after: Position) -> impl Iterator<Item = Slot> {
        self.tokens.after(after)
    }

    pub(super) fn edges_after(&self, after: Position) -> impl Iterator<Item = Slot> {
        self.edges.after(after)
    }

    pub(super) fn tasks_after(&self, after: Position) -> impl Iterator<Item = Slot> {
        self.tasks.after(after)
    }

    /// Lists all names with whom they lead to, to compare them with another's. Not for hot paths.
    pub(super) fn entries<'a>(&'a self, of: &'a Subjects) -> impl Iterator<Item = Entry<'a>> {
        let edge = |slot| Some(*of.edges.at(slot)?.0);
        let task = |slot| Some(of.tasks.at(slot)?.0);
        let listed_tokens = self.tokens_after(Position::START);
        let tokens = listed_tokens.map(|slot| Entry::Token(of.tokens.at(slot).map(|(id, _)| *id)));
        let edges = self.edges_after(Position::START).map(move |slot| {
            let device = device_number(&of.edges, slot);
            let found = device.and_then(|number| self.edge_of_device(number, &of.edges));
            Entry::Edge(edge(slot), device, found.and_then(edge))
        });
        let tasks = self.tasks_after(Position::START).map(move |slot| {
            let key = dedupe_key(&of.tasks, slot);
            let found = key.and_then(|key| self.task_of_dedupe_key(key, &of.tasks));
            Entry::Task(task(slot), key, found.and_then(task))
        });
        let credentials = self.credentials.sorted();
        let credentials = credentials.map(move |(id, slot)| Entry::Credential(*id, edge(*slot)));
        tokens.chain(edges).chain(tasks).chain(credentials).chain([Entry::Names {
            devices: self.devices.len(),
            dedupe_keys: self.dedupe_keys.len(),
        }])
    }

    pub(super) fn add_token(&mut self, slot: Slot, tokens: &Tokens) {
        let Some((_, token)) = tokens.at(slot) else { return };
        self.tokens.insert(token.created_position(), slot);
    }

    pub(super) fn add_edge(&mut self, slot: Slot, edges: &Edges) {
        let Some((_, edge)) = edges.at(slot) else { return };
        self.edges.insert(edge.registered_position(), slot);
        self.devices.insert(&edge.identity().device_number, slot);
        for credential in edge.credentials() {
            self.credentials.insert(credential.id, slot);
        }
    }

    pub(super) fn add_task(&mut self, slot: Slot, tasks: &Tasks) {
        let Some((_, task)) = tasks.at(slot) else { return };
        self.tasks.insert(task.submitted_position(), slot);
        if let Some(key) = task.dedupe_key() {
            self.dedupe_keys.insert(key, slot);
        }
    }

    /// Forgets a task that is still in the table.
    pub(super) fn remove_task(&mut self, slot: Slot, tasks: &Tasks) {
        let Some((_, task)) = tasks.at(slot) else { return };
        self.tasks.remove(task.submitted_position());
        if let Some(key) = task.dedupe_key() {
            self.dedupe_keys.remove(key, slot);
        }
    }

    /// Follows the credentials of an edge. Its device number never changes.
    pub(super) fn evolve(&mut self, slot: Slot, event: &edge::Event) {
        match event {
            edge::Event::CredentialIssued { credential, .. } => {
                self.credentials.insert(*credential, slot);
            }
            edge::Event::CredentialEnded { credential, .. } => {
                self.credentials.remove(credential);
            }
            edge::Event::Registered { .. }
            | edge::Event::Reregistered { .. }
            | edge::Event::CredentialExpirySet { .. }
            | edge::Event::Reported(_)
            | edge::Event::FailureCounted { .. }
            | edge::Event::FailuresCleared
            | edge::Event::Quarantined { .. }
            | edge::Event::Released
            | edge::Event::Disabled { .. }
            | edge::Event::Enabled
            | edge::Event::LabelsSet(_)
            | edge::Event::CapacitySet(_) => {}
        }
    }
}

fn device_number(edges: &Edges, slot: Slot) -> Option<&str> {
    edges.at(slot).map(|(_, edge)| &*edge.identity().device_number)
}

fn dedupe_key(tasks: &Tasks, slot: Slot) -> Option<&str> {
    tasks.at(slot).and_then(|(_, task)| task.dedupe_key())
}
