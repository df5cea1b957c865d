//! Tasks, as operators see them.

use std::num::NonZeroUsize;

use anyhow::Result;
use clap::{Args, ValueEnum};
use edge_ledger_core::task::{LossReason, TaskStatus};
use edge_ledger_wire::operator::{LossView, Task, Why};

use crate::{
    client::Client,
    events,
    exit::Exit,
    output::{Cell, Output, Table, note},
};

/// List tasks.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those that stand there.
    #[arg(long, ignore_case = true)]
    status: Option<StatusName>,
    /// Only those that this edge holds, or that are meant for it alone.
    #[arg(long)]
    edge: Option<String>,
    /// Only those that ask for this label.
    #[arg(long, value_name = "NAME[=VALUE]")]
    label: Option<String>,
    /// So many at most.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,
}

/// Show one task, with its history.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Which.
    task: String,
    /// As it was just after the commit at this position, or at this time.
    #[arg(long, value_name = "POSITION|TIME")]
    at: Option<String>,
}

/// Say why a task is not running.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// Which.
    task: String,
    /// As it was just after the commit at this position, or at this time.
    #[arg(long, value_name = "POSITION|TIME")]
    at: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Await,
    Assigned,
    Processing,
    Done,
    Failed,
    Cancelled,
}

pub(super) async fn list(args: &ListArgs, client: &Client, output: Output) -> Result<Exit> {
    let mut query = Vec::new();
    query.extend(args.status.map(|status| ("status", TaskStatus::from(status).to_string())));
    query.extend(args.edge.clone().map(|edge| ("edge", edge)));
    query.extend(args.label.clone().map(|label| ("label", label)));
    let list =
        client.list(&["tasks"], &query, args.limit.map_or(usize::MAX, NonZeroUsize::get)).await?;
    match output.is_json() {
        true => output.json(&list)?,
        false => table_of(&list.read()?, output)?,
    }
    Ok(Exit::Ok)
}

impl From<StatusName> for TaskStatus {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Await => Self::Await,
            StatusName::Assigned => Self::Assigned,
            StatusName::Processing => Self::Processing,
            StatusName::Done => Self::Done,
            StatusName::Failed => Self::Failed,
            StatusName::Cancelled => Self::Cancelled,
        }
    }
}

pub(super) async fn show(args: &ShowArgs, client: &Client, output: Output) -> Result<Exit> {
    let query: Vec<_> = args.at.iter().map(|at| ("at", at.clone())).collect();
    let answer = client.get(&["tasks", &args.task], &query).await?;
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let task: Task = answer.read()?;
    output.table(&facts(&task), "")?;
    if let Some(history) = &task.history {
        let mut table = events::table();
        for event in history {
            table.row(events::row(event));
        }
        output.text("")?;
        output.table(&table, "")?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn why(args: &WhyArgs, client: &Client, output: Output) -> Result<Exit> {
    let query: Vec<_> = args.at.iter().map(|at| ("at", at.clone())).collect();
    let answer = client.get(&["tasks", &args.task, "why"], &query).await?;
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let why: Why = answer.read()?;
    note(&format!("task {} is {}, as of {}", args.task, why.status, why.as_of));
    let mut table = Table::new(["REASON", "IN WORDS", "UNTIL", "SINCE"]);
    for reason in &why.reasons {
        table.row([
            Cell::new(&reason.code),
            Cell::new(&reason.detail),
            Cell::maybe(reason.until.as_ref()),
            Cell::maybe(reason.since.as_ref()),
        ]);
    }
    output.table(&table, "nothing keeps it from running: it runs")?;
    Ok(Exit::Ok)
}

/// Lists tasks, a line each.
pub(super) fn table_of(tasks: &[Task], output: Output) -> Result<()> {
    let mut table = Table::new([
        "TASK", "NAME", "STATUS", "PROGRESS", "EDGE", "FENCE", "ATTEMPTS", "ROWS", "PRIORITY",
    ]);
    for task in tasks {
        let lease = task.lease.as_ref();
        table.row([
            Cell::new(&task.id),
            Cell::new(&task.name),
            status(task.status),
            Cell::maybe(progress(task)),
            Cell::maybe(lease.map(|lease| &lease.edge)),
            Cell::maybe(lease.map(|lease| lease.lease_token)),
            Cell::new(format!("{} of {}", task.attempts, task.max_attempts)),
            Cell::new(task.rows),
            Cell::new(task.priority),
        ]);
    }
    output.table(&table, "there are no such tasks")
}

/// Shows where a task stands.
pub(crate) fn status(status: TaskStatus) -> Cell {
    match status {
        TaskStatus::Await | TaskStatus::Cancelled => Cell::new(status),
        TaskStatus::Assigned | TaskStatus::Processing => Cell::new(status).fair(),
        TaskStatus::Done => Cell::new(status).good(),
        TaskStatus::Failed => Cell::new(status).bad(),
    }
}

fn progress(task: &Task) -> Option<String> {
    let progress = task.progress.as_ref()?;
    Some(format!("{}/{}", progress.processed_configs, progress.total_configs))
}

fn facts(task: &Task) -> Table {
    let mut table = Table::facts([
        ("task", Cell::new(&task.id)),
        ("name", Cell::new(&task.name)),
        ("status", status(task.status)),
        ("run", Cell::new(task.run)),
        ("attempts used up", Cell::new(format!("{} of {}", task.attempts, task.max_attempts))),
        ("priority", Cell::new(task.priority)),
        ("lease time", Cell::new(format!("{}s", task.lease_seconds))),
        ("rows", Cell::new(task.rows)),
    ]);
    let mut maybe = |name, value: Option<String>| {
        if let Some(value) = value {
            table.fact(name, Cell::new(value));
        }
    };
    maybe("progress", progress(task));
    if let Some(lease) = &task.lease {
        maybe("held by", Some(format!("edge {}", lease.edge)));
        maybe("fence", Some(lease.lease_token.to_string()));
        maybe("attempt", Some(lease.attempt.to_string()));
        maybe("lease until", Some(lease.expires_at.clone()));
    }
    for loss in &task.lost {
        let LossView { edge, lease_token: fence, reason, since } = loss;
        let how = if *reason == LossReason::Finished { "held to the end" } else { "lost" };
        maybe(how, Some(format!("edge {edge}, fence {fence}, {reason} at {since}")));
    }
    if let Some(finished) = &task.finished {
        maybe("finished", Some(finished.at.clone()));
        maybe("because", finished.reason.as_deref().map(str::to_owned));
        let best = finished.best_config_ids.join(" ");
        maybe("best", (!best.is_empty()).then_some(best));
    }
    maybe("ready at", task.ready_at.clone());
    maybe("to be done by", task.deadline_at.clone());
    maybe("given to", task.assigned_to.clone());
    let requires: Vec<_> =
        task.requires.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    maybe("requires", (!requires.is_empty()).then(|| requires.join(" ")));
    maybe("late rows", (task.late_rows > 0).then(|| task.late_rows.to_string()));
    maybe("last error", task.last_error.as_deref().map(str::to_owned));
    maybe("submitted", Some(task.submitted_at.clone()));
    maybe("as of", Some(task.as_of.clone()));
    table
}
