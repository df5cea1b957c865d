//! `/v1/tasks/{id}/why`: why a task is not running.
use edge_ledger_core::{EdgeId, TaskId, Timestamp, task::TaskStatus, why};
use serde::{Deserialize, Serialize};

/// Why a task is not running: what must go away first comes first. No reasons if it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The task.
    pub task: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// When it was looked at.
    pub as_of: String,
}

/// One reason why a task is not running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Its stable name.
    pub code: String,
    /// The reason in words.
    pub detail: String,
    /// Until when it lasts, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Since when it has been so, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The edges it is about, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<String>,
    /// How many tasks come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<usize>,
}

impl Why {
    /// Shows the reasons at `now`.
    #[must_use]
    pub fn of(task: &TaskId, status: TaskStatus, reasons: &[why::Reason], now: Timestamp) -> Self {
        Self {
            task: task.to_string(),
            status,
            reasons: reasons.iter().map(Reason::from).collect(),
            as_of: now.to_string(),
        }
    }
}

impl From<&why::Reason> for Reason {
    fn from(reason: &why::Reason) -> Self {
        let bare = Self {
            code: reason.code().to_owned(),
            detail: reason.to_string(),
            until: None,
            since: None,
            edges: vec![],
            behind: None,
        };
        match reason {
            why::Reason::Finished(_) | why::Reason::NoEdgeMeets { .. } => bare,
            why::Reason::NotBefore { until, .. } => Self { until: Some(until.to_string()), ..bare },
            why::Reason::AssignedEdgeDisabled { edge, since }
            | why::Reason::AssignedEdgeQuarantined { edge, since } => {
                Self { since: Some(since.to_string()), edges: names(&[*edge]), ..bare }
            }
            why::Reason::AssignedEdgeSilent { edge, since, .. } => {
                Self { since: since.map(|at| at.to_string()), edges: names(&[*edge]), ..bare }
            }
            why::Reason::AssignedEdgeFull { edge, .. } => Self { edges: names(&[*edge]), ..bare },
            why::Reason::NoEdgeAvailable(unavailable) => {
                Self { edges: names(&unavailable.edges), ..bare }
            }
            why::Reason::Behind { tasks } => Self { behind: Some(*tasks), ..bare },
            why::Reason::AwaitingPoll { edges, .. } => Self { edges: names(edges), ..bare },
        }
    }
}

fn names(edges: &[EdgeId]) -> Vec<String> {
    edges.iter().map(ToString::to_string).collect()
}
