//! `POST /internal/edges/tasks/{id}/…`: an edge reports on a task it holds.
use edge_ledger_core::task::{
    self, Completion, Fence, HolderCommand, Payload, Progress, TaskStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Fields, Malformed, read};

/// The holder is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatRequest {
    /// The edge's id.
    pub worker_id: String,
    /// How many configurations are done.
    pub processed_configs: u64,
    /// How many there are.
    pub total_configs: u64,
    /// The one at hand; none any more if left out. Up to 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_config: Option<Box<str>>,
    /// Where the work is, in words; nothing any more if left out. Up to 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_progress: Option<Box<str>>,
    /// The fence of the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_token: Option<u64>,
}

/// The heartbeat was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatAnswer {
    /// Always true: an error is a problem document.
    pub success: bool,
    /// Where the task stands.
    pub status: TaskStatus,
    /// When the lease ends unless it is extended; none if there is no lease any more.
    pub lease_expires_at: Option<String>,
    /// Whether the work is to be stopped: the task is finished, whatever the edge still finds.
    pub cancel_requested: bool,
}

/// The holder has results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultsRequest {
    /// The edge's id.
    pub worker_id: String,
    /// The rows, up to 10,000.
    pub results: Vec<Row>,
    /// The fence of the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_token: Option<u64>,
}

/// What came of one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Names the configuration within the task's run; 1 to 200 characters.
    pub config_id: Box<str>,
    /// What was configured: an object.
    pub strategy_config: Payload,
    /// What came of it: an object.
    pub metrics: Payload,
    /// Where the edge keeps more of it; up to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_folder: Option<Box<str>>,
}

/// The rows are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultsAnswer {
    /// Always true: an error is a problem document.
    pub success: bool,
    /// How many rows are new.
    pub accepted: usize,
    /// How many are not: an earlier row has their `configId`, or the task is finished.
    pub deduplicated: usize,
}

/// The holder is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteRequest {
    /// The edge's id.
    pub worker_id: String,
    /// The best configurations, best first, up to 100; each has a row.
    pub best_config_ids: Vec<Box<str>>,
    /// How many configurations were done.
    pub processed_configs: u64,
    /// How many there were.
    pub total_configs: u64,
    /// The fence of the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_token: Option<u64>,
}

/// The holder could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailRequest {
    /// The edge's id.
    pub worker_id: String,
    /// What went wrong; cut at 4,000 characters.
    pub error: Box<str>,
    /// Whether another attempt may go better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// The fence of the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_token: Option<u64>,
}

/// The task stands elsewhere now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer {
    /// Always true: an error is a problem document.
    pub success: bool,
    /// Where the task stands.
    pub status: TaskStatus,
}

impl TryFrom<&Fields<'_>> for HeartbeatRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            processed_configs: fields.required("processedConfigs", read::count)?,
            total_configs: fields.required("totalConfigs", read::count)?,
            current_config: fields.optional("currentConfig", read::text(0..=500))?,
            trial_progress: fields.optional("trialProgress", read::text(0..=500))?,
            lease_token: lease_token(fields)?,
        })
    }
}

impl TryFrom<&Fields<'_>> for ResultsRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            results: fields.required("results", read::list(0..=10_000, Row::read))?,
            lease_token: lease_token(fields)?,
        })
    }
}

impl Row {
    fn read(value: &RawValue) -> Result<Self, Malformed> {
        let fields = Fields::of_value(value)?;
        Ok(Self {
            config_id: fields.required("configId", read::text(1..=200))?,
            strategy_config: fields.required("strategyConfig", read::object)?,
            metrics: fields.required("metrics", read::object)?,
            result_folder: fields.optional("resultFolder", read::text(0..=500))?,
        })
    }
}

impl TryFrom<&Fields<'_>> for CompleteRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let ids = read::list(0..=100, read::text(0..=200));
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            best_config_ids: fields.required("bestConfigIds", ids)?,
            processed_configs: fields.required("processedConfigs", read::count)?,
            total_configs: fields.required("totalConfigs", read::count)?,
            lease_token: lease_token(fields)?,
        })
    }
}

impl TryFrom<&Fields<'_>> for FailRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            error: fields.optional("error", read::cut(4_000))?.unwrap_or_default(),
            retryable: fields.optional("retryable", read::flag)?,
            lease_token: lease_token(fields)?,
        })
    }
}

fn lease_token(fields: &Fields<'_>) -> Result<Option<u64>, Malformed> {
    fields.optional("leaseToken", read::count)
}

impl From<HeartbeatRequest> for task::Command {
    fn from(request: HeartbeatRequest) -> Self {
        let progress = Progress {
            processed: request.processed_configs,
            total: request.total_configs,
            current_config: request.current_config,
            trial_progress: request.trial_progress,
        };
        Self::Holder(request.lease_token.map(Fence::new), HolderCommand::Heartbeat(progress))
    }
}

impl From<ResultsRequest> for task::Command {
    fn from(request: ResultsRequest) -> Self {
        let rows = request.results.into_iter().map(task::Row::from).collect();
        Self::Holder(request.lease_token.map(Fence::new), HolderCommand::StoreResults(rows))
    }
}

impl From<CompleteRequest> for task::Command {
    fn from(request: CompleteRequest) -> Self {
        let completion = Completion {
            best: request.best_config_ids.into(),
            processed: request.processed_configs,
            total: request.total_configs,
        };
        Self::Holder(request.lease_token.map(Fence::new), HolderCommand::Complete(completion))
    }
}

impl From<FailRequest> for task::Command {
    fn from(request: FailRequest) -> Self {
        let FailRequest { error, retryable, lease_token, .. } = request;
        let retryable = retryable.unwrap_or(false);
        Self::Holder(lease_token.map(Fence::new), HolderCommand::Fail { error, retryable })
    }
}

impl From<Row> for task::Row {
    fn from(row: Row) -> Self {
        let Row { config_id, strategy_config, metrics, result_folder } = row;
        Self { config_id, strategy_config, metrics, result_folder }
    }
}

impl From<&task::Row> for Row {
    fn from(row: &task::Row) -> Self {
        let task::Row { config_id, strategy_config, metrics, result_folder } = row.clone();
        Self { config_id, strategy_config, metrics, result_folder }
    }
}
