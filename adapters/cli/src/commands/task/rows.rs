//! The rows of a task, and those that came too late.

use std::{collections::BTreeMap, num::NonZeroUsize};

use anyhow::Result;
use clap::Args;
use edge_ledger_wire::operator::{LateResults, Page, ResultRow};
use serde_json::Value;

use crate::{
    client::Client,
    exit::Exit,
    output::{Cell, Output, Table},
};

/// Show the rows of a task.
#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    /// Of which task.
    task: String,
    /// Of an earlier run.
    #[arg(long, value_name = "NUMBER")]
    run: Option<u32>,
    /// So many at most.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,
}

/// Show the rows that came after their lease was lost.
#[derive(Debug, Args)]
pub(super) struct LateArgs {
    /// Of which task.
    task: String,
}

pub(super) async fn results(args: &ResultsArgs, client: &Client, output: Output) -> Result<Exit> {
    let most = args.limit.map_or(usize::MAX, NonZeroUsize::get);
    let query: Vec<_> = args.run.iter().map(|run| ("run", run.to_string())).collect();
    let list = client.list(&["tasks", &args.task, "results"], &query, most).await?;
    match output.is_json() {
        true => output.json(&list)?,
        false => output.table(&table_of(&list.read()?), "there are no rows yet")?,
    }
    Ok(Exit::Ok)
}

pub(super) async fn late(args: &LateArgs, client: &Client, output: Output) -> Result<Exit> {
    let answer = client.get(&["tasks", &args.task, "late-results"], &[]).await?;
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["KEPT AT", "EDGE", "RUN", "ROWS"]);
    for late in answer.read::<Page<LateResults>>()?.items {
        table.row([
            Cell::new(late.kept_at),
            Cell::new(&late.edge),
            Cell::new(late.run),
            Cell::new(late.rows.len()),
        ]);
    }
    output.table(&table, "nothing came too late")?;
    Ok(Exit::Ok)
}

/// Lists rows under the names of what was measured.
fn table_of(rows: &[ResultRow]) -> Table {
    let first = rows.first().map(metrics).unwrap_or_default();
    let measured: Vec<_> = first.keys().cloned().collect();
    let header = ["CONFIG", "CONFIGURATION"].map(str::to_owned).into_iter().chain(measured.clone());
    let mut table = Table::new(header);
    for row in rows {
        let metrics = metrics(row);
        let values = measured.iter().map(|name| Cell::maybe(metrics.get(name).map(rounded)));
        let named = [Cell::new(&row.config_id), Cell::new(row.strategy_config.get())];
        table.row(named.into_iter().chain(values));
    }
    table
}

fn metrics(row: &ResultRow) -> BTreeMap<String, Value> {
    serde_json::from_str(row.metrics.get()).unwrap_or_default()
}

/// Says a number with as many decimals as people compare.
pub(crate) fn rounded(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() => format!("{number:.4}"),
        Some(_) | None => value.to_string(),
    }
}
