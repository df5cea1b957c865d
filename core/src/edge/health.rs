//! The health an edge reports: what it says, and what is known when it has said it.
use serde::{Deserialize, Serialize};

use crate::Timestamp;

use super::Identity;

/// What an edge reports of its health. What is missing is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl Health {
    /// Takes a report in: what it says of the machine goes into `identity`.
    pub(super) fn evolve(&mut self, report: &Report, identity: &mut Identity, now: Timestamp) {
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
        self.reported_at = Some(now);
        keep_or_set(&mut identity.version, version);
        keep_or_set(&mut identity.platform, platform);
        keep_or_set(&mut identity.arch, arch);
        keep_or_set(&mut self.install_type, install_type);
        keep_or_set(&mut self.runtime_state, runtime_state);
        keep_or_set(&mut self.uptime_seconds, uptime_seconds);
        keep_or_set(&mut self.upgrade_status, upgrade_status);
        keep_or_set(&mut self.upgrade_reason, upgrade_reason);
        active_task.apply(&mut self.active_task);
        last_error.apply(&mut self.last_error);
    }
}

/// Sets a value to a new one, if there is one.
pub(super) fn keep_or_set<T: Clone>(value: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        value.clone_from(new);
    }
}
