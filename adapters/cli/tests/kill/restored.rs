//! A backup that is taken under load, of a gateway that is then killed, restores to a gateway that
//! has all that was answered before it was asked for.
use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    answered::Answered,
    load::{Edge, load},
    server::{Server, edge_ledger},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_all_that_was_answered_before_it() {
    let place = tempfile::tempdir().unwrap();
    let (here, there) = (place.path().join("here"), place.path().join("there"));
    std::fs::create_dir_all(&here).unwrap();
    let server = Server::start(&here).await;
    let edges = Edge::register_all(&server, 4).await;
    let mut answered = Answered::default();
    // First a load that has come to its end, so that it is known what was answered before.
    let loads: Vec<_> = edges.iter().map(|edge| load(&server, edge.clone(), 0)).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill();
    for load in loads {
        answered.add(load.await.unwrap());
    }
    let server = Server::start(&here).await;
    let held = edges[0].lease(&server, "held").await;

    let loads: Vec<_> = edges[1..].iter().map(|edge| load(&server, edge.clone(), 1)).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let file = place.path().join("backup");
    let backup = run(
        &["backup", "--with-key", "--url", server.url(), "--data"],
        &[&here.join("ledger"), &file],
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    for load in loads {
        load.await.unwrap();
    }
    let restored = run(&["restore", "--data"], &[&there.join("ledger"), &file]);

    assert_eq!(restored["digest"], backup["digest"]);
    let position = backup["position"].as_u64().unwrap();
    let original = Server::start(&here).await;
    let copy = Server::start(&there).await;
    answered.check(&copy).await;
    let upto = |events: Vec<Value>| -> Vec<Value> {
        events.into_iter().filter(|event| event["position"].as_u64() <= Some(position)).collect()
    };
    let (was, is) = (upto(original.list("/v1/events").await), upto(copy.list("/v1/events").await));
    assert_eq!(was.len() as u64, position);
    assert_eq!(was, is, "the same log, up to where the backup was taken");
    assert!(
        original.list("/v1/events").await.len() as u64 > position + 20,
        "the gateway has gone on while and after it was backed up"
    );

    // The lease that ran is over in the copy, and goes on where it was given.
    let (status, refusal) = edges[0].heartbeat(&copy, &held).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("task_lease_lost")), "{refusal}");
    assert!(refusal["detail"].as_str().unwrap().contains("restored"), "{refusal}");
    let (status, answer) = edges[0].heartbeat(&original, &held).await;
    assert_eq!(status, 200, "{answer}");
    // Its next lease there is above every fence that the original has given or ever will.
    let (_, fence) = edges[0].lease(&copy, "anew").await;
    assert_eq!((held.1 >> 40, fence >> 40), (0, 1), "the epoch stands above the position");
}

/// Runs a command to its end, and returns what it says.
fn run(args: &[&str], paths: &[&Path]) -> Value {
    let mut command: Command = edge_ledger();
    let output = command.args(args).args(paths).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
