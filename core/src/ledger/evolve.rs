//! How commits become state.
use crate::{
    Commit, Envelope, Event, Position, Principal, Timestamp,
    edge::{self, Edge},
    enrollment::{self, Token},
    lifecycle,
    task::{self, Task},
};

use super::Ledger;

/// The log does not fold: it was cut, reordered, or written by something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// A commit does not follow the one before.
    #[error("expected a commit after position {expected}, found one after {found}")]
    Gap {
        /// The position of the last event applied.
        expected: Position,
        /// Where the commit at hand wants to stand.
        found: Position,
    },
    /// A commit holds no events.
    #[error("the commit after position {0} is empty")]
    Empty(Position),
    /// A commit is older than the one before.
    #[error("the commit after position {after} is of {found}, the one before it of {expected}")]
    OutOfTime {
        /// Where it stands.
        after: Position,
        /// The time of the commit before.
        expected: Timestamp,
        /// Its own time.
        found: Timestamp,
    },
    /// An event is about something no earlier event brought into being.
    #[error("the event at position {0} is about an unknown subject")]
    UnknownSubject(Position),
    /// An event brings into being what an earlier event brought into being.
    #[error("the event at position {0} brings into being what is there already")]
    KnownSubject(Position),
}

impl Ledger {
    /// Folds the next commit in.
    ///
    /// # Errors
    ///
    /// Returns [`Corruption`] if the commit cannot follow the ones before. The ledger must then be
    /// thrown away: part of the commit may be in it.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), Corruption> {
        let (expected, found) = (self.subjects.head, commit.after);
        if expected != found {
            return Err(Corruption::Gap { expected, found });
        }
        if commit.events.is_empty() {
            return Err(Corruption::Empty(found));
        }
        let (expected, found) = (self.subjects.recorded_at, commit.recorded_at);
        if found < expected {
            return Err(Corruption::OutOfTime { after: commit.after, expected, found });
        }
        commit.envelopes().try_for_each(|envelope| self.evolve(envelope))?;
        self.contact(commit);
        self.subjects.answered.evolve(commit);
        self.subjects.recorded_at = commit.recorded_at;
        Ok(())
    }

    /// Ends an opening that nothing closed, as the next opening would: its last commit stands for
    /// the close.
    pub(crate) fn end_opening(&mut self) {
        let last = self.subjects.recorded_at;
        self.subjects.open.evolve(&lifecycle::Event::Closed, last, last);
    }

    fn evolve(&mut self, envelope: Envelope<'_>) -> Result<(), Corruption> {
        let Envelope { position: at, recorded_at: now, event, .. } = envelope;
        let unknown = Corruption::UnknownSubject(at);
        let known = match event {
            Event::Ledger(what) => {
                let last = self.subjects.recorded_at;
                self.subjects.open.evolve(what, last, now);
                if let lifecycle::Event::Opened { epoch } = what {
                    self.subjects.epoch = *epoch;
                }
                false
            }
            Event::Token { id, what: enrollment::Event::Created(grant) } => {
                let token = Token::of(grant, at, now);
                self.names.add_token(*id, &token);
                self.subjects.tokens.insert(*id, token).is_some()
            }
            Event::Token { id, what } => {
                self.subjects.tokens.get_mut(id).ok_or(unknown)?.evolve(what, now);
                false
            }
            Event::Edge { id, what: edge::Event::Registered { identity, labels, .. } } => {
                let edge = Edge::registered(identity, labels, at, now);
                self.names.add_edge(*id, &edge);
                self.subjects.edges.insert(*id, edge).is_some()
            }
            Event::Edge { id, what } => {
                self.subjects.edges.get_mut(id).ok_or(unknown)?.evolve(what, at, now);
                self.names.evolve(*id, what);
                false
            }
            Event::Task { id, what: task::Event::Submitted(submitted) } => {
                let task = Task::submitted(submitted, at, now);
                self.index.insert(id, &task);
                self.names.add_task(id, &task);
                self.subjects.tasks.insert(id.clone(), task).is_some()
            }
            Event::Task { id, what } => {
                let task = self.subjects.tasks.get_mut(id).ok_or(unknown)?;
                self.index.remove(id, task);
                task.evolve(what, at, now, self.subjects.epoch);
                self.index.insert(id, task);
                false
            }
        };
        self.subjects.head = at;
        if known { Err(Corruption::KnownSubject(at)) } else { Ok(()) }
    }

    /// Notes the contact that a commit is: a registration, or whatever an edge asked and got.
    fn contact(&mut self, commit: &Commit) {
        let open = self.subjects.open.at(commit.recorded_at);
        let mut registered = commit.events.iter().filter_map(|event| match event {
            Event::Edge { id, what: edge::Event::CredentialIssued { .. } } => Some(*id),
            Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => {
                None
            }
        });
        let edge = match commit.cause.principal {
            Principal::Edge { edge, .. } => Some(edge),
            Principal::Enrollee { .. } => registered.next_back(),
            Principal::System | Principal::Operator { .. } => None,
        };
        if let Some(edge) = edge.and_then(|id| self.subjects.edges.get_mut(&id)) {
            edge.contacted(commit.recorded_at, open);
        }
    }
}
