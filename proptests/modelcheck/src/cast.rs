//! Who takes part: edges and tasks by number, and what there is to be had of them.
use edge_ledger_core::{
    Command, CredentialId, Digest, EdgeId, Principal, TaskId, Timestamp, TokenId,
    edge::{Identity, Registration},
    enrollment::{self, Grant as TokenGrant},
    task::{Backoff, Fence, Payload, Row, Spec, Submission, Terms},
    time::Millis,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Bounds, TICK};

/// An edge, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge(pub u8);

/// A task, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task(pub u8);

/// A lease that was granted: what an edge may speak under from then on, whatever becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Of which task.
    pub task: Task,
    /// To which edge.
    pub edge: Edge,
    /// Under which fence.
    pub fence: Fence,
}

impl Edge {
    /// Returns its id.
    #[must_use]
    pub const fn id(self) -> EdgeId {
        EdgeId::from_uuid(numbered(1, self.0))
    }

    /// Returns the edge that has an id.
    #[must_use]
    pub fn of(id: EdgeId) -> Self {
        Self(number(id.as_uuid()))
    }

    /// Returns it as one who asks.
    #[must_use]
    pub const fn principal(self) -> Principal {
        Principal::Edge { edge: self.id(), credential: self.credential() }
    }

    /// Returns how it becomes an edge.
    pub(crate) fn registration(self) -> Command {
        let name: Box<str> = format!("edge {}", self.0).into();
        Command::Register(Box::new(Registration {
            edge: self.id(),
            identity: Identity {
                device_number: name.clone(),
                display_name: name,
                platform: None,
                arch: None,
                version: None,
            },
            credential: self.credential(),
            secret: Digest::of(b"secret"),
        }))
    }

    const fn credential(self) -> CredentialId {
        CredentialId::from_uuid(numbered(3, self.0))
    }
}

impl Task {
    /// Returns its id.
    #[must_use]
    pub const fn id(self) -> TaskId {
        TaskId::from_uuid(numbered(2, self.0))
    }

    /// Returns the task that has an id, of those that there are.
    pub(crate) fn of(id: &TaskId, bounds: &Bounds) -> Option<Self> {
        (0..bounds.tasks).map(Self).find(|task| task.id() == *id)
    }

    /// Returns how it is submitted. Backoff is more than nothing and less than a tick, so that the
    /// jitter in it, which the ids decide, makes no difference.
    pub(crate) fn submission(self, bounds: &Bounds) -> Command {
        let ticks = |ticks: u8| Millis(TICK.0 * u64::from(ticks));
        let terms = Terms {
            lease_time: ticks(bounds.lease_ticks),
            max_attempts: bounds.attempts.into(),
            run_time: bounds.run_ticks.map(ticks),
            backoff: Backoff { base: Millis(2), max: Millis(2) },
            ..Terms::default()
        };
        let spec = Spec { name: "work".into(), payload: nothing(), dedupe_key: None, terms };
        Command::Submit(vec![Submission { id: self.id(), spec: Box::new(spec), archived: None }])
    }
}

/// Returns who an operator is.
pub(crate) fn operator() -> Principal {
    Principal::Operator { name: "ada".into() }
}

/// Returns who asks to be an edge.
pub(crate) const fn enrollee() -> Principal {
    Principal::Enrollee { token: token() }
}

/// Returns how the token is made under which edges register.
pub(crate) fn token_creation() -> Command {
    let grant = TokenGrant {
        name: "site".into(),
        secret: Digest::of(b"secret"),
        max_uses: u32::MAX,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Default::default(),
    };
    Command::Token(token(), enrollment::Command::Create(Box::new(grant)))
}

/// Returns the rows with these numbers, in this order.
#[must_use]
pub fn rows(numbers: &[u8]) -> Vec<Row> {
    let row = |number: &u8| Row {
        config_id: config_id(*number),
        strategy_config: nothing(),
        metrics: nothing(),
        result_folder: None,
    };
    numbers.iter().map(row).collect()
}

/// Returns the number of the row that has a config id.
pub(crate) fn row_number(config_id: &str) -> u8 {
    config_id.bytes().next().map_or(0, |first| first - b'a')
}

fn config_id(number: u8) -> Box<str> {
    char::from(b'a' + number).to_string().into()
}

fn nothing() -> Payload {
    Payload::new(RawValue::from_string("{}".to_owned()).expect("an empty object is JSON"))
}

const fn token() -> TokenId {
    TokenId::from_uuid(numbered(4, 0))
}

const fn numbered(kind: u8, number: u8) -> Uuid {
    Uuid::from_u128((kind as u128) << 64 | number as u128)
}

fn number(uuid: &Uuid) -> u8 {
    uuid.as_bytes()[15]
}
