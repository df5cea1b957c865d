//! Who is known by something other than their id, and in which order they came: derived, never
//! stored.
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use crate::{
    CredentialId, EdgeId, Position, TaskId, TokenId,
    edge::{self, Edge},
    enrollment::Token,
    table::Table,
    task::Task,
};

/// Names of edges and tasks, and everybody by the position that brought them into being.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    devices: Table<Box<str>, EdgeId>,
    credentials: Table<CredentialId, EdgeId>,
    dedupe_keys: Table<Box<str>, TaskId>,
    tokens: BTreeMap<Position, TokenId>,
    edges: BTreeMap<Position, EdgeId>,
    tasks: BTreeMap<Position, TaskId>,
}

impl Names {
    pub(super) fn edge_with_credential(&self, id: CredentialId) -> Option<&EdgeId> {
        self.credentials.get(&id)
    }

    pub(super) fn edge_of_device(&self, device_number: &str) -> Option<&EdgeId> {
        self.devices.get(&device_number.into())
    }

    pub(super) fn task_of_dedupe_key(&self, key: &str) -> Option<&TaskId> {
        self.dedupe_keys.get(&key.into())
    }

    pub(super) fn tokens_after(&self, after: Position) -> impl Iterator<Item = &TokenId> {
        self.tokens.range((Excluded(after), Unbounded)).map(|(_, id)| id)
    }

    pub(super) fn edges_after(&self, after: Position) -> impl Iterator<Item = &EdgeId> {
        self.edges.range((Excluded(after), Unbounded)).map(|(_, id)| id)
    }

    pub(super) fn tasks_after(&self, after: Position) -> impl Iterator<Item = &TaskId> {
        self.tasks.range((Excluded(after), Unbounded)).map(|(_, id)| id)
    }

    pub(super) fn add_token(&mut self, id: TokenId, token: &Token) {
        self.tokens.insert(token.created_position(), id);
    }

    pub(super) fn add_edge(&mut self, id: EdgeId, edge: &Edge) {
        self.edges.insert(edge.registered_position(), id);
        self.devices.insert(edge.identity().device_number.clone(), id);
        for credential in edge.credentials() {
            self.credentials.insert(credential.id, id);
        }
    }

    pub(super) fn add_task(&mut self, id: &TaskId, task: &Task) {
        self.tasks.insert(task.submitted_position(), id.clone());
        if let Some(key) = task.dedupe_key() {
            self.dedupe_keys.insert(key.into(), id.clone());
        }
    }

    /// Follows the credentials of an edge. Its device number never changes.
    pub(super) fn evolve(&mut self, id: EdgeId, event: &edge::Event) {
        match event {
            edge::Event::CredentialIssued { credential, .. } => {
                self.credentials.insert(*credential, id);
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
