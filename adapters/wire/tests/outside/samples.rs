//! Ids, times and other values that are the same in every run.
use edge_ledger_core::{
    Cause, Command, CommandId, Commit, CredentialId, Decision, Digest, EdgeId, Labels, Ledger,
    Millis, Position, Principal, TaskId, Timestamp, TokenId,
    edge::{Identity, Registration},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    task::{self, Payload, Spec, Submission},
};
use serde_json::value::RawValue;
use uuid::Uuid;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_253_400_000 + second * 1_000)
}

pub(crate) const fn edge_id() -> EdgeId {
    EdgeId::from_uuid(Uuid::from_u128(1))
}

pub(crate) const fn credential_id() -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(2))
}

pub(crate) const fn token_id() -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(3))
}

pub(crate) const fn command_id() -> CommandId {
    CommandId::from_uuid(Uuid::from_u128(4))
}

pub(crate) fn task_id() -> TaskId {
    TaskId::new("T1").unwrap()
}

/// What the hash of every secret is here, so that it is found where it must not be.
pub(crate) fn secret() -> Digest {
    Digest::of(b"secret")
}

pub(crate) fn labels() -> Labels {
    Labels([("gpu".to_owned(), "a100".to_owned())].into())
}

pub(crate) fn json(text: &str) -> Payload {
    Payload::new(RawValue::from_string(text.to_owned()).unwrap())
}

pub(crate) fn identity() -> Identity {
    Identity {
        device_number: "DEV-1".into(),
        display_name: "an edge".into(),
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        version: Some("1.4.2".into()),
    }
}

pub(crate) fn grant() -> Grant {
    Grant {
        name: "a token".into(),
        secret: secret(),
        max_uses: 2,
        expires_at: at(86_400),
        device_number: Some("DEV-1".into()),
        labels: labels(),
    }
}

pub(crate) fn spec() -> Spec {
    Spec {
        name: "a task".into(),
        payload: json(r#"{"payload":{"x":1}}"#),
        dedupe_key: Some("k".into()),
        terms: task::Terms {
            requires: labels(),
            run_time: Some(Millis::from_secs(3_600)),
            ..Default::default()
        },
    }
}

/// A ledger that is told what to do.
pub(crate) struct Told(pub(crate) Ledger);

impl Told {
    /// Returns a ledger with a token, an edge and a task.
    pub(crate) fn of_one_each() -> Self {
        let mut told = Self(Ledger::default());
        told.system(Command::Ledger(lifecycle::Command::Open { epoch: Epoch(0) }), 0);
        let grant = Grant { device_number: None, ..grant() };
        told.system(Command::Token(token_id(), enrollment::Command::Create(Box::new(grant))), 1);
        let registration = Registration {
            edge: edge_id(),
            identity: identity(),
            credential: credential_id(),
            secret: secret(),
        };
        let enrollee = Principal::Enrollee { token: token_id() };
        told.execute(enrollee, Command::Register(Box::new(registration)), 2);
        let submission = Submission { id: task_id(), spec: Box::new(spec()), archived: None };
        told.system(Command::Submit(vec![submission]), 3);
        told
    }

    pub(crate) fn system(&mut self, command: Command, second: i64) {
        self.execute(Principal::System, command, second);
    }

    pub(crate) fn edge(&mut self, command: Command, second: i64) {
        let (edge, credential) = (edge_id(), credential_id());
        self.execute(Principal::Edge { edge, credential }, command, second);
    }

    fn execute(&mut self, principal: Principal, command: Command, second: i64) {
        let cause = Cause { command: command_id(), principal, idempotency: None };
        let now = at(second);
        let decision = self.0.decide(command, &cause, now).unwrap();
        let Decision::Events(events) = decision else { panic!("nothing happened") };
        let after: Position = self.0.head();
        self.0.apply(&Commit { after, recorded_at: now, cause, events }).unwrap();
    }
}
