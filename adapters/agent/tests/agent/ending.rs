//! Ending, well or not.

use std::time::Duration;

use edge_ledger_agent::runtime::Builtin;
use edge_ledger_agent::{AgentError, Notice, Observer, Outcome, run_until_signalled};
use serde_json::json;
use tokio::sync::mpsc;

use crate::gateway::{Gateway, Reply};
use crate::{Agent, SECOND, config, shell, well};

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_asked_to_end_finishes_work_within_its_grace() {
    let state = tempfile::tempdir().unwrap();
    let gateway =
        Gateway::start(|asked, n| well(asked, n, 30 * SECOND, &json!({"payload": {}}))).await;
    let script = r#"sleep 0.5; echo '{"type":"complete"}'"#;

    let mut agent = Agent::start(&gateway, state.path(), shell(script));
    gateway.until("tasks/t1/heartbeat", 1).await;
    agent.ask_to_end();

    agent.ended().await.unwrap();
    assert_eq!(gateway.asked_at("tasks/t1/complete").len(), 1);
    assert_eq!(gateway.asked_at("tasks/next").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_out_of_grace_gives_its_work_back() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("tasks/t1/fail", 0) => Reply::Lost,
        _ => well(asked, n, 30 * SECOND, &json!({"payload": {}})),
    })
    .await;
    let mut config = config(&gateway, state.path(), shell("sleep 60"));
    config.grace = Duration::from_millis(200);

    let mut agent = Agent::with(config);
    gateway.until("tasks/t1/heartbeat", 1).await;
    agent.ask_to_end();
    assert_eq!(agent.outcome().await, Outcome::GivenBack);

    agent.ended().await.unwrap();
    let fails = gateway.asked_at("tasks/t1/fail");
    assert_eq!(fails.len(), 2);
    assert_eq!(
        fails[1].body,
        json!({"workerId": "w1", "error": "edge is shutting down", "retryable": true,
            "leaseToken": 41})
    );
    assert!(fails[0].key.is_some() && fails[0].key == fails[1].key);
}

#[tokio::test]
async fn an_edge_that_is_refused_ends_and_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let revoked = Gateway::start(|asked, n| match asked.path.as_str() {
        "tasks/next" => Reply::problem(401, "no such credential"),
        _ => well(asked, n, SECOND, &json!({})),
    })
    .await;
    let disabled = Gateway::start(|asked, n| match asked.path.as_str() {
        "connectivity" => Reply::problem(403, "edge is disabled"),
        _ => well(asked, n + 1, SECOND, &json!({})),
    })
    .await;

    let unknown = Agent::start(&revoked, state.path(), Builtin::default()).ended().await;
    let barred = Agent::start(&disabled, state.path(), Builtin::default()).ended().await;

    let unknown = unknown.unwrap_err().to_string();
    assert!(unknown.contains("no such credential (401); if it was revoked"), "{unknown}");
    assert!(unknown.contains("identity.json"), "{unknown}");
    let barred = barred.unwrap_err().to_string();
    assert!(barred.contains("edge is disabled (403); an operator has to enable it"), "{barred}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_lets_work_finish_and_the_second_ends_it_at_once() {
    let state = tempfile::tempdir().unwrap();
    let pid_file = state.path().join("pid");
    let gateway =
        Gateway::start(|asked, n| well(asked, n, 60 * SECOND, &json!({"payload": {}}))).await;
    let worker = shell(&format!("echo $$ > {}; exec sleep 60", pid_file.display()));
    let (closing, mut closed) = mpsc::unbounded_channel();
    let observer = Observer::new(move |notice| {
        if *notice == Notice::Closing {
            closing.send(()).expect("the test waits");
        }
    });
    // Of all agents in this process, only this one heeds signals.
    let config = config(&gateway, state.path(), worker);
    let mut agent = tokio::spawn(run_until_signalled(config, observer));
    gateway.until("tasks/t1/heartbeat", 1).await;
    let worker = loop {
        match std::fs::read_to_string(&pid_file) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };

    let own = std::process::id().to_string();
    assert!(signal("TERM", &own));
    closed.recv().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), &mut agent).await;
    assert!(early.is_err(), "the agent ended while its work had grace: {early:?}");
    assert!(signal("0", &worker), "the work goes on");

    assert!(signal("INT", &own));
    let ended = tokio::time::timeout(5 * SECOND, agent).await.unwrap().unwrap();
    assert!(matches!(ended, Err(AgentError::Interrupted)), "{ended:?}");
    let gone = async {
        while signal("0", &worker) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(5 * SECOND, gone).await.unwrap();
}

fn signal(name: &str, pid: &str) -> bool {
    let sent = std::process::Command::new("kill").args(["-s", name, pid]).output();
    sent.expect("there is a kill").status.success()
}
