//! Edges: the machines that run tasks.
mod command;
mod decide;
mod event;
mod evolve;
mod health;
mod rejection;

use serde::{Deserialize, Serialize};

use crate::{Labels, Millis, Position, Timestamp, credential::Credential};

pub use command::{Command, Registration};
pub(crate) use decide::{Registering, count_failure, decide, register, report};
pub use event::Event;
pub use health::{Change, Health, Report, RuntimeState, UpgradeStatus};
pub use rejection::Rejection;

/// How many failures in a row put an edge in quarantine.
pub const QUARANTINE_AFTER: u32 = 3;

/// What a machine says it is when it registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identity {
    /// The number of the device, unique among edges.
    pub device_number: Box<str>,
    /// Name shown to operators.
    pub display_name: Box<str>,
    /// Operating system, normalised: `linux`, `darwin`, `win32`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor, normalised: `x64`, `arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// Version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
}

/// Whether an edge may talk and work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may.
    Active,
    /// It may talk and finish what it holds, but gets nothing new.
    Quarantined {
        /// Since when.
        since: Timestamp,
    },
    /// It is refused everywhere.
    Disabled {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: Box<str>,
    },
}

/// The last time an edge showed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When.
    pub at: Timestamp,
    /// How long the ledger had then been open; silence is measured from here.
    pub open: Millis,
}

/// An edge, as its events left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    identity: Identity,
    registered: Position,
    registered_at: Timestamp,
    labels: Labels,
    capacity: u32,
    standing: Standing,
    failures: u32,
    credentials: Vec<Credential>,
    health: Health,
    contact: Option<Contact>,
    changes: u32,
}

impl Edge {
    /// Returns what it said it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the position of its registration: edges list in this order.
    #[must_use]
    pub const fn registered_position(&self) -> Position {
        self.registered
    }

    /// Returns when it was registered.
    #[must_use]
    pub const fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    /// Returns its labels.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the most leases it may hold at once.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Returns whether it may talk and work.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Returns how many of its tasks have failed in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns its credentials that have not been ended, oldest first.
    #[must_use]
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Returns the health it last reported.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Returns when it last showed itself.
    #[must_use]
    pub const fn contact(&self) -> Option<Contact> {
        self.contact
    }

    /// Returns how many events have been about it.
    #[must_use]
    pub const fn changes(&self) -> u32 {
        self.changes
    }
}
