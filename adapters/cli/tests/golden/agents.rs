//! Runs of the real agent.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Form, Stage, eventually};

/// Returns a grid over a few closes of the S&P 500.
fn task(id: &str, priority: i32, entries: usize) -> Value {
    let entries: Vec<_> = (1..=entries).map(|step| step as f64 / 10.0).collect();
    json!({
        "id": id,
        "name": format!("{} entries", entries.len()),
        "priority": priority,
        "leaseSeconds": 1,
        "backoff": { "baseSeconds": 0 },
        "symbol": "SPX",
        "interval": "1d",
        "searchStrategy": "grid",
        "optimizationParams": { "entryThresholdPct": entries, "stopLossPct": [1, 2] },
        "optimizationMetrics": ["sharpeRatio", "totalPnlPercent"],
        "trials": entries.len() * 2,
        "prices": [1228.1, 1244.78, 1272.34, 1269.73, 1275.09, 1263.88, 1239.51, 1234.4, 1243.26],
    })
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn an_ordinary_day() {
    let mut stage = Stage::set().await;
    let tasks = [task("spx-1", 0, 4), task("spx-2", 5, 2), task("spx-3", 0, 3)];
    stage.ask("tasks", json!({ "tasks": tasks })).await.expect(201);
    stage.agent("alder", &[]).await;
    stage.agent("birch", &["--pause", "5ms"]).await;
    for task in ["spx-1", "spx-2", "spx-3"] {
        stage.task_is(task, "DONE").await;
    }
    stage.keep(
        "an_ordinary_day",
        "Two agents come, three tasks are done, everybody goes home.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn an_edge_is_lost_and_its_task_taken_over() {
    let mut stage = Stage::set().await;
    stage.ask("tasks", task("spx", 0, 60)).await.expect(201);
    stage.agent("alder", &["--pause", "20ms"]).await;
    eventually("rows are there", async || stage.show("tasks/spx").await["rows"] != 0).await;
    stage.kill_agent("alder");
    stage.agent("birch", &[]).await;
    let done = stage.task_is("spx", "DONE").await;
    assert_eq!(done["attempts"], 2, "{done}");
    stage.keep(
        "an_edge_is_lost_and_its_task_taken_over",
        "An agent is killed at work; its lease lapses, another agent goes on, its rows count.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn an_outage_of_the_ledger_itself() {
    let mut stage = Stage::set().await;
    stage.agent("alder", &["--pause", "50ms"]).await;
    stage.ask("tasks", task("spx", 0, 20)).await.expect(201);
    eventually("rows are there", async || stage.show("tasks/spx").await["rows"] != 0).await;
    // Longer than a lease: the agent has lost nothing by it.
    stage.outage(Duration::from_millis(2_500)).await;
    let done = stage.task_is("spx", "DONE").await;
    assert_eq!(done["attempts"], 1, "{done}");
    stage.keep(
        "an_outage_of_the_ledger_itself",
        "The gateway is killed at work and comes back after longer than a lease; the agent goes on.",
        Form::Lines,
    );
}
