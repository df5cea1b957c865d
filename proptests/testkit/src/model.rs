//! The reference model: what the wire contract says, in maps and vectors.
//!
//! It shares the ledger's vocabulary and none of its code: no events, no index, no lines of
//! waiting tasks. It looks at everything each time. Where it and the ledger differ, one of them is
//! wrong.
mod edges;
mod lifecycle;
pub mod picture;
mod tasks;

use std::collections::BTreeMap;

use edge_ledger_core::{
    Cause, Command, CredentialId, Digest, EdgeId, Idempotency, Ledger, Principal, TaskId,
    Timestamp, TokenId, task::Command as TaskCommand, task::Spec,
};

use edges::{Edge, Token};
use lifecycle::Clock;
use tasks::Task;

/// What the model expects of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Something happens.
    Appended,
    /// It is so already.
    AlreadySo,
    /// It was asked and answered before.
    Repeated,
    /// It is refused, with this code.
    Refused(&'static str),
}

/// Everything, as the contract has it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    clock: Clock,
    tokens: BTreeMap<TokenId, Token>,
    edges: BTreeMap<EdgeId, Edge>,
    tasks: BTreeMap<TaskId, Task>,
    /// Tasks that have left, as they were submitted.
    archived: BTreeMap<TaskId, Spec>,
    answered: BTreeMap<Digest, Answered>,
    /// Counts submissions, retries and leases: what is older has the lower number.
    turn: u64,
}

#[derive(Clone, Debug)]
struct Answered {
    body: Digest,
    at: Timestamp,
    /// The credential it gave out, if it did.
    credential: Option<CredentialId>,
}

/// Whether something happened, or the code of a refusal.
type Answer = Result<bool, &'static str>;

impl Model {
    /// Says what a command comes to, and lets it happen.
    pub fn step(&mut self, command: &Command, cause: &Cause, now: Timestamp) -> Expected {
        match self.answer(command, cause, now) {
            Err(code) => Expected::Refused(code),
            Ok(None) => Expected::Repeated,
            Ok(Some(false)) => Expected::AlreadySo,
            Ok(Some(true)) => {
                self.appended(command, cause, now);
                Expected::Appended
            }
        }
    }

    /// Learns what only the log can tell: the fences of leases, where late results were kept.
    pub fn learn(&mut self, ledger: &Ledger) {
        for (id, known) in &mut self.tasks {
            if let Some(task) = ledger.task(id) {
                known.learn(task);
            }
        }
    }

    /// Answers a command; nothing if it was answered before.
    fn answer(
        &mut self,
        command: &Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Option<bool>, &'static str> {
        if let Command::Ledger(command) = command {
            if !matches!(cause.principal, Principal::System) {
                return if self.clock.serves(command) {
                    Err("access_not_permitted")
                } else {
                    Err("ledger_closed")
                };
            }
            return self.ledger(command, now).map(Some);
        }
        if !self.clock.is_open() {
            return Err("ledger_closed");
        }
        self.may_ask(command, &cause.principal, now)?;
        if !matches!(command, Command::Register(_)) && self.known(cause, now)?.is_some() {
            return Ok(None);
        }
        let asking = match cause.principal {
            Principal::Edge { edge, .. } => Some(edge),
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
        };
        match command {
            Command::Ledger(command) => self.ledger(command, now),
            Command::Token(id, command) => self.token(*id, command),
            Command::Register(registration) => self.register(registration, cause, now),
            Command::Edge(id, command) => self.edge(*id, command, now),
            Command::Report(report) => asking.map_or(Ok(false), |id| self.report(id, report)),
            Command::Poll(poll) => Ok(asking.is_some_and(|id| self.poll(id, poll, now))),
            Command::Submit(submissions) => self.submit(submissions, now),
            Command::Task(id, command) => self.task(id, command, asking, now),
        }
        .map(Some)
    }

    fn may_ask(
        &self,
        command: &Command,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let fits = match command {
            Command::Ledger(_) | Command::Task(_, TaskCommand::System(_)) => {
                matches!(principal, Principal::System)
            }
            Command::Token(..)
            | Command::Edge(..)
            | Command::Submit(_)
            | Command::Task(_, TaskCommand::Operator(_)) => {
                matches!(principal, Principal::System | Principal::Operator { .. })
            }
            Command::Register(_) => matches!(principal, Principal::Enrollee { .. }),
            Command::Report(_) | Command::Poll(_) | Command::Task(_, TaskCommand::Holder(..)) => {
                matches!(principal, Principal::Edge { .. })
            }
        };
        if !fits {
            return Err("access_not_permitted");
        }
        match principal {
            Principal::Edge { edge, credential } => {
                let edge = self.edges.get(edge).ok_or("edge_credential_ended")?;
                edge.shows(*credential, now)
            }
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => Ok(()),
        }
    }

    /// Looks a request up among those of the last 24 hours.
    fn known(&self, cause: &Cause, now: Timestamp) -> Result<Option<&Answered>, &'static str> {
        let Some(Idempotency { key, body }) = cause.idempotency else { return Ok(None) };
        let known = self
            .answered
            .get(&key)
            .filter(|known| now.as_millis() - known.at.as_millis() < 24 * 60 * 60 * 1_000);
        match known {
            Some(known) if known.body != body => Err("idempotency_key_reused"),
            known => Ok(known),
        }
    }

    fn appended(&mut self, command: &Command, cause: &Cause, now: Timestamp) {
        self.clock.committed(now);
        let registration = match command {
            Command::Register(registration) => Some(registration),
            Command::Ledger(_)
            | Command::Token(..)
            | Command::Edge(..)
            | Command::Report(_)
            | Command::Poll(_)
            | Command::Submit(_)
            | Command::Task(..) => None,
        };
        let contact = match cause.principal {
            Principal::Edge { edge, .. } => Some(edge),
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => {
                registration.and_then(|it| self.of_device(&it.identity.device_number))
            }
        };
        let open = self.clock.open_time(now);
        if let Some(edge) = contact.and_then(|id| self.edges.get_mut(&id)) {
            edge.contact = Some((now, open));
        }
        if let Some(Idempotency { key, body }) = cause.idempotency {
            let credential = registration.map(|registration| registration.credential);
            self.answered.insert(key, Answered { body, at: now, credential });
        }
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}
