//! Runs of edges as simple as those in the field, and of what they get wrong.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Form, Stage, eventually};

/// Returns a task whose lease runs for a second.
fn task(id: &str) -> Value {
    json!({ "id": id, "payload": { "id": id }, "leaseSeconds": 1, "backoff": { "baseSeconds": 0 } })
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn a_late_holder_is_fenced_off() {
    let stage = Stage::set().await;
    let (first, second) = (stage.edge("alder").await, stage.edge("birch").await);
    stage.ask("tasks", task("job")).await.expect(201);
    let leased = first.next().await;
    first.results("job", &["a"]).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let taken = second.next().await;
    assert!(taken["leaseToken"].as_u64() > leased["leaseToken"].as_u64());

    first.results("job", &["b", "c"]).await.problem("task_lease_lost");
    first.complete("job", &["b"], 2).await.problem("task_lease_lost");
    let stale =
        json!({ "processedConfigs": 1, "totalConfigs": 3, "leaseToken": leased["leaseToken"] });
    second.say("tasks/job/heartbeat", stale).await.problem("task_fence_stale");
    second.results("job", &["d"]).await.expect(200);
    stage.ask("tasks/job/late-results/adopt", json!({})).await.expect(200);
    second.complete("job", &["b", "d"], 4).await.expect(200);
    assert_eq!(stage.show("tasks/job").await["rows"], 4);
    stage.keep(
        "a_late_holder_is_fenced_off",
        "A holder comes back late: refused, its rows kept aside, and adopted by an operator.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn rows_are_doubled_in_and_across_requests() {
    let stage = Stage::set().await;
    let edge = stage.edge("alder").await;
    stage.ask("tasks", task("job")).await.expect(201);
    edge.next().await;
    edge.results("job", &["a", "b", "a"]).await.expect(200);
    edge.results("job", &["b", "c"]).await.expect(200);
    edge.results("job", &["a", "b", "c"]).await.expect(200);
    assert_eq!(stage.show("tasks/job").await["rows"], 3);
    edge.complete("job", &["c"], 3).await.expect(200);
    edge.complete("job", &["c"], 3).await.expect(200);
    stage.keep(
        "rows_are_doubled_in_and_across_requests",
        "The same rows come twice in one request and in several: each counts once.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn cancel_and_complete_race() {
    let stage = Stage::set().await;
    let edge = stage.edge("alder").await;
    let (mut cancelled, mut done) = (0, 0);
    for round in 0..200 {
        let job = format!("job-{round}");
        stage.ask("tasks", task(&job)).await.expect(201);
        edge.next().await;
        edge.results(&job, &["a"]).await.expect(200);
        let path = format!("tasks/{job}/cancel");
        let cancel = stage.ask(&path, json!({ "reason": "not needed any more" }));
        let complete = edge.complete(&job, &["a"], 1);
        match round % 2 {
            0 => drop(tokio::join!(cancel, complete)),
            _ => drop(tokio::join!(complete, cancel)),
        }
        match stage.show(&format!("tasks/{job}")).await["status"].as_str().unwrap() {
            "CANCELLED" => cancelled += 1,
            "DONE" => done += 1,
            other => panic!("{job} is {other}"),
        }
        if cancelled >= 2 && done >= 2 {
            break;
        }
    }
    assert!(cancelled > 0 && done > 0, "{cancelled} cancelled, {done} done");
    stage.keep(
        "cancel_and_complete_race",
        "An operator cancels while the edge completes: whoever comes first wins, either way.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn a_retry_has_earlier_rows() {
    let stage = Stage::set().await;
    let edge = stage.edge("alder").await;
    stage.ask("tasks", task("job")).await.expect(201);
    edge.next().await;
    edge.results("job", &["a", "b"]).await.expect(200);
    edge.fail("job", "no prices for SPX", false).await.expect(200);
    stage.task_is("job", "FAILED").await;
    stage.ask("tasks/job/retry", json!({})).await.expect(200);
    edge.next().await;
    edge.results("job", &["a"]).await.expect(200);
    edge.complete("job", &["a"], 1).await.expect(200);
    assert_eq!(stage.show("tasks/job/results?run=1").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(stage.show("tasks/job").await["rows"], 1);
    stage.keep(
        "a_retry_has_earlier_rows",
        "A task fails with rows, and is retried: the new run has rows of its own.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn an_edge_is_quarantined_and_released() {
    let stage = Stage::set().await;
    let edge = stage.edge("alder").await;
    let tasks = ["one", "two", "three", "four"].map(task);
    stage.ask("tasks", json!({ "tasks": tasks })).await.expect(201);
    for _ in 0..3 {
        let task = edge.next().await;
        edge.fail(task["id"].as_str().unwrap(), "the disk is full", false).await.expect(200);
    }
    let path = format!("edges/{}", edge.id);
    assert_eq!(stage.show(&path).await["status"], "QUARANTINED");
    assert_eq!(edge.next().await, Value::Null);
    stage.ask(&format!("{path}/release"), json!({})).await.expect(200);
    let task = edge.next().await["id"].as_str().unwrap().to_owned();
    edge.results(&task, &["a"]).await.expect(200);
    edge.complete(&task, &["a"], 1).await.expect(200);
    assert_eq!(stage.show(&path).await["consecutiveFailures"], 0);
    stage.keep(
        "an_edge_is_quarantined_and_released",
        "Three failures in a row quarantine an edge; an operator releases it, and it works again.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn a_deadline_is_missed() {
    let stage = Stage::set().await;
    let edge = stage.edge("alder").await;
    let mut job = task("job");
    job["deadlineSeconds"] = 2.into();
    stage.ask("tasks", job).await.expect(201);
    edge.next().await;
    eventually("it is failed", async || {
        drop(edge.heartbeat("job", 1, 9).await);
        stage.show("tasks/job").await["status"] == "FAILED"
    })
    .await;
    stage.keep(
        "a_deadline_is_missed",
        "A task is worked on until its deadline is over: it fails, though its lease is alive.",
        Form::Lines,
    );
}
