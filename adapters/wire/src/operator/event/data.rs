//! The events, one variant each.
use edge_ledger_core::{
    Labels, credential,
    edge::{RuntimeState, UpgradeStatus},
    task::{self, FailReason},
};
use serde::{Deserialize, Deserializer, Serialize};

/// What happened. The tag is the event's name in the catalogue of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
#[non_exhaustive]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Data {
    /// It began to serve.
    #[serde(rename = "ledger.opened")]
    LedgerOpened {
        /// The epoch it serves in.
        epoch: u16,
    },
    /// It was open.
    #[serde(rename = "ledger.ticked")]
    LedgerTicked,
    /// It stopped serving.
    #[serde(rename = "ledger.closed")]
    LedgerClosed,
    /// Finished tasks left for the archive.
    #[serde(rename = "ledger.tasks_archived")]
    LedgerTasksArchived {
        /// Which, in the order in which they left.
        tasks: Vec<String>,
    },
    /// An enrollment token was made.
    #[serde(rename = "token.created")]
    TokenCreated {
        /// Which.
        token: String,
        /// Its name.
        name: Box<str>,
        /// How many registrations it is good for.
        max_uses: u32,
        /// Until when.
        expires_at: String,
        /// The one device it is good for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_number: Option<Box<str>>,
        /// Labels that an edge registered with it begins with.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// A registration used an enrollment token once.
    #[serde(rename = "token.used")]
    TokenUsed {
        /// Which.
        token: String,
    },
    /// An enrollment token was ended.
    #[serde(rename = "token.revoked")]
    TokenRevoked {
        /// Which.
        token: String,
    },
    /// A machine became an edge.
    #[serde(rename = "edge.registered")]
    EdgeRegistered {
        /// Which.
        edge: String,
        /// What it said of itself.
        identity: Identity,
        /// The token it presented.
        token: String,
        /// The labels it begins with.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// The device of an edge was registered again.
    #[serde(rename = "edge.reregistered")]
    EdgeReregistered {
        /// Which.
        edge: String,
        /// What it said of itself.
        identity: Identity,
        /// The token it presented.
        token: String,
    },
    /// An edge was given a credential.
    #[serde(rename = "edge.credential_issued")]
    EdgeCredentialIssued {
        /// Which.
        edge: String,
        /// The credential's id.
        credential: String,
    },
    /// A credential was given an end.
    #[serde(rename = "edge.credential_expiry_set")]
    EdgeCredentialExpirySet {
        /// Whose.
        edge: String,
        /// The credential's id.
        credential: String,
        /// When it ends.
        expires_at: String,
    },
    /// A credential was ended.
    #[serde(rename = "edge.credential_ended")]
    EdgeCredentialEnded {
        /// Whose.
        edge: String,
        /// The credential's id.
        credential: String,
        /// Why.
        reason: credential::EndReason,
    },
    /// An edge reported its health.
    #[serde(rename = "edge.reported")]
    EdgeReported {
        /// Which.
        edge: String,
        /// What it reported.
        report: Health,
    },
    /// One more of an edge's tasks failed in a row.
    #[serde(rename = "edge.failure_counted")]
    EdgeFailureCounted {
        /// Which.
        edge: String,
        /// How many have failed in a row.
        failures: u32,
    },
    /// An edge's count of failures began anew.
    #[serde(rename = "edge.failures_cleared")]
    EdgeFailuresCleared {
        /// Which.
        edge: String,
    },
    /// An edge gets no new work until an operator looks.
    #[serde(rename = "edge.quarantined")]
    EdgeQuarantined {
        /// Which.
        edge: String,
        /// How many failures in a row led to it.
        failures: u32,
    },
    /// An edge's quarantine was lifted.
    #[serde(rename = "edge.released")]
    EdgeReleased {
        /// Which.
        edge: String,
    },
    /// An edge is refused everywhere.
    #[serde(rename = "edge.disabled")]
    EdgeDisabled {
        /// Which.
        edge: String,
        /// Why.
        reason: Box<str>,
    },
    /// An edge may work again.
    #[serde(rename = "edge.enabled")]
    EdgeEnabled {
        /// Which.
        edge: String,
    },
    /// An edge's labels were replaced.
    #[serde(rename = "edge.labels_set")]
    EdgeLabelsSet {
        /// Which.
        edge: String,
        /// The labels.
        labels: Labels,
    },
    /// The most leases an edge may hold at once was set.
    #[serde(rename = "edge.capacity_set")]
    EdgeCapacitySet {
        /// Which.
        edge: String,
        /// The number.
        capacity: u32,
    },
    /// A task was added.
    #[serde(rename = "task.submitted")]
    TaskSubmitted {
        /// Which.
        task: String,
        /// Its name.
        name: Box<str>,
        /// Higher ones are leased first.
        priority: i32,
        /// The one edge that may have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assigned_to: Option<String>,
        /// The labels an edge must have.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        requires: Labels,
        /// Under this key it may be submitted again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dedupe_key: Option<Box<str>>,
        /// What its submission adds up to.
        digest: String,
        /// When it may be leased, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<String>,
        /// When its first run is to have ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<String>,
    },
    /// A task may be leased: its wait was over.
    #[serde(rename = "task.readied")]
    TaskReadied {
        /// Which.
        task: String,
    },
    /// An edge was given a lease. The event's position is in its fence.
    #[serde(rename = "task.leased")]
    TaskLeased {
        /// On which task.
        task: String,
        /// Who holds it.
        edge: String,
        /// Which attempt of the run it is.
        attempt: u32,
        /// When it ends unless it is extended.
        expires_at: String,
    },
    /// The same lease was handed out again.
    #[serde(rename = "task.lease_redelivered")]
    TaskLeaseRedelivered {
        /// On which task.
        task: String,
        /// How often it has been, with this.
        redeliveries: u8,
        /// When it ends now.
        expires_at: String,
    },
    /// A lease was given more time, because the ledger had been closed.
    #[serde(rename = "task.lease_extended")]
    TaskLeaseExtended {
        /// On which task.
        task: String,
        /// When it ends now.
        expires_at: String,
    },
    /// The holder was at work.
    #[serde(rename = "task.progressed")]
    TaskProgressed {
        /// On which task.
        task: String,
        /// How many configurations are done.
        processed_configs: u64,
        /// How many there are.
        total_configs: u64,
        /// The one at hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current_config: Option<Box<str>>,
        /// Where the work is, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial_progress: Option<Box<str>>,
        /// When the lease ends now.
        expires_at: String,
    },
    /// Results of the holder were taken.
    #[serde(rename = "task.results_stored")]
    TaskResultsStored {
        /// Of which task.
        task: String,
        /// How many are new.
        rows: usize,
        /// How many are not.
        deduplicated: u32,
        /// When the lease ends now.
        expires_at: String,
    },
    /// Results of a past holder were kept aside.
    #[serde(rename = "task.late_results_kept")]
    TaskLateResultsKept {
        /// Of which task.
        task: String,
        /// Who sent them.
        edge: String,
        /// How many are kept.
        rows: usize,
        /// How many are not.
        dropped: u32,
    },
    /// Results kept aside were taken into the present run.
    #[serde(rename = "task.late_results_adopted")]
    TaskLateResultsAdopted {
        /// Of which task.
        task: String,
        /// The position of the event that kept them.
        kept_at: u64,
        /// How many were taken.
        rows: usize,
    },
    /// A lease lapsed: nothing was heard from its holder in time.
    #[serde(rename = "task.went_stale")]
    TaskWentStale {
        /// On which task.
        task: String,
        /// Who held it.
        edge: String,
        /// Its fence.
        lease_token: u64,
        /// How many attempts the run has then used up.
        attempts: u32,
        /// When the task may be leased again, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<String>,
    },
    /// A lease was ended before its time.
    #[serde(rename = "task.lease_ended")]
    TaskLeaseEnded {
        /// On which task.
        task: String,
        /// Why.
        reason: task::EndReason,
        /// Who held it.
        edge: String,
        /// Its fence.
        lease_token: u64,
        /// How many attempts the run has then used up.
        attempts: u32,
        /// When the task may be leased again, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<String>,
    },
    /// An attempt failed, and another may go better.
    #[serde(rename = "task.attempt_failed")]
    TaskAttemptFailed {
        /// At which task.
        task: String,
        /// What the holder said went wrong.
        error: Box<str>,
        /// Who held it.
        edge: String,
        /// The fence of its lease.
        lease_token: u64,
        /// How many attempts the run has then used up.
        attempts: u32,
        /// When the task may be leased again, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<String>,
    },
    /// A run ended without success.
    #[serde(rename = "task.failed")]
    TaskFailed {
        /// Of which task.
        task: String,
        /// Why.
        reason: FailReason,
        /// What went wrong.
        error: Box<str>,
    },
    /// A run ended with success.
    #[serde(rename = "task.completed")]
    TaskCompleted {
        /// Of which task.
        task: String,
        /// The best rows, best first.
        best_config_ids: Vec<Box<str>>,
        /// How many configurations were done.
        processed_configs: u64,
        /// How many there were.
        total_configs: u64,
    },
    /// An operator ended a run.
    #[serde(rename = "task.cancelled")]
    TaskCancelled {
        /// Of which task.
        task: String,
        /// Why.
        reason: Box<str>,
    },
    /// A new run began.
    #[serde(rename = "task.retried")]
    TaskRetried {
        /// Of which task.
        task: String,
        /// Which, counted from one.
        run: u32,
        /// When it is to have ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<String>,
        /// When it may be leased, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<String>,
    },
    /// A task was given to one edge, or to any.
    #[serde(rename = "task.reassigned")]
    TaskReassigned {
        /// Which.
        task: String,
        /// The one edge that may have it; any if none.
        to: Option<String>,
    },
}

/// What a machine said it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identity {
    /// The number of its device.
    pub device_number: Box<str>,
    /// Its name.
    pub display_name: Box<str>,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// Version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
}

/// What an edge reported of its health. What is missing is unchanged, what is null is cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// Version of its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// How it was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_type: Option<Box<str>>,
    /// What it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_state: Option<RuntimeState>,
    /// The task it works on.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    pub active_task_id: Option<Option<Box<str>>>,
    /// Seconds since its agent started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Its last error.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    pub last_error: Option<Option<Box<str>>>,
    /// Where an upgrade is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_status: Option<UpgradeStatus>,
    /// Why the upgrade is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_reason: Option<Box<str>>,
}

/// Tells null from missing.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Box<str>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
