//! A run that is long.

use serde_json::{Value, json};

use crate::stage::{Edge, Form, Stage};

const TASKS: usize = 10_000;
const AT_ONCE: usize = 1_000;
const EDGES: usize = 16;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "records a golden log"]
async fn ten_thousand_tasks() {
    let stage = Stage::set().await;
    let mut edges = Vec::new();
    for number in 0..EDGES {
        edges.push(stage.edge(&format!("edge-{number:02}")).await);
    }
    for first in (0..TASKS).step_by(AT_ONCE) {
        let task =
            |number| json!({ "id": format!("t{number:05}"), "payload": 1, "leaseSeconds": 600 });
        let tasks: Vec<_> = (first..first + AT_ONCE).map(task).collect();
        stage.ask("tasks", json!({ "tasks": tasks })).await.expect(201);
    }
    let at_work = edges.into_iter().map(|edge| tokio::spawn(work(edge)));
    for work in at_work.collect::<Vec<_>>() {
        work.await.unwrap();
    }
    let left = stage.show("tasks?status=AWAIT&limit=1").await;
    assert_eq!(left["items"], json!([]));
    stage.keep("ten_thousand_tasks", "Sixteen edges do ten thousand tasks.", Form::Backup);
}

/// Works until there is nothing more to do.
async fn work(edge: Edge) {
    loop {
        let task = edge.next().await;
        let Value::String(task) = &task["id"] else { return };
        edge.heartbeat(task, 1, 1).await.expect(200);
        edge.complete(task, &[], 1).await.expect(200);
    }
}
