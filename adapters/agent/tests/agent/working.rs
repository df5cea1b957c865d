//! Working under a lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edge_ledger_agent::runtime::{Builtin, Job, Runtime, Work};
use edge_ledger_agent::{Notice, Outcome};
use serde_json::json;

use crate::gateway::{Asked, Gateway, Reply};
use crate::{Agent, SECOND, config, optimization, shell, well};

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_registers_works_and_completes_under_its_lease_token() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| well(asked, n, 30 * SECOND, &optimization(1200))).await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    assert_eq!(agent.outcome().await, Outcome::Done);
    gateway.until("tasks/next", 3).await;
    let register = &gateway.asked_at("register")[0];
    assert_eq!(register.authorization, "Bearer etr_live_token");
    assert_eq!(register.body["displayName"], "Rack 7");
    let next = &gateway.asked_at("tasks/next")[0];
    assert_eq!(next.body, json!({"workerId": "w1", "holding": [], "capacity": 1}));
    let heartbeat = &gateway.asked_at("tasks/t1/heartbeat")[0];
    assert_eq!(heartbeat.body["processedConfigs"], 0);
    assert_eq!(heartbeat.body["totalConfigs"], 1200);
    assert_eq!(heartbeat.body["trialProgress"], "started");
    let results = gateway.asked_at("tasks/t1/results");
    let sizes = results.iter().map(|asked| asked.body["results"].as_array().unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [500, 500, 200]);
    let complete = &gateway.asked_at("tasks/t1/complete")[0];
    assert_eq!(
        complete.body,
        json!({"workerId": "w1", "bestConfigIds": ["t1_cfg_0", "t1_cfg_1", "t1_cfg_2"],
            "processedConfigs": 1200, "totalConfigs": 1200, "leaseToken": 41})
    );
    for asked in gateway.asked().iter().filter(|asked| asked.path != "register") {
        assert_eq!(asked.authorization, "Bearer wk_live_secret", "{}", asked.path);
        assert_eq!(asked.body["workerId"], "w1", "{}", asked.path);
        if asked.path.starts_with("tasks/t1/") {
            assert_eq!(asked.body["leaseToken"], 41, "{}", asked.path);
        }
    }
    agent.end().await;
}

#[tokio::test]
async fn trouble_is_never_taken_for_nothing_to_do() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("tasks/next", 0) => Reply::problem(503, "busy"),
        ("tasks/next", 1) => Reply::Lost,
        ("tasks/next", 2) => Reply::ok(json!("<html>")),
        ("tasks/next", n) => well(asked, n - 3, 30 * SECOND, &optimization(2)),
        _ => well(asked, n, 30 * SECOND, &optimization(2)),
    })
    .await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    assert_eq!(agent.outcome().await, Outcome::Done);
    let troubles = agent.notices.lock().unwrap().clone();
    let idle_at = troubles.iter().position(|notice| *notice == Notice::Idle);
    let done_at = troubles.iter().position(|notice| matches!(notice, Notice::Ended { .. }));
    assert!(idle_at.is_none_or(|idle| Some(idle) > done_at), "{troubles:?}");
    let asked_again =
        |notice: &&Notice| matches!(notice, Notice::Troubled { what: "tasks/next", .. });
    assert_eq!(troubles.iter().filter(asked_again).count(), 3);
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heart_beats_at_a_third_of_the_lease_however_busy_the_work_is() {
    let state = tempfile::tempdir().unwrap();
    let lease = Duration::from_millis(1800);
    let gateway = Gateway::start(move |asked, n| well(asked, n, lease, &optimization(3000))).await;
    let busy = Builtin { pause: Duration::from_millis(1) };

    let agent = Agent::start(&gateway, state.path(), busy);

    assert_eq!(agent.outcome().await, Outcome::Done);
    let beats = gateway.asked_at("tasks/t1/heartbeat");
    let spans: Vec<_> = beats.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(spans.len() >= 4, "{spans:?}");
    for span in spans {
        assert!(span > lease / 4 && span < lease * 3 / 4, "{span:?}");
    }
    let counted: Vec<_> =
        beats.iter().map(|beat| beat.body["processedConfigs"].as_u64().unwrap()).collect();
    assert!(counted.is_sorted() && counted.last() > counted.first(), "{counted:?}");
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_under_a_lost_lease_is_stopped_and_the_edge_asks_for_other_work() {
    for (status, body) in
        [(409, json!({"detail": "lease lapsed"})), (404, json!({"detail": "no such task"}))]
    {
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(move |asked, n| match (asked.path.as_str(), n) {
            ("tasks/t1/heartbeat", 1..) => Reply::Is(status, body.clone()),
            _ => well(asked, n, SECOND, &json!({"payload": {}})),
        })
        .await;

        let agent = Agent::start(&gateway, state.path(), shell("sleep 60"));

        let outcome = agent.outcome().await;
        assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
        gateway.until("tasks/next", 2).await;
        assert!(gateway.asked_at("tasks/t1/fail").is_empty(), "there is nobody to tell");
        agent.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_is_stopped() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("tasks/t1/heartbeat", 1..) => Reply::ok(json!({"success": true, "status": "CANCELLED",
            "leaseExpiresAt": null, "cancelRequested": true})),
        _ => well(asked, n, SECOND, &json!({"payload": {}})),
    })
    .await;

    let agent = Agent::start(&gateway, state.path(), shell("sleep 60"));

    assert_eq!(agent.outcome().await, Outcome::Cancelled);
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_stops_before_its_lease_runs_out_unheard() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("tasks/t1/heartbeat", 1..) => Reply::problem(503, "busy"),
        _ => well(asked, n, 4 * SECOND, &json!({"payload": {}})),
    })
    .await;
    let ended = state.path().join("ended-at");
    let script =
        format!("trap '' TERM; while :; do date +%s%N > {}; sleep 0.01; done", ended.display());

    let agent = Agent::start(&gateway, state.path(), shell(&script));

    let outcome = agent.outcome().await;
    let after = gateway.asked_at("tasks/t1/heartbeat")[0].at.elapsed();
    assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
    assert!(after > 2 * SECOND && after < 4 * SECOND, "{after:?} after the last extension");
    let last_sign = std::fs::read_to_string(&ended).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(std::fs::read_to_string(&ended).unwrap(), last_sign, "the program still runs");
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_too_many_at_once_go_in_halves() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match asked.path.as_str() {
        "tasks/t1/results" if asked.body["results"].as_array().unwrap().len() > 3 => {
            Reply::problem(413, "too much")
        }
        _ => well(asked, n, 30 * SECOND, &optimization(10)),
    })
    .await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    assert_eq!(agent.outcome().await, Outcome::Done);
    let sent: Vec<_> = gateway
        .asked_at("tasks/t1/results")
        .iter()
        .map(|asked| asked.body["results"].as_array().unwrap().clone())
        .filter(|rows| rows.len() <= 3)
        .flatten()
        .map(|row| row["configId"].as_str().unwrap().to_owned())
        .collect();
    let all: Vec<_> = (0..10).map(|n| format!("t1_cfg_{n}")).collect();
    assert_eq!(sent, all);
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_refused_is_a_failure() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match asked.path.as_str() {
        "tasks/t1/complete" => Reply::problem(422, "`x` is among no stored rows"),
        _ => well(asked, n, 30 * SECOND, &json!({"payload": {}})),
    })
    .await;
    let script = r#"echo '{"type":"complete","bestConfigIds":["x"]}'"#;

    let agent = Agent::start(&gateway, state.path(), shell(script));

    let outcome = agent.outcome().await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    let fail = &gateway.asked_at("tasks/t1/fail")[0];
    assert_eq!(fail.body["error"], "`x` is among no stored rows (422)");
    assert_eq!(fail.body["retryable"], false);
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_tells_how_it_is_while_it_works_and_after_it_failed() {
    let state = tempfile::tempdir().unwrap();
    let gateway =
        Gateway::start(|asked, n| well(asked, n, 600 * SECOND, &json!({"payload": {}}))).await;
    let script = r#"sleep 0.5; echo '{"type":"fail","error":"no data"}'"#;

    let agent = Agent::start(&gateway, state.path(), shell(script));

    agent.outcome().await;
    gateway.until("tasks/next", 5).await;
    let told = gateway.asked_at("connectivity");
    let states =
        |state: &str| told.iter().filter(|told| told.body["runtimeState"] == state).count();
    assert!(states("BUSY") >= 3, "a long lease needs no heartbeat, but is no silence");
    let error = told.iter().find(|told| told.body["runtimeState"] == "ERROR").unwrap();
    assert_eq!(error.body["lastError"], "task t1: no data");
    assert_eq!(error.body["deviceNumber"], "d1");
    assert_eq!(told.last().unwrap().body["runtimeState"], "IDLE", "the failure is over");
    let begun = Instant::now();
    agent.end().await;
    assert!(begun.elapsed() < SECOND, "an idle edge ends at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_begins_to_work_says_so_before_it_would_ask_again() {
    let state = tempfile::tempdir().unwrap();
    let gateway =
        Gateway::start(|asked, n| well(asked, n, 30 * SECOND, &json!({"payload": {}}))).await;
    let mut config = config(&gateway, state.path(), shell("sleep 60"));
    config.poll_every = 3600 * SECOND;
    config.grace = Duration::ZERO;

    let agent = Agent::with(config);

    let told = async {
        let busy = |asked: &Asked| asked.body["activeTaskId"] == "t1";
        while !gateway.asked_at("connectivity").iter().any(busy) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(5 * SECOND, told).await.unwrap();
    agent.end().await;
}

/// Work that takes its time to stop.
#[derive(Debug, Clone, Default)]
struct Reluctant(Arc<AtomicBool>);

impl Runtime for Reluctant {
    fn start(&self, _: Job) -> Work {
        let (work, reporter) = Work::channel();
        let gone = Arc::clone(&self.0);
        tokio::spawn(async move {
            reporter.unwanted().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            gone.store(true, Ordering::SeqCst);
            drop(reporter);
        });
        work
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_over_only_once_nothing_of_it_runs_any_more() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("tasks/t1/heartbeat", 1..) => Reply::problem(409, "lease lapsed"),
        _ => well(asked, n, SECOND, &json!({"payload": {}})),
    })
    .await;
    let reluctant = Reluctant::default();
    let gone = Arc::clone(&reluctant.0);

    let agent = Agent::start(&gateway, state.path(), reluctant);

    agent.outcome().await;
    assert!(gone.load(Ordering::SeqCst));
    agent.end().await;
}
