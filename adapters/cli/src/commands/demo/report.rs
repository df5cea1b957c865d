//! What came of the demonstration: the best configurations, the edges, the takeover, the proof.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use edge_ledger_core::{
    Journal, JournalReader, Position,
    past::{LogEnd, Moment, Past},
};
use edge_ledger_wire::operator::{Edge, LedgerView, ResultRow, Task};
use serde::Serialize;
use serde_json::Value;

use super::{
    play::Takeover,
    scene::{Lease, Scene},
    stage::Stage,
};
use crate::{
    client::Client,
    commands::edge::{liveness, silence},
    journal,
    output::{Cell, Output, Table},
};

/// What came of the demonstration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    best: Vec<Best>,
    edges: Vec<Edge>,
    takeover: Takeover,
    proof: Proof,
}

/// The best configuration of a task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Best {
    task: String,
    configurations: u64,
    done_by: String,
    config_id: String,
    configuration: Value,
    metrics: Value,
}

/// A ledger rebuilt from the log beside the one that served.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    head: u64,
    live: String,
    rebuilt: String,
}

impl Report {
    /// Asks the gateway what came of it all, and then rebuilds the ledger without it.
    pub(super) async fn of(
        stage: &mut Stage,
        data: &Path,
        scene: &Scene,
        takeover: &Takeover,
    ) -> Result<Self> {
        let mut best = Vec::new();
        for (task, seen) in &scene.tasks {
            let done_by = seen.leases.last().map(|lease| lease.edge.clone()).unwrap_or_default();
            best.push(Best::of(&stage.client, task, done_by).await?);
        }
        let edges = stage.client.list(&["edges"], &[], usize::MAX).await?.read()?;
        stage.end_agents().await?;
        let live: LedgerView = stage.client.get(&["ledger"], &[]).await?.read()?;
        stage.kill_gateway().await?;
        let proof = Proof::of(live, data)?;
        Ok(Self { best, edges, takeover: takeover.clone(), proof })
    }
}

impl Best {
    async fn of(client: &Client, task: &str, done_by: String) -> Result<Self> {
        let Task { finished, rows, .. } = client.get(&["tasks", task], &[]).await?.read()?;
        let best = finished.and_then(|finished| finished.best_config_ids.into_iter().next());
        let config_id = best.with_context(|| format!("task {task} has no best configuration"))?;
        let path = ["tasks", task, "results"];
        let stored: Vec<ResultRow> = client.list(&path, &[], usize::MAX).await?.read()?;
        ensure!(stored.len() == rows, "task {task} has {rows} rows, {} are shown", stored.len());
        let row = stored.into_iter().find(|row| row.config_id == config_id);
        let row = row.with_context(|| format!("task {task} has no row {config_id}"))?;
        Ok(Self {
            task: task.to_owned(),
            configurations: rows as u64,
            done_by,
            config_id: config_id.into(),
            configuration: serde_json::from_str(row.strategy_config.get())?,
            metrics: serde_json::from_str(row.metrics.get())?,
        })
    }
}

impl Proof {
    /// Folds the log from its beginning up to where the live ledger was looked at.
    fn of(live: LedgerView, data: &Path) -> Result<Self> {
        let journal = journal::open(data)?;
        let moment = Moment::Position(Position::new(live.head));
        let past = Past::at(journal.reader().read(Position::START), moment, LogEnd::Live)?;
        let rebuilt = past.ledger.digest().to_string();
        ensure!(
            rebuilt == live.digest,
            "the ledger rebuilt from the log has digest {rebuilt}, the live one had {}",
            live.digest
        );
        Ok(Self { head: live.head, live: live.digest, rebuilt })
    }
}

impl Report {
    /// Says what came of it.
    pub(super) fn show(&self, output: Output) -> Result<()> {
        if output.is_json() {
            return output.json(self);
        }
        output.text("\nThe best configuration of each task")?;
        output.table(&self.best_table(), "")?;
        output.text("\nThe edges")?;
        output.table(&self.edge_table(), "")?;
        output.text("\nThe takeover")?;
        output.table(&self.takeover_table(), "")?;
        output.text("\nThe proof: the gateway was killed with SIGKILL, and its log folded anew")?;
        output.table(&self.proof_table(), "")
    }

    fn best_table(&self) -> Table {
        let mut table = Table::new([
            "TASK", "CONFIGS", "DONE BY", "BEST", "ENTRY %", "PROFIT %", "STOP %", "SHARPE",
            "GAIN %", "TRADES",
        ]);
        for best in &self.best {
            let configured = |name| Cell::maybe(best.configuration.get(name).map(short));
            let measured = |name| Cell::maybe(best.metrics.get(name).map(short));
            table.row([
                Cell::new(&best.task),
                Cell::new(best.configurations),
                Cell::new(&best.done_by),
                Cell::new(best.config_id.trim_start_matches(&best.task).trim_start_matches('_')),
                configured("entryThresholdPct"),
                configured("takeProfitPct"),
                configured("stopLossPct"),
                measured("sharpeRatio"),
                measured("totalPnlPercent"),
                measured("totalTrades"),
            ]);
        }
        table
    }

    fn edge_table(&self) -> Table {
        let mut table = Table::new(["EDGE", "NAME", "LIVENESS", "SILENT FOR", "TASKS DONE"]);
        for edge in &self.edges {
            let done = self.best.iter().filter(|best| *best.done_by == *edge.display_name).count();
            table.row([
                Cell::new(&edge.id),
                Cell::new(&edge.display_name),
                liveness(edge.liveness),
                Cell::maybe(edge.silence_ms.map(silence)),
                Cell::new(done),
            ]);
        }
        table
    }

    fn takeover_table(&self) -> Table {
        let Takeover { killed, first, delivered, stale_at, second, deduplicated } = &self.takeover;
        let mut table = Table::new(["", "EDGE", "ATTEMPT", "FENCE", ""]);
        let killed = format!("process {killed} killed after {delivered} rows, stale at {stale_at}");
        let done = format!("done, {deduplicated} of its rows were there already");
        let cells = |which, lease: &Lease, told: String| {
            let fence = Cell::new(lease.fence);
            [
                Cell::new(which),
                Cell::new(&lease.edge),
                Cell::new(lease.attempt),
                fence,
                Cell::new(told),
            ]
        };
        table.row(cells("first", first, killed));
        table.row(cells("then", second, done));
        table
    }

    fn proof_table(&self) -> Table {
        let Proof { head, live, rebuilt } = &self.proof;
        Table::facts([
            ("live ledger", Cell::new(format!("{live} at position {head}"))),
            ("rebuilt ledger", Cell::new(format!("{rebuilt} at position {head}")).good()),
        ])
    }
}

fn short(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() => format!("{number:.2}"),
        Some(_) | None => value.to_string(),
    }
}
