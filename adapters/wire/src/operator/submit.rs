//! `POST /v1/tasks`: tasks are added.
use edge_ledger_core::{
    Millis, TaskId,
    task::{Backoff, Spec, Submission, Terms},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Fields, Malformed, read, work::Work};

/// The most tasks that one request may add.
const TASKS_MAX: usize = 1_000;

const DAY: u64 = 24 * 60 * 60;
const WEEK: u64 = 7 * DAY;
const YEAR: u64 = 366 * DAY;

/// Tasks are to be added: one by its fields, or up to 1,000 under `tasks`, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitRequest {
    /// The tasks.
    pub tasks: Vec<NewTask>,
    /// Whether there is one by its fields.
    pub is_single: bool,
}

/// A task that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Its id; one is minted if none.
    pub id: Option<TaskId>,
    /// What it is.
    pub spec: Box<Spec>,
}

/// The tasks are in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitAnswer {
    /// The tasks, in the order of the request.
    pub tasks: Vec<SubmittedTask>,
}

/// A task is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedTask {
    /// Its id.
    pub id: String,
    /// Whether this request added it; if not, the very same task was there already.
    pub created: bool,
}

impl TryFrom<&Fields<'_>> for SubmitRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let request = if fields.has("tasks") {
            let tasks = read::list(1..=TASKS_MAX, NewTask::of_value);
            Self { tasks: fields.required("tasks", tasks)?, is_single: false }
        } else if fields.is_empty() {
            return Err(Malformed::body("body: expected a task, or `tasks`, found neither"));
        } else {
            Self { tasks: vec![NewTask::of_fields(fields)?], is_single: true }
        };
        fields.no_others().map(|()| request)
    }
}

impl NewTask {
    fn of_value(value: &RawValue) -> Result<Self, Malformed> {
        let fields = Fields::of_value(value)?;
        let task = Self::of_fields(&fields)?;
        fields.no_others().map(|()| task)
    }

    fn of_fields(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let id = fields.optional("id", read::task_id)?;
        let name = fields.optional("name", read::trimmed(1..=200))?;
        let unnamed = || id.as_ref().map_or_else(|| "task".into(), |id| id.to_string().into());
        let spec = Spec {
            name: name.unwrap_or_else(unnamed),
            payload: Work::read(fields)?.to_payload(),
            dedupe_key: fields.optional("dedupeKey", read::text(1..=200))?,
            terms: terms(fields)?,
        };
        Ok(Self { id, spec: Box::new(spec) })
    }

    /// Returns the submission, with an id from the mint if the submitter gave none.
    pub fn into_submission(self, mint: impl FnOnce() -> TaskId) -> Submission {
        Submission { id: self.id.unwrap_or_else(mint), spec: self.spec, archived: None }
    }
}

fn terms(fields: &Fields<'_>) -> Result<Terms, Malformed> {
    let usual = Terms::default();
    let priority = fields.optional("priority", read::integer(-1_000_000..=1_000_000))?;
    let lease_time = fields.optional("leaseSeconds", read::seconds(1..=WEEK))?;
    let max_attempts = fields.optional("maxAttempts", read::integer(1..=100))?;
    Ok(Terms {
        priority: priority.unwrap_or(usual.priority),
        assigned_to: fields.optional("assignedTo", read::edge_id)?,
        requires: fields.optional("requires", read::labels)?.unwrap_or_default(),
        not_before: fields.optional("notBefore", read::time)?,
        lease_time: lease_time.unwrap_or(usual.lease_time),
        max_attempts: max_attempts.unwrap_or(usual.max_attempts),
        run_time: fields.optional("deadlineSeconds", read::seconds(1..=YEAR))?,
        backoff: fields.optional("backoff", backoff)?.unwrap_or_default(),
    })
}

fn backoff(value: &RawValue) -> Result<Backoff, Malformed> {
    let fields = Fields::of_value(value)?;
    let default = Backoff::default();
    let base = fields.optional("baseSeconds", read::seconds(0..=DAY))?.unwrap_or(default.base);
    let max = fields.optional("maxSeconds", read::seconds(0..=DAY))?;
    fields.no_others()?;
    match max {
        Some(Millis(max)) if max < base.0 => {
            let (max, base) = (max / 1_000, base.0 / 1_000);
            let problem = format!("expected at least baseSeconds, which is {base}, found {max}");
            Err(Malformed::field("maxSeconds", problem))
        }
        Some(max) => Ok(Backoff { base, max }),
        None => Ok(Backoff { base, max: default.max.max(base) }),
    }
}
