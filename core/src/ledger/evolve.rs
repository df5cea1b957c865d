//! How commits become state.
use crate::{
    Commit, Envelope, Event, Position, TaskId, Timestamp, contacts,
    edge::{self, Edge},
    enrollment::{self, Token},
    lifecycle,
    task::{self, Task},
};

use super::{Ledger, Subjects, index::Keys};

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
        let last = self.subjects.recorded_at;
        let Subjects { epoch, open, tokens, edges, tasks, .. } = &mut self.subjects;
        let unknown = Corruption::UnknownSubject(at);
        let known = Corruption::KnownSubject(at);
        match event {
            Event::Ledger(what) => {
                open.evolve(what, last, now);
                match what {
                    lifecycle::Event::Opened { epoch: opened } => *epoch = *opened,
                    lifecycle::Event::TasksArchived { tasks } => {
                        self.let_go(tasks).ok_or(unknown)?;
                    }
                    lifecycle::Event::Ticked | lifecycle::Event::Closed => {}
                }
            }
            Event::Token { id, what: enrollment::Event::Created(grant) } => {
                let slot = tokens.add(*id, Token::of(grant, at, now)).ok_or(known)?;
                self.names.add_token(slot, tokens);
            }
            Event::Token { id, what } => tokens.get_mut(id).ok_or(unknown)?.evolve(what, now),
            Event::Edge { id, what: edge::Event::Registered { identity, labels, .. } } => {
                let edge = Edge::registered(identity, labels, at, now);
                let slot = edges.add(*id, edge).ok_or(known)?;
                self.names.add_edge(slot, edges);
            }
            Event::Edge { id, what } => {
                let slot = edges.find(id).ok_or(unknown)?;
                edges.at_mut(slot).ok_or(unknown)?.evolve(what, at, now);
                self.names.evolve(slot, what);
            }
            Event::Task { id, what: task::Event::Submitted(submitted) } => {
                let task = Task::submitted(submitted, at, now);
                let slot = tasks.add(id.clone(), task).ok_or(known)?;
                self.names.add_task(slot, tasks);
                self.index.add(slot, tasks, edges);
            }
            Event::Task { id, what } => {
                let slot = tasks.find(id).ok_or(unknown)?;
                let task = tasks.at_mut(slot).ok_or(unknown)?;
                let before = Keys::of(task);
                task.evolve(what, at, now, *epoch);
                self.index.follow(slot, before, task, edges);
            }
        }
        self.subjects.head = at;
        Ok(())
    }

    /// Takes a task out, with everything by which it was found.
    pub(super) fn remove_task(&mut self, id: &TaskId) -> Option<Task> {
        let Subjects { tasks, edges, .. } = &mut self.subjects;
        let slot = tasks.find(id)?;
        self.index.remove(slot, tasks, edges);
        self.names.remove_task(slot, tasks);
        tasks.remove(id)
    }

    /// Notes the contact that a commit is.
    fn contact(&mut self, commit: &Commit) {
        let open = self.subjects.open.at(commit.recorded_at);
        if let Some(edge) =
            contacts::contact(commit).and_then(|id| self.subjects.edges.get_mut(&id))
        {
            edge.contacted(commit.recorded_at, open);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;
    use crate::{
        Cause, CommandId, Digest, EdgeId, Principal, snapshot,
        task::{Completion, EndReason, LeaseEnd, Payload, Spec, Submitted, Terms},
    };

    #[test]
    fn a_ledger_without_a_task_is_the_one_that_is_read_back_without_it() {
        let assigned_to = Some(EdgeId::from_uuid(Uuid::nil()));
        let own = Terms { assigned_to, ..Terms::default() };
        let soon = Timestamp::from_millis(9);
        let leased = || task::Event::Leased {
            edge: EdgeId::from_uuid(Uuid::nil()),
            attempt: 1,
            expires_at: soon,
        };
        let events = [
            ("waits", vec![submitted(Terms::default(), None)]),
            ("waits-for-one", vec![submitted(own, Some(soon))]),
            ("held", vec![submitted(Terms::default(), Some(soon)), leased()]),
            ("over", vec![submitted(Terms::default(), Some(soon)), leased(), completed()]),
            ("over-too", vec![submitted(Terms::default(), None), completed()]),
            ("stays", vec![submitted(Terms::default(), Some(soon)), leased(), ended(soon)]),
        ];
        let mut ledger = Ledger::default();
        apply(&mut ledger, registered());
        for (id, events) in &events {
            for what in events {
                let id = id.parse().unwrap();
                apply(&mut ledger, Event::Task { id, what: what.clone() });
            }
        }

        for (id, _) in &events[..5] {
            let id = id.parse().unwrap();
            assert!(ledger.remove_task(&id).is_some());

            assert_eq!(ledger.task(&id), None);
            let read = snapshot::decode(&snapshot::encode(&ledger)).unwrap();
            assert_eq!(read, ledger, "after {id}");
        }
        assert_eq!(ledger.tasks().count(), 1);
        assert_eq!(ledger.finished().count(), 0);
        assert_eq!(ledger.due(soon).count(), 2);

        let (id, what) = ("waits".parse().unwrap(), submitted(Terms::default(), None));
        apply(&mut ledger, Event::Task { id, what });
        let read = snapshot::decode(&snapshot::encode(&ledger)).unwrap();
        assert_eq!(read, ledger, "its id may be taken again");
    }

    fn apply(ledger: &mut Ledger, event: Event) {
        let cause = Cause {
            command: CommandId::from_uuid(Uuid::nil()),
            principal: Principal::System,
            idempotency: None,
        };
        let (after, events) = (ledger.head(), vec![event]);
        let commit = Commit { after, recorded_at: Timestamp::EPOCH, cause, events };
        ledger.apply(&commit).unwrap();
    }

    fn registered() -> Event {
        let what = edge::Event::Registered {
            identity: Box::new(edge::Identity {
                device_number: "rack".into(),
                display_name: "rack".into(),
                platform: None,
                arch: None,
                version: None,
            }),
            token: crate::TokenId::from_uuid(Uuid::nil()),
            labels: crate::Labels::default(),
        };
        Event::Edge { id: EdgeId::from_uuid(Uuid::nil()), what }
    }

    fn submitted(terms: Terms, deadline_at: Option<Timestamp>) -> task::Event {
        let payload = Payload::new(RawValue::from_string("{}".to_owned()).unwrap());
        let spec = Spec { name: "task".into(), payload, dedupe_key: None, terms };
        let digest = Digest::of(b"");
        task::Event::Submitted(Box::new(Submitted { spec, digest, deadline_at, ready_at: None }))
    }

    fn completed() -> task::Event {
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        task::Event::Completed(Box::new(completion))
    }

    fn ended(ready_at: Timestamp) -> task::Event {
        let lease = LeaseEnd {
            edge: EdgeId::from_uuid(Uuid::nil()),
            fence: task::Fence::new(1),
            attempts: 1,
            ready_at: Some(ready_at),
        };
        task::Event::LeaseEnded { reason: EndReason::Restarted, lease }
    }
}
