//! Tasks that have left the ledger are shown as ever.
use std::time::Duration;

use edge_ledger_core::Millis;
use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test]
async fn a_task_that_has_left_is_shown_with_its_results_and_history() {
    let server = Server::start();
    let task = json!({ "id": "T1", "name": "n", "dedupeKey": "first", "payload": { "n": 1 } });
    server.operator.post("/v1/tasks", task.clone()).await.expect(201);
    let edge = server.edge("DEV-1").await;
    edge.next().await;
    edge.results("T1", &["a", "b"]).await.expect(200);
    edge.complete("T1", &["a"]).await.expect(200);
    let paths = ["", "/results", "/late-results", "/why"].map(|of| format!("/v1/tasks/T1{of}"));
    let mut shown = Vec::new();
    for path in &paths {
        shown.push(server.operator.get(path).await.expect(200));
    }

    let server = server.restart_after(Millis::from_secs(2 * 24 * 60 * 60));
    let has_left = async || {
        let ledger = server.operator.get("/v1/ledger").await.expect(200);
        (&ledger["tasks"], &ledger["archived"]) == (&json!(0), &json!(1))
    };
    while !has_left().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    for (path, before) in paths.iter().zip(&shown) {
        let now = server.operator.get(path).await.expect(200);
        assert_eq!(timeless(now), timeless(before.clone()), "{path}");
    }
    // Before it was submitted it was not there, and once it had left it was what it is.
    let at = async |at: &str| server.operator.get(&format!("/v1/tasks/T1?at={at}")).await;
    at("1").await.problem(404, "task_unknown");
    let head = server.operator.get("/v1/ledger").await.expect(200)["head"].to_string();
    assert_eq!(at(&head).await.expect(200)["status"], "DONE");

    let again = server.operator.post("/v1/tasks", task).await.expect(200);
    assert_eq!(again, json!({ "id": "T1", "created": false }));
    let by_key = json!({ "name": "n", "dedupeKey": "first", "payload": { "n": 1 } });
    let again = server.operator.post("/v1/tasks", by_key).await.expect(200);
    assert_eq!(again["id"], "T1");
    let other = json!({ "id": "T1", "payload": { "n": 2 } });
    server.operator.post("/v1/tasks", other).await.problem(409, "task_id_taken");
    let retry = server.operator.post("/v1/tasks/T1/retry", json!({})).await;
    let refused = retry.problem(409, "task_archived");
    assert!(refused.starts_with("task T1 is DONE and has left the ledger"), "{refused}");
    server.operator.post("/v1/tasks/T2/retry", json!({})).await.problem(404, "task_unknown");
}

/// Takes away what the restart made older.
fn timeless(mut shown: Value) -> Value {
    match &mut shown {
        Value::Object(fields) => {
            let stamps = ["asOf", "at", "recordedAt", "submittedAt", "since", "storedAt"];
            fields.retain(|name, _| !stamps.contains(&name.as_str()));
            fields.values_mut().for_each(|value| *value = timeless(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    shown
}
