//! What time does, and what was at a time.
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test]
async fn a_lease_that_lapses_makes_the_task_stale_and_the_next_edge_gets_it() {
    let server = Server::start();
    let (edge, other) = (server.edge("DEV-1").await, server.edge("DEV-2").await);
    let task = json!({ "id": "T1", "leaseSeconds": 1, "backoff": { "baseSeconds": 0 } });
    server.operator.post("/v1/tasks", task).await.expect(201);
    let first = edge.next().await;
    edge.heartbeat("T1").await.expect(200);
    assert_eq!(other.next().await, Value::Null);

    tokio::time::sleep(Duration::from_millis(1_200)).await;

    let late = edge.results("T1", &["a"]).await.problem(409, "task_lease_lost");
    assert!(late.starts_with("lease is lost: lapsed at "), "{late}");
    let second = other.next().await;
    assert_eq!((&second["id"], &second["attempt"]), (&json!("T1"), &json!(2)));
    assert!(second["leaseToken"].as_u64() > first["leaseToken"].as_u64());
    let late = server.operator.get("/v1/tasks/T1/late-results").await.expect(200);
    assert_eq!(late["items"][0]["rows"][0]["configId"], "a");
}

#[tokio::test]
async fn an_edge_and_a_task_are_shown_as_they_were() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let head = server.operator.get("/v1/ledger").await.expect(200)["head"].as_u64().unwrap();
    let leased = server.operator.get("/v1/tasks/T1").await.expect(200);
    tokio::time::sleep(Duration::from_millis(20)).await;
    edge.results("T1", &["a"]).await.expect(200);
    edge.complete("T1", &["a"]).await.expect(200);
    let path = format!("/v1/edges/{}", edge.id);
    server.operator.post(&format!("{path}/disable"), json!({})).await.expect(200);
    let at = async |path: &str, at: &str| server.operator.get(&format!("{path}?at={at}")).await;

    let time = leased["asOf"].as_str().unwrap();
    for moment in [head.to_string(), time.to_owned()] {
        let task = at("/v1/tasks/T1", &moment).await.expect(200);
        assert_eq!((&task["status"], &task["rows"]), (&json!("ASSIGNED"), &json!(0)), "{moment}");
        assert_eq!(task["history"].as_array().unwrap().len(), 2);
        let shown = at(&path, &moment).await.expect(200);
        assert_eq!((&shown["status"], &shown["holds"]), (&json!("ACTIVE"), &json!(["T1"])));
        assert_eq!(shown["liveness"], "ONLINE");
    }
    assert_eq!(at("/v1/tasks/T1", time).await.expect(200)["asOf"], time);
    let awaiting = at("/v1/tasks/T1/why", &(head - 1).to_string()).await.expect(200);
    assert_eq!(awaiting["reasons"][0]["code"], "awaiting_poll");
    at("/v1/tasks/T1", "1").await.problem(404, "task_unknown");
    at(&path, "2000-01-01T00:00:00Z").await.problem(404, "edge_unknown");
    let beyond = at(&path, "999999").await.problem(422, "moment_beyond_log");
    assert!(beyond.ends_with("999999 lies beyond it"), "{beyond}");
    at(&path, "2999-01-01T00:00:00Z").await.problem(422, "moment_beyond_log");
    let fault = at(&path, "yesterday").await.problem(400, "malformed");
    assert!(fault.starts_with("at: expected a position as in 1042"), "{fault}");
}
