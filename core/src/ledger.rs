//! The whole ledger: every token, edge and task, folded from one log.
mod archive;
mod decide;
mod evolve;
mod index;
mod names;
mod order;

use std::hash::{BuildHasher, Hash};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Command, CredentialId, Digest, EdgeId, Position, TaskId, Timestamp, TokenId,
    codec::binary,
    edge::Edge,
    enrollment::Token,
    idempotency::Answered,
    lifecycle::{Epoch, OpenTime},
    minted::Minted,
    table::{Slot, Table},
    task::{self, Task},
    time::Millis,
};

pub use archive::Archived;
pub use decide::Decision;
pub use evolve::Corruption;
use index::Index;
use names::Names;

/// Every token, edge and task, as the log up to [`Ledger::head`] left them.
///
/// Two ledgers folded from the same commits are equal, list alike and serialize to the same bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Subjects")]
pub struct Ledger {
    subjects: Subjects,
    index: Index,
    names: Names,
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.subjects.serialize(serializer)
    }
}

impl PartialEq for Ledger {
    /// Compares what is derived too, by the subjects that it leads to.
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.subjects, &other.subjects);
        ours == theirs
            && self.index.entries(ours).eq(other.index.entries(theirs))
            && self.names.entries(ours).eq(other.names.entries(theirs))
    }
}

impl Eq for Ledger {}

type Tokens = Table<TokenId, Token, Minted>;
type Edges = Table<EdgeId, Edge, Minted>;
type Tasks = Table<TaskId, Task>;

/// What a ledger is, apart from what can be derived of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Subjects {
    head: Position,
    recorded_at: Timestamp,
    epoch: Epoch,
    open: OpenTime,
    tokens: Tokens,
    edges: Edges,
    tasks: Tasks,
    archived: Archived,
    answered: Answered,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::from(Subjects {
            head: Position::START,
            recorded_at: Timestamp::EPOCH,
            epoch: Epoch::default(),
            open: OpenTime::default(),
            tokens: Table::default(),
            edges: Table::default(),
            tasks: Table::default(),
            archived: Archived::default(),
            answered: Answered::default(),
        })
    }
}

impl From<Subjects> for Ledger {
    fn from(subjects: Subjects) -> Self {
        let mut index = Index::default();
        let mut names = Names::default();
        for slot in oldest_first(&subjects.tasks, Task::submitted_position) {
            index.add(slot, &subjects.tasks, &subjects.edges);
            names.add_task(slot, &subjects.tasks);
        }
        for slot in oldest_first(&subjects.edges, Edge::registered_position) {
            names.add_edge(slot, &subjects.edges);
        }
        for slot in oldest_first(&subjects.tokens, Token::created_position) {
            names.add_token(slot, &subjects.tokens);
        }
        Self { subjects, index, names }
    }
}

/// Lists the slots of a table as they were taken: what is kept in the order of positions is then
/// only ever added to at its end.
fn oldest_first<K, V, S>(
    table: &Table<K, V, S>,
    position: impl Fn(&V) -> Position,
) -> impl Iterator<Item = Slot>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    let at = |slot| table.at(slot).map(|(_, row)| (position(row), slot));
    let mut slots: Vec<_> = table.slots().filter_map(at).collect();
    slots.sort_unstable_by_key(|(at, _)| *at);
    slots.into_iter().map(|(_, slot)| slot)
}

impl Ledger {
    /// Lists the commands that time alone makes due at `now`, earliest first. Executing the first
    /// and asking again comes to an end.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = Command> {
        self.index
            .due(now)
            .filter_map(|(slot, command)| Some((self.subjects.tasks.at(slot)?.0, command)))
            .map(|(id, command)| Command::Task(id.clone(), task::Command::System(command)))
    }

    /// Returns when time alone will next make a command due: how long a reactor may sleep.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.index.next_due()
    }

    /// Returns the position of the last event folded in.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.subjects.head
    }

    /// Returns when the last commit was recorded; the epoch before the first.
    #[must_use]
    pub const fn recorded_at(&self) -> Timestamp {
        self.subjects.recorded_at
    }

    /// Returns the epoch it serves in.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.subjects.epoch
    }

    /// Returns whether it has been opened and not been closed since.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.subjects.open.is_open()
    }

    /// Returns how long it has been open at `now`, all openings together.
    #[must_use]
    pub fn open_time(&self, now: Timestamp) -> Millis {
        self.subjects.open.at(now)
    }

    /// Looks up an enrollment token.
    #[must_use]
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.subjects.tokens.get(&id)
    }

    /// Looks up an edge.
    #[must_use]
    pub fn edge(&self, id: EdgeId) -> Option<&Edge> {
        self.subjects.edges.get(&id)
    }

    /// Looks up the edge that has a credential which has not been ended.
    #[must_use]
    pub fn edge_with_credential(&self, id: CredentialId) -> Option<(EdgeId, &Edge)> {
        self.edge_at(self.names.edge_with_credential(id)?)
    }

    /// Looks up the edge of a device.
    #[must_use]
    pub fn edge_of_device(&self, device_number: &str) -> Option<(EdgeId, &Edge)> {
        self.edge_at(self.names.edge_of_device(device_number, &self.subjects.edges)?)
    }

    /// Looks up a task.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.subjects.tasks.get(id)
    }

    /// Looks up a task together with its id, for those who keep no id of their own.
    #[must_use]
    pub fn task_entry(&self, id: &TaskId) -> Option<(&TaskId, &Task)> {
        self.subjects.tasks.entry(id)
    }

    /// Looks up the task that was submitted under a dedupe key.
    #[must_use]
    pub fn task_of_dedupe_key(&self, key: &str) -> Option<(&TaskId, &Task)> {
        let slot = self.names.task_of_dedupe_key(key, &self.subjects.tasks)?;
        self.subjects.tasks.at(slot)
    }

    /// Lists the tasks an edge holds, oldest lease first.
    pub fn held_by(&self, edge: EdgeId) -> impl Iterator<Item = (&TaskId, &Task)> {
        let slot = self.subjects.edges.find(&edge);
        let held = slot.into_iter().flat_map(|slot| self.index.held_by(slot));
        held.filter_map(|slot| self.subjects.tasks.at(slot))
    }

    /// Returns whether no task that waits would be leased to an edge before this one.
    #[must_use]
    pub fn goes_first(&self, id: &TaskId, edge: EdgeId) -> bool {
        let known = self.task(id).zip(self.edge(edge));
        known.is_none_or(|(task, at)| self.index.goes_first(task, edge, at.labels()))
    }

    /// Counts the tasks that wait and would be leased to an edge before this one.
    #[must_use]
    pub fn ahead_of(&self, id: &TaskId, edge: EdgeId) -> usize {
        let known = self.task(id).zip(self.edge(edge));
        known.map_or(0, |(task, at)| self.index.ahead_of(task, edge, at.labels()))
    }

    /// Lists the enrollment tokens created past a position, oldest first.
    pub fn tokens_after(&self, after: Position) -> impl Iterator<Item = (TokenId, &Token)> {
        let tokens = &self.subjects.tokens;
        let slots = self.names.tokens_after(after);
        slots.filter_map(|slot| tokens.at(slot)).map(|(id, token)| (*id, token))
    }

    /// Lists the edges registered past a position, oldest first.
    pub fn edges_after(&self, after: Position) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.names.edges_after(after).filter_map(|slot| self.edge_at(slot))
    }

    /// Lists the tasks submitted past a position, oldest first.
    pub fn tasks_after(&self, after: Position) -> impl Iterator<Item = (&TaskId, &Task)> {
        self.names.tasks_after(after).filter_map(|slot| self.subjects.tasks.at(slot))
    }

    /// Lists every enrollment token, oldest first.
    pub fn tokens(&self) -> impl Iterator<Item = (TokenId, &Token)> {
        self.tokens_after(Position::START)
    }

    /// Lists every edge, oldest first.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.edges_after(Position::START)
    }

    /// Lists every task, oldest first.
    pub fn tasks(&self) -> impl Iterator<Item = (&TaskId, &Task)> {
        self.tasks_after(Position::START)
    }

    /// Lists the tasks whose runs are over, in the order in which they ended.
    pub fn finished(&self) -> impl Iterator<Item = (&TaskId, &Task)> {
        self.index.finished().filter_map(|slot| self.subjects.tasks.at(slot))
    }

    /// Returns what the tasks add up to that have left for the archive.
    #[must_use]
    pub const fn archived(&self) -> Archived {
        self.subjects.archived
    }

    fn edge_at(&self, slot: Slot) -> Option<(EdgeId, &Edge)> {
        self.subjects.edges.at(slot).map(|(id, edge)| (*id, edge))
    }

    /// Counts tokens, edges and tasks.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            tokens: self.subjects.tokens.len(),
            edges: self.subjects.edges.len(),
            tasks: self.subjects.tasks.len(),
            archived: self.subjects.archived.tasks(),
        }
    }

    /// Returns the digest of all that the ledger is. Equal ledgers have equal digests; what is
    /// only derived, as any index, is not part of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        binary::digest(self)
    }
}

/// How many subjects there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Enrollment tokens.
    pub tokens: usize,
    /// Edges.
    pub edges: usize,
    /// Tasks, finished ones too until they leave.
    pub tasks: usize,
    /// Tasks that have left for the archive.
    pub archived: u64,
}
