//! Enrollment tokens: how a machine becomes an edge.
use serde::{Deserialize, Serialize};

use crate::{Digest, Labels, Position, Timestamp};

/// What an operator may ask about an enrollment token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make a token.
    Create(Box<Grant>),
    /// End it, uses left or not.
    Revoke,
}

/// What a token gives to those who present it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grant {
    /// Name shown to operators.
    pub name: Box<str>,
    /// Keyed hash of the secret.
    pub secret: Digest,
    /// How many registrations it is good for; at least one.
    pub max_uses: u32,
    /// Until when, exclusive.
    pub expires_at: Timestamp,
    /// The one device it is good for. Only such a token re-registers a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_number: Option<Box<str>>,
    /// Labels that an edge registered with it begins with.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// What has happened to an enrollment token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TokenEvent"))]
pub enum Event {
    /// It was made.
    Created(Box<Grant>),
    /// A registration used it once.
    Used,
    /// It was ended.
    Revoked,
}

/// Why a command about an enrollment token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// An operator names a token that there is not.
    #[error("enrollment token is not in the ledger")]
    Unknown,
    /// A machine shows a token that there is not.
    #[error("enrollment token is not recognized")]
    Unrecognized,
    /// The id is taken.
    #[error("enrollment token id is already taken")]
    IdTaken,
    /// It is revoked.
    #[error("enrollment token is revoked")]
    Revoked,
    /// Its time is over.
    #[error("enrollment token expired at {expired_at}")]
    Expired {
        /// When its time was over.
        expired_at: Timestamp,
    },
    /// No uses are left.
    #[error("enrollment token is used up: {max_uses} of {max_uses} uses")]
    UsedUp {
        /// How many uses it had.
        max_uses: u32,
    },
    /// It was made for another device.
    #[error("enrollment token was issued for another device number")]
    OtherDevice,
}

/// An enrollment token, as its events left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    grant: Grant,
    created_at: Timestamp,
    created: Position,
    uses: u32,
    revoked_at: Option<Timestamp>,
}

pub(crate) fn decide(token: Option<&Token>, command: Command) -> Result<Option<Event>, Rejection> {
    match (command, token) {
        (Command::Create(grant), None) => Ok(Some(Event::Created(grant))),
        (Command::Create(grant), Some(token)) if token.grant == *grant => Ok(None),
        (Command::Create(_), Some(_)) => Err(Rejection::IdTaken),
        (Command::Revoke, None) => Err(Rejection::Unknown),
        (Command::Revoke, Some(token)) => Ok(token.revoked_at.is_none().then_some(Event::Revoked)),
    }
}

impl Token {
    pub(crate) fn of(grant: &Grant, at: Position, now: Timestamp) -> Self {
        Self { grant: grant.clone(), created_at: now, created: at, uses: 0, revoked_at: None }
    }

    pub(crate) fn evolve(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::Created(_) => {}
            Event::Used => self.uses += 1,
            Event::Revoked => self.revoked_at = Some(now),
        }
    }

    /// Returns why the token is not in force at `now`, if it is not. Uses are another matter:
    /// a registration that is repeated needs none.
    pub(crate) const fn refusal(&self, now: Timestamp) -> Option<Rejection> {
        if self.revoked_at.is_some() {
            return Some(Rejection::Revoked);
        }
        if self.grant.expires_at.as_millis() <= now.as_millis() {
            return Some(Rejection::Expired { expired_at: self.grant.expires_at });
        }
        None
    }

    pub(crate) const fn used_up(&self) -> Option<Rejection> {
        if self.uses < self.grant.max_uses {
            return None;
        }
        Some(Rejection::UsedUp { max_uses: self.grant.max_uses })
    }

    /// Returns what it gives.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns when it was made.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the position of its making: tokens list in this order.
    #[must_use]
    pub const fn created_position(&self) -> Position {
        self.created
    }

    /// Returns how often it was used.
    #[must_use]
    pub const fn uses(&self) -> u32 {
        self.uses
    }

    /// Returns when it was revoked, if it was.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<Timestamp> {
        self.revoked_at
    }
}
