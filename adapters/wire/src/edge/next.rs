//! `POST /internal/edges/tasks/next`: an edge asks for work.
use edge_ledger_core::{
    TaskId, Timestamp,
    task::{Fence, Poll, TaskStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    Fields, Malformed,
    optimization::{Optimization, SearchStrategy},
    read,
    work::Work,
};

/// An edge asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextRequest {
    /// The edge's id.
    pub worker_id: String,
    /// The ids of the tasks it is working on; nothing is known of them if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holding: Option<Vec<String>>,
    /// The most leases it wants to hold at once; one if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
}

/// The edge has a task now, or there is none for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextAnswer<T = LeasedTask> {
    /// Always true: an error is a problem document.
    pub success: bool,
    /// The task.
    pub task: Option<T>,
}

/// A task under a lease. The fields of an optimisation stand beside the task's own; any other work
/// is under `payload`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeasedTask {
    /// Its id.
    pub id: String,
    /// Its id once more, as older agents read it.
    pub task_id: String,
    /// Name shown to operators.
    pub name: Box<str>,
    /// Where it stands.
    pub status: TaskStatus,
    /// Which attempt of the run this is, counted from one.
    pub attempt: u32,
    /// The fence of the lease, below 2^53: it belongs into every report.
    pub lease_token: u64,
    /// When the lease ends unless it is extended.
    pub lease_expires_at: String,
    /// What is traded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The time between two prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// How configurations are chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_strategy: Option<SearchStrategy>,
    /// The values each parameter may have, byte for byte as submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimization_params: Option<Box<RawValue>>,
    /// What is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimization_metrics: Option<Vec<String>>,
    /// How many configurations to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u64>,
    /// The number of the first configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_trial: Option<u64>,
    /// What makes the search repeatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The prices to work over, oldest first, byte for byte as submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Box<RawValue>>,
    /// When the first price is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// When the last price is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// What to do, byte for byte as submitted, if the task is no optimisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
}

/// A lease, as it was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Where the task stands.
    pub status: TaskStatus,
    /// Which attempt of the run it is.
    pub attempt: u32,
    /// What tells the lease from every other.
    pub fence: Fence,
    /// When it ends unless it is extended.
    pub expires_at: Timestamp,
}

impl TryFrom<&Fields<'_>> for NextRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let id = read::text(0..=usize::MAX);
        let id = |value: &RawValue| id(value).map(String::from);
        let capacity = fields.optional("capacity", read::integer(1..=u64::MAX))?;
        Ok(Self {
            worker_id: super::worker_id(fields)?.into(),
            holding: fields.optional("holding", read::list(0..=usize::MAX, id))?,
            capacity: capacity.map(|capacity| u32::try_from(capacity).unwrap_or(u32::MAX)),
        })
    }
}

impl From<NextRequest> for Poll {
    /// What cannot be the id of a task is the id of none that the edge holds.
    fn from(request: NextRequest) -> Self {
        let ids = |ids: Vec<String>| ids.iter().filter_map(|id| TaskId::new(id).ok()).collect();
        Self { holding: request.holding.map(ids), capacity: request.capacity.unwrap_or(1) }
    }
}

impl LeasedTask {
    /// Shows a task under a lease to its holder.
    #[must_use]
    pub fn new(id: &TaskId, name: &str, work: Work, granted: Granted) -> Self {
        let mut task = Self {
            id: id.to_string(),
            task_id: id.to_string(),
            name: name.into(),
            status: granted.status,
            attempt: granted.attempt,
            lease_token: granted.fence.get(),
            lease_expires_at: granted.expires_at.to_string(),
            symbol: None,
            interval: None,
            search_strategy: None,
            optimization_params: None,
            optimization_metrics: None,
            trials: None,
            start_trial: None,
            seed: None,
            prices: None,
            start_date: None,
            end_date: None,
            payload: None,
        };
        match work {
            Work::Optimization(optimization) => task.optimize(*optimization),
            Work::Payload(payload) => task.payload = Some(payload),
            Work::Nothing => {}
        }
        task
    }

    fn optimize(&mut self, optimization: Optimization) {
        self.symbol = Some(optimization.symbol);
        self.interval = Some(optimization.interval);
        self.search_strategy = Some(optimization.search_strategy);
        self.optimization_params = Some(optimization.optimization_params);
        self.optimization_metrics = Some(optimization.optimization_metrics);
        self.trials = Some(optimization.trials);
        self.start_trial = optimization.start_trial;
        self.seed = optimization.seed;
        self.prices = optimization.prices;
        self.start_date = optimization.start_date;
        self.end_date = optimization.end_date;
    }

    /// Returns when the lease ends unless it is extended, if the gateway's word can be read.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lease_expires_at.parse().ok()
    }
}
