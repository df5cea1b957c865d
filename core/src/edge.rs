//! Edges: the machines that run tasks.
mod command;
mod decide;
mod event;
mod rejection;

use serde::{Deserialize, Serialize};

use crate::{Labels, Position, Timestamp, credential::Credential, time::Millis};

pub use command::{Command, Registration};
pub(crate) use decide::{Registering, count_failure, decide, register, report};
pub use event::Event;
pub use rejection::Rejection;

/// How many failures in a row put an edge in quarantine.
pub const QUARANTINE_AFTER: u32 = 3;

/// What a machine says it is when it registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What an edge reports of its health. What is missing is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Version of its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
    /// Operating system, normalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor, normalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// How it was installed, as in `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_type: Option<Box<str>>,
    /// What it says it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_state: Option<RuntimeState>,
    /// The task it says it works on, whatever the ledger knows.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub active_task: Change<Box<str>>,
    /// Seconds since its agent started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Its last error.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub last_error: Change<Box<str>>,
    /// Where it is in an upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_status: Option<UpgradeStatus>,
    /// Why the upgrade is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_reason: Option<Box<str>>,
}

/// What a report does to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Clear,
    /// It is this now.
    Set(T),
}

impl<T> Change<T> {
    const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Clone> Change<T> {
    fn apply(&self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new.clone()),
        }
    }
}

/// What an edge says it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuntimeState {
    /// Waiting for work.
    Idle,
    /// Working.
    Busy,
    /// Replacing its own agent.
    Upgrading,
    /// Unable to work.
    Error,
}

/// Where an edge says it is in an upgrade of its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpgradeStatus {
    /// Fetching the package.
    Downloading,
    /// Checking the package.
    Verifying,
    /// Restarting into it.
    Restarting,
    /// Running it.
    Succeeded,
    /// Still running the old version.
    Failed,
    /// Running the old version again.
    RolledBack,
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

/// The health an edge last reported, report over report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it last reported.
    pub reported_at: Option<Timestamp>,
    /// How it was installed.
    pub install_type: Option<Box<str>>,
    /// What it says it is doing.
    pub runtime_state: Option<RuntimeState>,
    /// The task it says it works on.
    pub active_task: Option<Box<str>>,
    /// Seconds since its agent started, when it said so.
    pub uptime_seconds: Option<u64>,
    /// Its last error.
    pub last_error: Option<Box<str>>,
    /// Where it is in an upgrade.
    pub upgrade_status: Option<UpgradeStatus>,
    /// Why the upgrade is there.
    pub upgrade_reason: Option<Box<str>>,
}

impl Edge {
    pub(crate) fn registered(
        identity: &Identity,
        labels: &Labels,
        at: Position,
        now: Timestamp,
    ) -> Self {
        Self {
            identity: identity.clone(),
            registered: at,
            registered_at: now,
            labels: labels.clone(),
            capacity: 1,
            standing: Standing::Active,
            failures: 0,
            credentials: Vec::new(),
            health: Health::default(),
            contact: None,
            changes: 1,
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Position, now: Timestamp) {
        self.changes += 1;
        match event {
            Event::Registered { .. } => {}
            Event::Reregistered { identity, .. } => self.reregistered(identity),
            Event::CredentialIssued { credential, secret } => self.credentials.push(Credential {
                id: *credential,
                secret: *secret,
                issued: at,
                issued_at: now,
                expires_at: None,
            }),
            Event::CredentialExpirySet { credential, expires_at } => {
                for known in self.credentials.iter_mut().filter(|known| known.id == *credential) {
                    known.expires_at = Some(*expires_at);
                }
            }
            Event::CredentialEnded { credential, .. } => {
                self.credentials.retain(|known| known.id != *credential);
            }
            Event::Reported(report) => self.reported(report, now),
            Event::FailureCounted { failures } => self.failures = *failures,
            Event::FailuresCleared => self.failures = 0,
            Event::Quarantined { .. } => self.standing = Standing::Quarantined { since: now },
            Event::Disabled { reason } => {
                self.standing = Standing::Disabled { since: now, reason: reason.clone() };
            }
            Event::Released | Event::Enabled => {
                self.standing = Standing::Active;
                self.failures = 0;
            }
            Event::LabelsSet(labels) => self.labels = labels.clone(),
            Event::CapacitySet(capacity) => self.capacity = *capacity,
        }
    }

    fn reregistered(&mut self, identity: &Identity) {
        let Identity { device_number, display_name, platform, arch, version } = identity;
        self.identity.device_number.clone_from(device_number);
        self.identity.display_name.clone_from(display_name);
        keep_or_set(&mut self.identity.platform, platform);
        keep_or_set(&mut self.identity.arch, arch);
        keep_or_set(&mut self.identity.version, version);
    }

    fn reported(&mut self, report: &Report, now: Timestamp) {
        let Report {
            version,
            platform,
            arch,
            install_type,
            runtime_state,
            active_task,
            uptime_seconds,
            last_error,
            upgrade_status,
            upgrade_reason,
        } = report;
        self.health.reported_at = Some(now);
        keep_or_set(&mut self.identity.version, version);
        keep_or_set(&mut self.identity.platform, platform);
        keep_or_set(&mut self.identity.arch, arch);
        keep_or_set(&mut self.health.install_type, install_type);
        keep_or_set(&mut self.health.runtime_state, runtime_state);
        keep_or_set(&mut self.health.uptime_seconds, uptime_seconds);
        keep_or_set(&mut self.health.upgrade_status, upgrade_status);
        keep_or_set(&mut self.health.upgrade_reason, upgrade_reason);
        active_task.apply(&mut self.health.active_task);
        last_error.apply(&mut self.health.last_error);
    }

    pub(crate) fn contacted(&mut self, at: Timestamp, open: Millis) {
        self.contact = Some(Contact { at, open });
    }

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

fn keep_or_set<T: Clone>(value: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        value.clone_from(new);
    }
}
