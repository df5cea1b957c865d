//! `POST /internal/edges/connectivity`: an edge reports its health.
use edge_ledger_core::edge::{Change, Report, RuntimeState, UpgradeStatus};
use serde::{Deserialize, Serialize};

use crate::{Fields, Malformed, read};

use super::register;

/// An edge reports its health. What is missing is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectivityRequest {
    /// The edge's id.
    pub worker_id: String,
    /// The device number it is registered under.
    pub device_number: Box<str>,
    /// Version of its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// How it was installed, as in `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_type: Option<Box<str>>,
    /// Whether it works on a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_task: Option<bool>,
    /// What it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_state: Option<RuntimeState>,
    /// The task it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_task_id: Option<Box<str>>,
    /// Seconds since its agent started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Its last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Box<str>>,
    /// Where it is in an upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_status: Option<UpgradeStatus>,
    /// Why the upgrade is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
}

/// What the gateway would have the edge run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectivityAnswer {
    /// The version it should run, if it is told.
    pub target_version: Option<String>,
    /// Where that version is to be had, if it is not the one it runs.
    pub release: Option<Release>,
    /// Where its upgrade is.
    pub upgrade_status: OfferedStatus,
    /// What there is to say about the upgrade.
    pub upgrade_message: Option<Box<str>>,
}

/// A version of the agent that an edge can fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its version.
    pub version: String,
    /// The operating system it is for.
    pub platform: String,
    /// The processor it is for.
    pub arch: String,
    /// The kind of installation it is for.
    pub install_type: String,
    /// Where it is.
    pub url: String,
    /// What its bytes add up to.
    pub checksum: String,
    /// The signature over them.
    pub signature: String,
    /// How it was signed.
    pub signature_algorithm: String,
    /// With which key, if that is told.
    pub signing_key_id: Option<String>,
    /// How many bytes there are, if that is told.
    pub size_bytes: Option<u64>,
}

/// Where an upgrade is, as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum OfferedStatus {
    /// There is none.
    Idle,
    /// The edge has been told of it.
    UpgradePending,
    /// The edge is fetching the package.
    Downloading,
    /// The edge is checking the package.
    Verifying,
    /// The edge is restarting into it.
    Restarting,
    /// The edge runs it.
    Succeeded,
    /// The edge still runs the old version.
    Failed,
    /// The edge runs the old version again.
    RolledBack,
}

impl From<Option<UpgradeStatus>> for OfferedStatus {
    fn from(reported: Option<UpgradeStatus>) -> Self {
        match reported {
            None => Self::Idle,
            Some(UpgradeStatus::Downloading) => Self::Downloading,
            Some(UpgradeStatus::Verifying) => Self::Verifying,
            Some(UpgradeStatus::Restarting) => Self::Restarting,
            Some(UpgradeStatus::Succeeded) => Self::Succeeded,
            Some(UpgradeStatus::Failed) => Self::Failed,
            Some(UpgradeStatus::RolledBack) => Self::RolledBack,
        }
    }
}

impl TryFrom<&Fields<'_>> for ConnectivityRequest {
    type Error = Malformed;

    /// Drops every optional field that will not do: the report as a whole is a sign of life.
    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        const STATES: &str = "IDLE, BUSY, UPGRADING, ERROR";
        const UPGRADES: &str = "DOWNLOADING, VERIFYING, RESTARTING, SUCCEEDED, FAILED, ROLLED_BACK";
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            device_number: fields.required("deviceNumber", read::trimmed(1..=128))?,
            current_version: fields.lenient("currentVersion", read::trimmed(1..=64)),
            platform: fields.lenient("platform", read::trimmed(1..=64)),
            arch: fields.lenient("arch", read::trimmed(1..=64)),
            install_type: fields.lenient("installType", read::trimmed(1..=64)),
            active_task: fields.lenient("activeTask", read::flag),
            runtime_state: fields.lenient("runtimeState", read::one_of(STATES)),
            active_task_id: fields.lenient("activeTaskId", read::trimmed(1..=128)),
            uptime_seconds: fields.lenient("uptimeSeconds", read::floored),
            last_error: fields.lenient("lastError", read::collapsed(500)),
            upgrade_status: fields.lenient("upgradeStatus", read::one_of(UPGRADES)),
            reason: fields.lenient("reason", read::collapsed(500)),
        })
    }
}

impl From<ConnectivityRequest> for Report {
    fn from(request: ConnectivityRequest) -> Self {
        let active_task = match (request.runtime_state, request.active_task) {
            (Some(RuntimeState::Idle), _) | (_, Some(false)) => Change::Clear,
            (
                Some(RuntimeState::Busy | RuntimeState::Upgrading | RuntimeState::Error) | None,
                Some(true) | None,
            ) => request.active_task_id.map_or(Change::Keep, Change::Set),
        };
        let last_error = match (request.runtime_state, request.last_error) {
            (Some(RuntimeState::Idle | RuntimeState::Busy | RuntimeState::Upgrading), _) => {
                Change::Clear
            }
            (Some(RuntimeState::Error) | None, Some(error)) if error.is_empty() => Change::Clear,
            (Some(RuntimeState::Error) | None, Some(error)) => Change::Set(error),
            (Some(RuntimeState::Error) | None, None) => Change::Keep,
        };
        Self {
            version: request.current_version,
            platform: request.platform.as_deref().and_then(register::platform),
            arch: request.arch.as_deref().and_then(register::arch),
            install_type: request.install_type,
            runtime_state: request.runtime_state,
            active_task,
            uptime_seconds: request.uptime_seconds,
            last_error,
            upgrade_status: request.upgrade_status,
            upgrade_reason: request.reason,
        }
    }
}
