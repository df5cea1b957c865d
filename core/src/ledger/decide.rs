//! The dispatch from command to subject, with the facts each decision may look at.
use std::collections::BTreeMap;

use crate::{
    Cause, Command, Digest, EdgeId, Event, Position, Principal, Rejection, TaskId, Timestamp,
    access,
    edge::{self, Edge, Standing},
    enrollment,
    lifecycle::{self, Epoch},
    task::{self, ArchivedSubmission, Poll, Submission, Task},
};

use super::Ledger;

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It makes this happen: at least one event.
    Events(Vec<Event>),
    /// What it asks for is already so.
    AlreadySo,
    /// The same request was answered by the commit after this position.
    Repeated {
        /// The position before that commit.
        after: Position,
    },
}

impl Ledger {
    /// Decides what `command` makes happen at `now`. Changes nothing.
    ///
    /// # Errors
    ///
    /// Returns why the ledger, as it stands, refuses the command. The checks run in one order: is
    /// the ledger open, may the sender ask this, has it asked before, and then the subject's own.
    pub fn decide(
        &self,
        command: Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Decision, Rejection> {
        let asking = self.asking(cause);
        let opens = matches!(command, Command::Ledger(lifecycle::Command::Open { .. }));
        if !opens && !self.is_open() {
            return Err(lifecycle::Rejection::Closed.into());
        }
        access::check(&cause.principal, &command, asking.map(|(_, edge)| edge), now)?;
        if !matches!(command, Command::Register(_)) {
            if let Some(first) = self.subjects.answered.find(cause.idempotency.as_ref(), now)? {
                return Ok(Decision::Repeated { after: first.after });
            }
        }
        let events = match command {
            Command::Ledger(command) => self.lifecycle(command, now)?,
            Command::Token(id, command) => enrollment::decide(self.token(id), command)?
                .map(|what| Event::Token { id, what })
                .into_iter()
                .collect(),
            Command::Register(registration) => self.register(*registration, cause, now)?,
            Command::Edge(id, command) => self.edge_command(id, command, now)?,
            Command::Report(report) => asking
                .map(|(id, _)| Event::Edge { id, what: edge::report(*report) })
                .into_iter()
                .collect(),
            Command::Poll(poll) => {
                asking.map(|(id, edge)| self.poll(id, edge, &poll, now)).unwrap_or_default()
            }
            Command::Submit(submissions) => self.submit(&submissions, now)?,
            Command::Task(id, command) => self.task_command(&id, command, asking, now)?,
        };
        Ok(if events.is_empty() { Decision::AlreadySo } else { Decision::Events(events) })
    }

    fn asking(&self, cause: &Cause) -> Option<(EdgeId, &Edge)> {
        match cause.principal {
            Principal::Edge { edge, .. } => Some((edge, self.edge(edge)?)),
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
        }
    }

    fn lifecycle(
        &self,
        command: lifecycle::Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        match command {
            lifecycle::Command::Open { epoch } if epoch < self.epoch() => {
                let (presented, current) = (epoch, self.epoch());
                Err(lifecycle::Rejection::EpochPassed { presented, current }.into())
            }
            lifecycle::Command::Open { epoch } if epoch > Epoch::MAX => {
                Err(lifecycle::Rejection::EpochOutOfRange { presented: epoch }.into())
            }
            lifecycle::Command::Open { epoch } => {
                let restored = epoch > self.epoch();
                let opened = Event::Ledger(lifecycle::Event::Opened { epoch });
                let leases = self.tasks().filter_map(|(id, task)| {
                    let what = if restored {
                        task::give_up(task, task::EndReason::Restored)
                    } else {
                        task::extend_on_opening(task, now)
                    };
                    Some(Event::Task { id: id.clone(), what: what? })
                });
                Ok([opened].into_iter().chain(leases).collect())
            }
            lifecycle::Command::Tick => Ok(vec![Event::Ledger(lifecycle::Event::Ticked)]),
            lifecycle::Command::Close => Ok(vec![Event::Ledger(lifecycle::Event::Closed)]),
            lifecycle::Command::ArchiveTasks { tasks } => self.archive(tasks),
        }
    }

    fn register(
        &self,
        registration: edge::Registration,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let Principal::Enrollee { token: token_id } = cause.principal else {
            return Err(enrollment::Rejection::Unrecognized.into());
        };
        let facts = edge::Registering {
            token: self.token(token_id),
            token_id,
            taken: self.edge_of_device(&registration.identity.device_number),
            id_taken: self.edge(registration.edge).is_some(),
            credential_taken: self.edge_with_credential(registration.credential).is_some(),
            repeats: self.subjects.answered.find(cause.idempotency.as_ref(), now),
        };
        let registered = edge::register(facts, registration, now)?;
        let used = Event::Token { id: token_id, what: enrollment::Event::Used };
        let id = registered.edge;
        Ok(registered
            .uses_token
            .then_some(used)
            .into_iter()
            .chain(registered.events.into_iter().map(|what| Event::Edge { id, what }))
            .collect())
    }

    fn edge_command(
        &self,
        id: EdgeId,
        command: edge::Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let credential_taken = match &command {
            edge::Command::RotateCredential { credential, .. } => {
                self.edge_with_credential(*credential).is_some()
            }
            edge::Command::Disable { .. }
            | edge::Command::Enable
            | edge::Command::Release
            | edge::Command::SetLabels(_)
            | edge::Command::SetCapacity(_)
            | edge::Command::RevokeCredentials { .. } => false,
        };
        let edge = self.edge(id).ok_or(edge::Rejection::Unknown(id))?;
        let decided = edge::decide(edge, command, credential_taken, now)?;
        let about_edge = decided.events.into_iter().map(|what| Event::Edge { id, what });
        let leases = decided.leases_end.into_iter().flat_map(|reason| {
            self.held_by(id).filter_map(move |(task_id, task)| {
                let what = task::give_up(task, reason)?;
                Some(Event::Task { id: task_id.clone(), what })
            })
        });
        Ok(about_edge.chain(leases).collect())
    }

    /// Hands out at most one lease: first one that the edge holds and seems not to know of, then
    /// the best task that waits.
    fn poll(&self, id: EdgeId, edge: &Edge, poll: &Poll, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let mut holds = 0_u32;
        for (task_id, task) in self.held_by(id) {
            holds += 1;
            let known = poll.holding.as_ref().is_some_and(|holding| holding.contains(task_id));
            let Some(lease) = task.lease().filter(|_| !known) else { continue };
            let facts = task::Facts {
                id: task_id,
                task,
                asking: Some((id, edge)),
                named_edge_known: false,
            };
            let handed_out = task::hand_out_again(facts, lease, now);
            events.extend(about(task_id, handed_out.events));
            if handed_out.leased {
                return events;
            }
            holds -= 1;
        }
        let may_have_more = match edge.standing() {
            Standing::Active => holds < poll.capacity.min(edge.capacity()),
            Standing::Quarantined { .. } | Standing::Disabled { .. } => false,
        };
        if let Some((task_id, task)) = self.next_for(id, edge).filter(|_| may_have_more) {
            events.extend(about(task_id, [task::grant(task, id, now)]));
        }
        events
    }

    fn next_for<'a>(&'a self, id: EdgeId, edge: &Edge) -> Option<(&'a TaskId, &'a Task)> {
        self.subjects.tasks.at(self.index.next_for(id, edge.labels())?)
    }

    fn submit(&self, submissions: &[Submission], now: Timestamp) -> Result<Vec<Event>, Rejection> {
        let mut events = Vec::new();
        // Ids and keys that earlier submissions of this very command take.
        let mut ids: BTreeMap<&TaskId, &Submission> = BTreeMap::new();
        let mut keys: BTreeMap<&str, &Submission> = BTreeMap::new();
        for submission in submissions {
            let Submission { id, spec, .. } = submission;
            if let Some(edge) = spec.terms.assigned_to.filter(|edge| self.edge(*edge).is_none()) {
                return Err(task::Rejection::EdgeUnknown(edge).into());
            }
            let key = spec.dedupe_key.as_deref();
            let beside = ids.get(id).or_else(|| keys.get(key?)).copied();
            if let Some(first) = beside {
                task::same_submission(submission, first)?;
                continue;
            }
            let what = task::submit(submission, self.known_as(submission), now)?;
            events.extend(what.map(|what| Event::Task { id: id.clone(), what }));
            ids.insert(id, submission);
            keys.extend(key.map(|key| (key, submission)));
        }
        Ok(events)
    }

    /// Looks up who has the dedupe key of a submission, or else its id, here or in the archive;
    /// and the digest of what they were submitted as.
    fn known_as<'a>(&'a self, submission: &'a Submission) -> Option<(&'a TaskId, Digest)> {
        let Submission { id, spec, archived } = submission;
        let key = spec.dedupe_key.as_deref();
        let here = |(id, task): (&'a TaskId, &Task)| (id, task.spec_digest());
        let left = |has: fn(&ArchivedSubmission, &Submission) -> bool| {
            let left = archived.as_ref().filter(|left| has(left, submission))?;
            Some((&left.id, left.digest))
        };
        key.and_then(|key| self.task_of_dedupe_key(key))
            .map(here)
            .or_else(|| left(ArchivedSubmission::has_key_of))
            .or_else(|| self.task_entry(id).map(here))
            .or_else(|| left(ArchivedSubmission::has_id_of))
    }

    fn task_command(
        &self,
        id: &TaskId,
        command: task::Command,
        asking: Option<(EdgeId, &Edge)>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let task = self.task(id).ok_or_else(|| task::Rejection::Unknown(id.clone()))?;
        let named_edge_known = match &command {
            task::Command::Operator(task::OperatorCommand::Reassign { to: Some(to) }) => {
                self.edge(*to).is_some()
            }
            task::Command::Holder(..) | task::Command::Operator(_) | task::Command::System(_) => {
                false
            }
        };
        let facts = task::Facts { id, task, asking, named_edge_known };
        let reported = task::decide(facts, command, now)?;
        let about_edge = asking.into_iter().flat_map(|(id, _)| {
            reported.edge_events.iter().cloned().map(move |what| Event::Edge { id, what })
        });
        Ok(about(id, reported.events).chain(about_edge).collect())
    }
}

fn about(
    id: &TaskId,
    events: impl IntoIterator<Item = task::Event>,
) -> impl Iterator<Item = Event> {
    events.into_iter().map(|what| Event::Task { id: id.clone(), what })
}
