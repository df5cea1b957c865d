//! Stepping in: cancel, retry, reassign, adopt.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::look;
use crate::{client::Client, exit::Exit, output::Output};

/// End a task, unfinished. Its lease ends at once.
#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    /// Which.
    task: String,
    /// Why, for those who look later.
    #[arg(long)]
    reason: Option<String>,
}

/// Begin a new run of a failed or cancelled task.
#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// Which.
    task: String,
}

/// Give an unfinished task to one edge, or to any.
#[derive(Debug, Args)]
pub(super) struct ReassignArgs {
    /// Which.
    task: String,
    /// The one edge that may have it.
    #[arg(long, value_name = "EDGE", required_unless_present = "any")]
    to: Option<String>,
    /// Any edge may have it.
    #[arg(long, conflicts_with = "to")]
    any: bool,
}

/// Take results that came too late into the present run.
#[derive(Debug, Args)]
pub(super) struct AdoptArgs {
    /// Of which task.
    task: String,
    /// Only those kept by the event at this position, as `task late` has it.
    #[arg(long, value_name = "POSITION")]
    kept_at: Option<u64>,
}

pub(super) async fn cancel(args: &CancelArgs, client: &Client, output: Output) -> Result<Exit> {
    let body = args.reason.as_ref().map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    act(&["tasks", &args.task, "cancel"], &body, client, output).await
}

pub(super) async fn retry(args: &RetryArgs, client: &Client, output: Output) -> Result<Exit> {
    act(&["tasks", &args.task, "retry"], &json!({}), client, output).await
}

pub(super) async fn reassign(args: &ReassignArgs, client: &Client, output: Output) -> Result<Exit> {
    act(&["tasks", &args.task, "reassign"], &json!({ "to": args.to }), client, output).await
}

pub(super) async fn adopt(args: &AdoptArgs, client: &Client, output: Output) -> Result<Exit> {
    let path = ["tasks", &args.task, "late-results", "adopt"];
    act(&path, &json!({ "keptAt": args.kept_at }), client, output).await
}

async fn act(path: &[&str], body: &Value, client: &Client, output: Output) -> Result<Exit> {
    let answer = client.post(path, body).await?;
    match output.is_json() {
        true => output.json(&answer)?,
        false => look::table_of(&[answer.read()?], output)?,
    }
    Ok(Exit::Ok)
}
