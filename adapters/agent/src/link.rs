//! What an edge says to the gateway, one question and one answer at a time.

mod answer;
mod transport;

use std::time::{Duration, Instant};

use edge_ledger_core::Timestamp;
use edge_ledger_core::edge::RuntimeState;
use edge_ledger_core::task::TaskStatus;
use edge_ledger_wire::edge::{
    CompleteRequest, ConnectivityRequest, FailRequest, HeartbeatAnswer, HeartbeatRequest,
    LeasedTask, NextAnswer, NextRequest, RegisterAnswer, RegisterRequest, ResultsAnswer,
    ResultsRequest, StatusAnswer,
};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

pub(crate) use answer::{Refusal, RefusalKind, Trouble};
pub use transport::TransportError;
pub(crate) use transport::{Answered, Question, Transport};

use crate::identity::{Attempt, Identity};
use crate::lease::{self, GatewayTime, LeaseClock};
use crate::runtime::{Job, Progress, Row};
use crate::secret::Secret;

/// This build of the agent, and the machine it is for.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
const PLATFORM: &str = std::env::consts::OS;
const ARCH: &str = std::env::consts::ARCH;
const INSTALL_TYPE: &str = "service";

/// How long to wait for an answer where nothing is more urgent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Registers an edge under an enrollment token.
pub(crate) async fn register(
    transport: &Transport,
    token: &Secret,
    name: &str,
    attempt: &Attempt,
) -> Result<Identity, Trouble> {
    let body = RegisterRequest {
        device_number: attempt.device_number.as_str().into(),
        display_name: name.into(),
        platform: Some(PLATFORM.into()),
        arch: Some(ARCH.into()),
        edge_version: Some(VERSION.into()),
        token: None,
    };
    let question = Question {
        path: &["register"],
        secret: token,
        idempotency_key: Some(&attempt.idempotency_key),
        body: &body,
        within: PATIENCE,
    };
    let RegisterAnswer { worker_id, credential, device_number } =
        transport.ask(question).await?.answer;
    Ok(Identity {
        worker_id,
        device_number: device_number.into(),
        credential: Secret::new(&credential),
    })
}

/// The way to the gateway of an edge that is registered.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    transport: Transport,
    identity: Identity,
}

/// A task, leased to this edge.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) name: String,
    pub(crate) trials: u64,
    pub(crate) lease: LeaseClock,
    pub(crate) job: Job,
}

/// What a heartbeat was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The lease goes on, counted from when the heartbeat left.
    Extended { asked_at: Instant, length: Duration },
    /// The work is not wanted any more: the task is what this status says.
    Over { status: TaskStatus },
}

/// How many of the rows were news.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) accepted: usize,
    pub(crate) deduplicated: usize,
}

/// What an edge tells of its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// It has nothing to do.
    Idle,
    /// It works on a task.
    Busy { task_id: String },
    /// Its last work or question failed.
    Error { last_error: String },
}

impl Link {
    pub(crate) fn new(transport: Transport, identity: Identity) -> Self {
        Self { transport, identity }
    }

    /// Asks for work, holding none.
    pub(crate) async fn next(&self) -> Result<Option<Granted>, Trouble> {
        let body = NextRequest {
            worker_id: self.worker_id(),
            holding: Some(Vec::new()),
            capacity: Some(1),
        };
        let Answered { answer, asked_at, time } =
            self.ask(&["tasks", "next"], None, &body, PATIENCE).await?;
        // The task stays as it came: its runtime is to have every byte of it.
        let NextAnswer { task, .. }: NextAnswer<Box<RawValue>> = answer;
        task.map(|json| granted(json, asked_at, time)).transpose()
    }

    /// Tells how the edge is.
    pub(crate) async fn connectivity(
        &self,
        health: &Health,
        uptime: Duration,
    ) -> Result<(), Trouble> {
        let (runtime_state, task, error) = match health {
            Health::Idle => (RuntimeState::Idle, None, None),
            Health::Busy { task_id } => (RuntimeState::Busy, Some(task_id.as_str()), None),
            Health::Error { last_error } => (RuntimeState::Error, None, Some(last_error.as_str())),
        };
        let body = ConnectivityRequest {
            worker_id: self.worker_id(),
            device_number: self.identity.device_number.as_str().into(),
            current_version: Some(VERSION.into()),
            platform: Some(PLATFORM.into()),
            arch: Some(ARCH.into()),
            install_type: Some(INSTALL_TYPE.into()),
            active_task: Some(task.is_some()),
            runtime_state: Some(runtime_state),
            active_task_id: task.map(Into::into),
            uptime_seconds: Some(uptime.as_secs()),
            last_error: error.map(Into::into),
            upgrade_status: None,
            reason: None,
        };
        let _: Answered<IgnoredAny> = self.ask(&["connectivity"], None, &body, PATIENCE).await?;
        Ok(())
    }

    /// Tells that the work goes on, and how far it is.
    pub(crate) async fn heartbeat(
        &self,
        job: &Job,
        progress: &Progress,
        within: Duration,
    ) -> Result<Heard, Trouble> {
        let body = HeartbeatRequest {
            worker_id: self.worker_id(),
            processed_configs: progress.processed,
            total_configs: progress.total,
            current_config: progress.current_config.as_deref().map(shortened),
            trial_progress: progress.trial_progress.as_deref().map(shortened),
            lease_token: Some(job.lease_token),
        };
        let Answered { answer, asked_at, time } =
            self.ask(&["tasks", &job.task_id, "heartbeat"], None, &body, within).await?;
        match answer {
            HeartbeatAnswer { cancel_requested: true, status, .. } => Ok(Heard::Over { status }),
            HeartbeatAnswer { lease_expires_at: expires_at, .. } => {
                let length = lease_length(expires_at.as_deref().unwrap_or_default(), time)?;
                Ok(Heard::Extended { asked_at, length })
            }
        }
    }

    /// Sends the rows of a request made by [`Link::rows`].
    pub(crate) async fn results(
        &self,
        job: &Job,
        body: &ResultsRequest,
    ) -> Result<Stored, Trouble> {
        let ResultsAnswer { accepted, deduplicated, .. } =
            self.ask(&["tasks", &job.task_id, "results"], None, body, PATIENCE).await?.answer;
        Ok(Stored { accepted, deduplicated })
    }

    /// Returns the request that sends these rows.
    pub(crate) fn rows(&self, job: &Job, results: Vec<Row>) -> ResultsRequest {
        let lease_token = Some(job.lease_token);
        ResultsRequest { worker_id: self.worker_id(), results, lease_token }
    }

    /// Tells that the work is done, and returns what the task has become.
    pub(crate) async fn complete(
        &self,
        job: &Job,
        best_config_ids: &[String],
        progress: &Progress,
    ) -> Result<TaskStatus, Trouble> {
        let body = CompleteRequest {
            worker_id: self.worker_id(),
            best_config_ids: best_config_ids.iter().map(|id| id.as_str().into()).collect(),
            processed_configs: progress.processed,
            total_configs: progress.total,
            lease_token: Some(job.lease_token),
        };
        let StatusAnswer { status, .. } =
            self.ask(&["tasks", &job.task_id, "complete"], None, &body, PATIENCE).await?.answer;
        Ok(status)
    }

    /// Tells that the work failed, and returns what the task has become. Repeated under the same
    /// key it fails once, even if the task was leased anew in between.
    pub(crate) async fn fail(
        &self,
        job: &Job,
        error: &str,
        retryable: bool,
        key: &str,
    ) -> Result<TaskStatus, Trouble> {
        let body = FailRequest {
            worker_id: self.worker_id(),
            error: error.chars().take(ERROR_MOST).collect(),
            retryable: Some(retryable),
            lease_token: Some(job.lease_token),
        };
        let StatusAnswer { status, .. } =
            self.ask(&["tasks", &job.task_id, "fail"], Some(key), &body, PATIENCE).await?.answer;
        Ok(status)
    }

    fn worker_id(&self) -> String {
        self.identity.worker_id.clone()
    }

    async fn ask<B: serde::Serialize, A: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        idempotency_key: Option<&str>,
        body: &B,
        within: Duration,
    ) -> Result<Answered<A>, Trouble> {
        let secret = &self.identity.credential;
        self.transport.ask(Question { path, secret, idempotency_key, body, within }).await
    }
}

fn granted(json: Box<RawValue>, asked_at: Instant, time: GatewayTime) -> Result<Granted, Trouble> {
    let task: LeasedTask = serde_json::from_str(json.get())
        .map_err(|error| Trouble::gibberish(&error, json.get().as_bytes()))?;
    let length = lease_length(&task.lease_expires_at, time)?;
    Ok(Granted {
        name: task.name.into(),
        trials: task.trials.unwrap_or(0),
        lease: LeaseClock::granted(asked_at, length),
        job: Job { task_id: task.id, lease_token: task.lease_token, attempt: task.attempt, json },
    })
}

fn lease_length(expires_at: &str, time: GatewayTime) -> Result<Duration, Trouble> {
    match expires_at.parse::<Timestamp>() {
        Ok(expires_at) => Ok(lease::length(expires_at.as_millis(), time)),
        Err(error) => Err(Trouble::Later { after: None, what: format!("leaseExpiresAt: {error}") }),
    }
}

/// Cuts a text to what a heartbeat may carry.
fn shortened(text: &str) -> Box<str> {
    text.chars().take(500).collect()
}

/// How many characters of an error the gateway keeps.
const ERROR_MOST: usize = 4000;
