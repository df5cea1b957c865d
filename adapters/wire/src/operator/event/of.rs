//! How an event in the log is shown.
use edge_ledger_core::{
    EdgeId, Event, TaskId, TokenId,
    edge::{self, Change, Report},
    enrollment, lifecycle, task,
};

use super::data::{Data, Health, Identity};

impl From<&Event> for Data {
    fn from(event: &Event) -> Self {
        match event {
            Event::Ledger(what) => of_ledger(what),
            Event::Token { id, what } => of_token(*id, what),
            Event::Edge { id, what } => of_edge(*id, what),
            Event::Task { id, what } => of_task(id, what),
        }
    }
}

fn of_ledger(what: &lifecycle::Event) -> Data {
    match what {
        lifecycle::Event::Opened { epoch } => Data::LedgerOpened { epoch: epoch.0 },
        lifecycle::Event::Ticked => Data::LedgerTicked,
        lifecycle::Event::Closed => Data::LedgerClosed,
        lifecycle::Event::TasksArchived { tasks } => {
            Data::LedgerTasksArchived { tasks: tasks.iter().map(ToString::to_string).collect() }
        }
    }
}

fn of_token(id: TokenId, what: &enrollment::Event) -> Data {
    let token = id.to_string();
    match what {
        enrollment::Event::Created(grant) => Data::TokenCreated {
            token,
            name: grant.name.clone(),
            max_uses: grant.max_uses,
            expires_at: grant.expires_at.to_string(),
            device_number: grant.device_number.clone(),
            labels: grant.labels.clone(),
        },
        enrollment::Event::Used => Data::TokenUsed { token },
        enrollment::Event::Revoked => Data::TokenRevoked { token },
    }
}

fn of_edge(id: EdgeId, what: &edge::Event) -> Data {
    let edge = id.to_string();
    match what {
        edge::Event::Registered { identity, token, labels } => Data::EdgeRegistered {
            edge,
            identity: (&**identity).into(),
            token: token.to_string(),
            labels: labels.clone(),
        },
        edge::Event::Reregistered { identity, token } => Data::EdgeReregistered {
            edge,
            identity: (&**identity).into(),
            token: token.to_string(),
        },
        edge::Event::CredentialIssued { credential, secret: _ } => {
            Data::EdgeCredentialIssued { edge, credential: credential.to_string() }
        }
        edge::Event::CredentialExpirySet { credential, expires_at } => {
            Data::EdgeCredentialExpirySet {
                edge,
                credential: credential.to_string(),
                expires_at: expires_at.to_string(),
            }
        }
        edge::Event::CredentialEnded { credential, reason } => {
            let credential = credential.to_string();
            Data::EdgeCredentialEnded { edge, credential, reason: *reason }
        }
        edge::Event::Reported(report) => Data::EdgeReported { edge, report: (&**report).into() },
        edge::Event::FailureCounted { failures } => {
            Data::EdgeFailureCounted { edge, failures: *failures }
        }
        edge::Event::FailuresCleared => Data::EdgeFailuresCleared { edge },
        edge::Event::Quarantined { failures } => {
            Data::EdgeQuarantined { edge, failures: *failures }
        }
        edge::Event::Released => Data::EdgeReleased { edge },
        edge::Event::Disabled { reason } => Data::EdgeDisabled { edge, reason: reason.clone() },
        edge::Event::Enabled => Data::EdgeEnabled { edge },
        edge::Event::LabelsSet(labels) => Data::EdgeLabelsSet { edge, labels: labels.clone() },
        edge::Event::CapacitySet(capacity) => Data::EdgeCapacitySet { edge, capacity: *capacity },
    }
}

fn of_task(id: &TaskId, what: &task::Event) -> Data {
    let task = id.to_string();
    match what {
        task::Event::Submitted(submitted) => of_submission(task, submitted),
        task::Event::Readied => Data::TaskReadied { task },
        task::Event::Leased { edge, attempt, expires_at } => Data::TaskLeased {
            task,
            edge: edge.to_string(),
            attempt: *attempt,
            expires_at: expires_at.to_string(),
        },
        task::Event::LeaseRedelivered { redeliveries, expires_at } => {
            let (redeliveries, expires_at) = (*redeliveries, expires_at.to_string());
            Data::TaskLeaseRedelivered { task, redeliveries, expires_at }
        }
        task::Event::LeaseExtended { expires_at } => {
            Data::TaskLeaseExtended { task, expires_at: expires_at.to_string() }
        }
        task::Event::Progressed(progressed) => Data::TaskProgressed {
            task,
            processed_configs: progressed.progress.processed,
            total_configs: progressed.progress.total,
            current_config: progressed.progress.current_config.clone(),
            trial_progress: progressed.progress.trial_progress.clone(),
            expires_at: progressed.expires_at.to_string(),
        },
        task::Event::ResultsStored(stored) => Data::TaskResultsStored {
            task,
            rows: stored.rows.len(),
            deduplicated: stored.deduplicated,
            expires_at: stored.expires_at.to_string(),
        },
        task::Event::LateResultsKept(kept) => Data::TaskLateResultsKept {
            task,
            edge: kept.edge.to_string(),
            rows: kept.rows.len(),
            dropped: kept.dropped,
        },
        task::Event::LateResultsAdopted { kept_at, config_ids } => {
            Data::TaskLateResultsAdopted { task, kept_at: kept_at.get(), rows: config_ids.len() }
        }
        task::Event::WentStale(lease) => Data::TaskWentStale {
            task,
            edge: lease.edge.to_string(),
            lease_token: lease.fence.get(),
            attempts: lease.attempts,
            ready_at: lease.ready_at.map(|at| at.to_string()),
        },
        task::Event::LeaseEnded { reason, lease } => Data::TaskLeaseEnded {
            task,
            reason: *reason,
            edge: lease.edge.to_string(),
            lease_token: lease.fence.get(),
            attempts: lease.attempts,
            ready_at: lease.ready_at.map(|at| at.to_string()),
        },
        task::Event::AttemptFailed { error, lease } => Data::TaskAttemptFailed {
            task,
            error: error.clone(),
            edge: lease.edge.to_string(),
            lease_token: lease.fence.get(),
            attempts: lease.attempts,
            ready_at: lease.ready_at.map(|at| at.to_string()),
        },
        task::Event::Failed { reason, error } => {
            Data::TaskFailed { task, reason: *reason, error: error.clone() }
        }
        task::Event::Completed(completion) => Data::TaskCompleted {
            task,
            best_config_ids: completion.best.to_vec(),
            processed_configs: completion.processed,
            total_configs: completion.total,
        },
        task::Event::Cancelled { reason } => Data::TaskCancelled { task, reason: reason.clone() },
        task::Event::Retried { run, deadline_at, ready_at } => Data::TaskRetried {
            task,
            run: *run,
            deadline_at: deadline_at.map(|at| at.to_string()),
            ready_at: ready_at.map(|at| at.to_string()),
        },
        task::Event::Reassigned { to } => {
            Data::TaskReassigned { task, to: to.map(|edge| edge.to_string()) }
        }
    }
}

fn of_submission(task: String, submitted: &task::Submitted) -> Data {
    let task::Spec { name, dedupe_key, terms, payload: _ } = &submitted.spec;
    Data::TaskSubmitted {
        task,
        name: name.clone(),
        priority: terms.priority,
        assigned_to: terms.assigned_to.map(|edge| edge.to_string()),
        requires: terms.requires.clone(),
        dedupe_key: dedupe_key.clone(),
        digest: submitted.digest.to_string(),
        ready_at: submitted.ready_at.map(|at| at.to_string()),
        deadline_at: submitted.deadline_at.map(|at| at.to_string()),
    }
}

impl From<&edge::Identity> for Identity {
    fn from(identity: &edge::Identity) -> Self {
        let edge::Identity { device_number, display_name, platform, arch, version } =
            identity.clone();
        Self { device_number, display_name, platform, arch, version }
    }
}

impl From<&Report> for Health {
    fn from(report: &Report) -> Self {
        let report = report.clone();
        Self {
            version: report.version,
            platform: report.platform,
            arch: report.arch,
            install_type: report.install_type,
            runtime_state: report.runtime_state,
            active_task_id: changed(report.active_task),
            uptime_seconds: report.uptime_seconds,
            last_error: changed(report.last_error),
            upgrade_status: report.upgrade_status,
            upgrade_reason: report.upgrade_reason,
        }
    }
}

fn changed(change: Change<Box<str>>) -> Option<Option<Box<str>>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value)),
    }
}
