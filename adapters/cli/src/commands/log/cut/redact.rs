//! Placeholders for what somebody chose: the same one for the same, under a key that nobody keeps.
//!
//! Ids that the ledger mints, numbers, times and states stay. Each field is named here, so that one
//! that is added has to be decided on.

use anyhow::{Context as _, Result};
use edge_ledger_core::{
    Cause, Commit, Digest, Event, Idempotency, Labels, Principal, TaskId,
    edge::{self, Change, Identity, Report},
    enrollment::{self, Grant},
    lifecycle,
    task::{self, Completion, Payload, Progress, Row, Spec, Submitted, Terms},
};
use edge_ledger_journal::CutOf;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Replaces what somebody chose.
#[derive(Debug)]
pub(super) struct Redactor {
    key: [u8; 32],
}

impl Redactor {
    /// Draws a key, which is gone with it: who knows a name cannot see whether it was there.
    pub(super) fn new() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("the operating system gives no random bits")?;
        Ok(Self { key })
    }

    /// Replaces the id of what a cut is about, if somebody chose it.
    pub(super) fn of(&self, of: &CutOf) -> CutOf {
        match of {
            CutOf::Task(task) => CutOf::Task(self.task_id(task)),
            CutOf::Edge(edge) => CutOf::Edge(*edge),
        }
    }

    /// Replaces what is in a commit.
    pub(super) fn commit(&self, commit: Commit) -> Commit {
        let Commit { after, recorded_at, cause, events } = commit;
        let Cause { command, principal, idempotency } = cause;
        let principal = match principal {
            Principal::Operator { name } => {
                Principal::Operator { name: self.text("operator", &name) }
            }
            Principal::System | Principal::Enrollee { .. } | Principal::Edge { .. } => principal,
        };
        let idempotency = idempotency.map(|Idempotency { key, body }| Idempotency {
            key: self.digest(key),
            body: self.digest(body),
        });
        let cause = Cause { command, principal, idempotency };
        let events = events.into_iter().map(|event| self.event(event)).collect();
        Commit { after, recorded_at, cause, events }
    }

    fn event(&self, event: Event) -> Event {
        match event {
            Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => {
                let tasks = tasks.iter().map(|task| self.task_id(task)).collect();
                Event::Ledger(lifecycle::Event::TasksArchived { tasks })
            }
            Event::Ledger(
                lifecycle::Event::Opened { .. }
                | lifecycle::Event::Ticked
                | lifecycle::Event::Closed,
            ) => event,
            Event::Token { id, what } => Event::Token { id, what: self.of_token(what) },
            Event::Edge { id, what } => Event::Edge { id, what: self.of_edge(what) },
            Event::Task { id, what } => {
                Event::Task { id: self.task_id(&id), what: self.of_task(what) }
            }
        }
    }

    fn of_token(&self, what: enrollment::Event) -> enrollment::Event {
        match what {
            enrollment::Event::Created(grant) => {
                let Grant { name, secret, max_uses, expires_at, device_number, labels } = *grant;
                enrollment::Event::Created(Box::new(Grant {
                    name: self.text("token", &name),
                    secret: self.digest(secret),
                    max_uses,
                    expires_at,
                    device_number: self.maybe("device", device_number),
                    labels: self.labels(&labels),
                }))
            }
            enrollment::Event::Used | enrollment::Event::Revoked => what,
        }
    }

    fn of_edge(&self, what: edge::Event) -> edge::Event {
        match what {
            edge::Event::Registered { identity, token, labels } => edge::Event::Registered {
                identity: self.identity(*identity),
                token,
                labels: self.labels(&labels),
            },
            edge::Event::Reregistered { identity, token } => {
                edge::Event::Reregistered { identity: self.identity(*identity), token }
            }
            edge::Event::CredentialIssued { credential, secret } => {
                edge::Event::CredentialIssued { credential, secret: self.digest(secret) }
            }
            edge::Event::Reported(report) => edge::Event::Reported(self.report(*report)),
            edge::Event::Disabled { reason } => {
                edge::Event::Disabled { reason: self.text("reason", &reason) }
            }
            edge::Event::LabelsSet(labels) => edge::Event::LabelsSet(self.labels(&labels)),
            edge::Event::CredentialExpirySet { .. }
            | edge::Event::CredentialEnded { .. }
            | edge::Event::FailureCounted { .. }
            | edge::Event::FailuresCleared
            | edge::Event::Quarantined { .. }
            | edge::Event::Released
            | edge::Event::Enabled
            | edge::Event::CapacitySet(_) => what,
        }
    }

    fn of_task(&self, what: task::Event) -> task::Event {
        match what {
            task::Event::Submitted(submitted) => {
                let Submitted { spec, digest: _, deadline_at, ready_at } = *submitted;
                let spec = self.spec(spec);
                let digest = spec.digest();
                let submitted = Submitted { spec, digest, deadline_at, ready_at };
                task::Event::Submitted(Box::new(submitted))
            }
            task::Event::Progressed(mut progressed) => {
                progressed.progress = self.progress(progressed.progress);
                task::Event::Progressed(progressed)
            }
            task::Event::ResultsStored(mut stored) => {
                stored.rows = self.rows(stored.rows);
                task::Event::ResultsStored(stored)
            }
            task::Event::LateResultsKept(mut kept) => {
                kept.rows = self.rows(kept.rows);
                task::Event::LateResultsKept(kept)
            }
            task::Event::LateResultsAdopted { kept_at, config_ids } => {
                task::Event::LateResultsAdopted { kept_at, config_ids: self.configs(&config_ids) }
            }
            task::Event::AttemptFailed { error, lease } => {
                task::Event::AttemptFailed { error: self.text("error", &error), lease }
            }
            task::Event::Failed { reason, error } => {
                task::Event::Failed { reason, error: self.text("error", &error) }
            }
            task::Event::Completed(completion) => {
                let Completion { best, processed, total } = *completion;
                let best = self.configs(&best);
                task::Event::Completed(Box::new(Completion { best, processed, total }))
            }
            task::Event::Cancelled { reason } => {
                task::Event::Cancelled { reason: self.text("reason", &reason) }
            }
            task::Event::Readied
            | task::Event::Leased { .. }
            | task::Event::LeaseRedelivered { .. }
            | task::Event::LeaseExtended { .. }
            | task::Event::WentStale(_)
            | task::Event::LeaseEnded { .. }
            | task::Event::Retried { .. }
            | task::Event::Reassigned { .. } => what,
        }
    }

    fn spec(&self, spec: Spec) -> Spec {
        let Spec { name, payload, dedupe_key, terms } = spec;
        let Terms { requires, .. } = &terms;
        let requires = self.labels(requires);
        Spec {
            name: self.text("name", &name),
            payload: self.payload(&payload),
            dedupe_key: self.maybe("dedupe", dedupe_key),
            terms: Terms { requires, ..terms },
        }
    }

    fn identity(&self, identity: Identity) -> Box<Identity> {
        let Identity { device_number, display_name, platform, arch, version } = identity;
        Box::new(Identity {
            device_number: self.text("device", &device_number),
            display_name: self.text("name", &display_name),
            platform: self.maybe("platform", platform),
            arch: self.maybe("arch", arch),
            version: self.maybe("version", version),
        })
    }

    fn report(&self, report: Report) -> Box<Report> {
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
        let active_task = match active_task {
            Change::Set(task) => Change::Set(self.id("task", &task)),
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
        };
        let last_error = match last_error {
            Change::Set(error) => Change::Set(self.text("error", &error)),
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
        };
        Box::new(Report {
            version: self.maybe("version", version),
            platform: self.maybe("platform", platform),
            arch: self.maybe("arch", arch),
            install_type: self.maybe("install", install_type),
            runtime_state,
            active_task,
            uptime_seconds,
            last_error,
            upgrade_status,
            upgrade_reason: self.maybe("reason", upgrade_reason),
        })
    }

    fn progress(&self, progress: Progress) -> Progress {
        let Progress { processed, total, current_config, trial_progress } = progress;
        Progress {
            processed,
            total,
            current_config: self.maybe("config", current_config),
            trial_progress: self.maybe("progress", trial_progress),
        }
    }

    fn rows(&self, rows: Vec<Row>) -> Vec<Row> {
        let row = |Row { config_id, strategy_config, metrics, result_folder }| Row {
            config_id: self.text("config", &config_id),
            strategy_config: self.payload(&strategy_config),
            metrics: self.payload(&metrics),
            result_folder: self.maybe("folder", result_folder),
        };
        rows.into_iter().map(row).collect()
    }

    fn configs(&self, ids: &[Box<str>]) -> Box<[Box<str>]> {
        ids.iter().map(|id| self.text("config", id)).collect()
    }

    fn labels(&self, labels: &Labels) -> Labels {
        let both = |(name, value): (&String, &String)| {
            (self.text("label", name).into(), self.text("value", value).into())
        };
        Labels(labels.0.iter().map(both).collect())
    }

    fn payload(&self, payload: &Payload) -> Payload {
        let json = format!("{{\"redacted\":\"{}\"}}", self.text("payload", payload.get()));
        Payload::new(RawValue::from_string(json).expect("a placeholder is JSON"))
    }

    fn task_id(&self, task: &TaskId) -> TaskId {
        TaskId::new(&self.id("task", &task.to_string())).expect("a placeholder is an id")
    }

    /// Replaces an id, unless it is one that says nothing.
    fn id(&self, kind: &str, id: &str) -> Box<str> {
        if Uuid::try_parse(id).is_ok() { id.into() } else { self.text(kind, id) }
    }

    fn maybe(&self, kind: &str, text: Option<Box<str>>) -> Option<Box<str>> {
        text.map(|text| self.text(kind, &text))
    }

    fn text(&self, kind: &str, text: &str) -> Box<str> {
        let digest = Digest::keyed(&self.key, text.as_bytes()).to_string();
        format!("{kind}-{}", &digest[..16]).into()
    }

    fn digest(&self, digest: Digest) -> Digest {
        Digest::keyed(&self.key, digest.as_bytes())
    }
}
