//! `/v1/edges`: edges, as operators see them and what they ask of them.
use edge_ledger_core::{
    Labels, Liveness, Millis,
    credential::Credential,
    edge::{RuntimeState, Standing, UpgradeStatus},
    view::{Activity, EdgeView},
};
use serde::{Deserialize, Serialize};

/// An edge, as it looks at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Its id: the edge itself says `workerId`.
    pub id: String,
    /// The number of its device.
    pub device_number: Box<str>,
    /// Its name.
    pub display_name: Box<str>,
    /// Whether it may talk and work.
    pub status: EdgeStatus,
    /// Since when it is quarantined or disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_since: Option<String>,
    /// Why it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Box<str>>,
    /// How alive it looks.
    pub liveness: Liveness,
    /// When it last showed itself.
    pub last_seen_at: Option<String>,
    /// How long the ledger has been open since then.
    pub silence_ms: Option<Millis>,
    /// What it is doing, from its reports and its leases.
    pub activity: Activity,
    /// What it said it is doing.
    pub runtime_state: Option<RuntimeState>,
    /// The task it said it works on.
    pub active_task_id: Option<Box<str>>,
    /// The tasks it holds, oldest lease first.
    pub holds: Vec<String>,
    /// The most it may hold at once.
    pub capacity: u32,
    /// How many of its tasks have failed in a row.
    pub consecutive_failures: u32,
    /// Its last error.
    pub last_error: Option<Box<str>>,
    /// How long its agent has been up.
    pub uptime_seconds: Option<u64>,
    /// Operating system.
    pub platform: Option<Box<str>>,
    /// Processor.
    pub arch: Option<Box<str>>,
    /// Version of its agent.
    pub version: Option<Box<str>>,
    /// How it was installed.
    pub install_type: Option<Box<str>>,
    /// Where it said an upgrade is.
    pub upgrade_status: Option<UpgradeStatus>,
    /// Why the upgrade is there.
    pub upgrade_reason: Option<Box<str>>,
    /// Its labels.
    pub labels: Labels,
    /// Its credentials that have not been ended.
    pub credentials: Vec<CredentialView>,
    /// When it registered.
    pub registered_at: String,
    /// The position of its registration: edges list in this order.
    pub position: u64,
    /// When it was looked at.
    pub as_of: String,
}

/// Whether an edge may talk and work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EdgeStatus {
    /// It may.
    Active,
    /// It may talk and finish what it holds, but gets nothing new.
    Quarantined,
    /// It is refused everywhere.
    Disabled,
}

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialView {
    /// Its id.
    pub id: String,
    /// When it was issued.
    pub issued_at: String,
    /// When it ends; never by itself if none.
    pub expires_at: Option<String>,
}

/// An edge has a new credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialAnswer {
    /// The credential, shown this once; none if the request is a repeated one.
    pub credential: Option<String>,
    /// Its id.
    pub credential_id: String,
    /// The edge as it is now.
    pub edge: Edge,
}

impl From<&EdgeView<'_>> for Edge {
    fn from(view: &EdgeView<'_>) -> Self {
        let EdgeView { edge, .. } = view;
        let (identity, health) = (edge.identity(), edge.health());
        let (status, since, reason) = match edge.standing() {
            Standing::Active => (EdgeStatus::Active, None, None),
            Standing::Quarantined { since } => (EdgeStatus::Quarantined, Some(since), None),
            Standing::Disabled { since, reason } => {
                (EdgeStatus::Disabled, Some(since), Some(reason.clone()))
            }
        };
        Self {
            id: view.id.to_string(),
            device_number: identity.device_number.clone(),
            display_name: identity.display_name.clone(),
            status,
            status_since: since.map(ToString::to_string),
            status_reason: reason,
            liveness: view.liveness,
            last_seen_at: edge.contact().map(|contact| contact.at.to_string()),
            silence_ms: view.silence,
            activity: view.activity,
            runtime_state: health.runtime_state,
            active_task_id: health.active_task.clone(),
            holds: view.holds.iter().map(ToString::to_string).collect(),
            capacity: edge.capacity(),
            consecutive_failures: edge.failures(),
            last_error: health.last_error.clone(),
            uptime_seconds: view.uptime().map(|Millis(uptime)| uptime / 1_000),
            platform: identity.platform.clone(),
            arch: identity.arch.clone(),
            version: identity.version.clone(),
            install_type: health.install_type.clone(),
            upgrade_status: health.upgrade_status,
            upgrade_reason: health.upgrade_reason.clone(),
            labels: edge.labels().clone(),
            credentials: edge.credentials().iter().map(CredentialView::from).collect(),
            registered_at: edge.registered_at().to_string(),
            position: edge.registered_position().get(),
            as_of: view.as_of.to_string(),
        }
    }
}

impl From<&Credential> for CredentialView {
    fn from(credential: &Credential) -> Self {
        Self {
            id: credential.id.to_string(),
            issued_at: credential.issued_at.to_string(),
            expires_at: credential.expires_at.map(|at| at.to_string()),
        }
    }
}
