//! The agent against a gateway that does as a test says.
#![cfg(unix)]

mod gateway;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use edge_ledger_agent::runtime::{Builtin, Process, ProcessLimits, Runtime};
use edge_ledger_agent::{
    AgentError, Config, Gateway as Address, NotRegistered, Notice, Observer, Outcome, Secret,
    TokenSource, run,
};
use gateway::{Asked, Gateway, Reply, ledger_time};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SECOND: Duration = Duration::from_secs(1);

/// An agent at work in these tests, and what it let be seen.
struct Agent {
    notices: Arc<Mutex<Vec<Notice>>>,
    end: Option<oneshot::Sender<()>>,
    life: JoinHandle<Result<(), AgentError>>,
}

impl Agent {
    fn start(gateway: &Gateway, state: &Path, runtime: impl Runtime + 'static) -> Self {
        Self::with_grace(gateway, state, runtime, 10 * SECOND)
    }

    fn with_grace(
        gateway: &Gateway,
        state: &Path,
        runtime: impl Runtime + 'static,
        grace: Duration,
    ) -> Self {
        let config = Config {
            gateway: Address::new(&gateway.url, false).expect("a loopback address will do"),
            name: "Rack 7".to_owned(),
            enrollment: Some(TokenSource::Given(Secret::new("etr_live_token"))),
            state_dir: state.to_owned(),
            runtime: Arc::new(runtime),
            poll_every: Duration::from_millis(50),
            grace,
        };
        let notices: Arc<Mutex<Vec<Notice>>> = Arc::default();
        let seen = Arc::clone(&notices);
        let observer =
            Observer::new(move |notice| seen.lock().expect("nobody panics").push(notice.clone()));
        let (end, asked) = oneshot::channel();
        let life = tokio::spawn(run(config, observer, async { drop(asked.await) }));
        Self { notices, end: Some(end), life }
    }

    fn ask_to_end(&mut self) {
        let end = self.end.take().expect("an agent is asked once");
        end.send(()).expect("the agent is still there");
    }

    async fn ended(self) -> Result<(), AgentError> {
        let ended = tokio::time::timeout(20 * SECOND, self.life).await;
        ended.expect("the agent ends in time").expect("the agent does not panic")
    }

    async fn end(mut self) {
        self.ask_to_end();
        self.ended().await.expect("the agent ends well");
    }

    /// Waits for work to be over and returns how it ended.
    async fn outcome(&self) -> Outcome {
        let over = async {
            loop {
                let notices = self.notices.lock().expect("nobody panics").clone();
                for notice in notices {
                    if let Notice::Ended { outcome, .. } = notice {
                        return outcome;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(20 * SECOND, over).await.expect("the work ends in time")
    }

    fn saw(&self, wanted: impl Fn(&Notice) -> bool) -> bool {
        self.notices.lock().expect("nobody panics").iter().any(wanted)
    }
}

fn shell(script: &str) -> Process {
    Process {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        directory: None,
        limits: ProcessLimits::default(),
    }
}

fn registered() -> Reply {
    let body = json!({"workerId": "w1", "credential": "wk_live_secret", "deviceNumber": "d1"});
    Reply::Is(201, body)
}

/// A task under a lease of so long, with these parts of its own.
fn leased(lease: Duration, parts: Value) -> Reply {
    let mut task = json!({
        "id": "t1", "taskId": "t1", "name": "first", "status": "ASSIGNED", "attempt": 1,
        "leaseToken": 41, "leaseExpiresAt": ledger_time(lease),
    });
    let fields = task.as_object_mut().expect("a task is an object");
    fields.extend(parts.as_object().expect("parts are an object").clone());
    Reply::ok(json!({"success": true, "task": task}))
}

fn extended(lease: Duration) -> Reply {
    let expires_at = ledger_time(lease);
    Reply::ok(json!({"success": true, "status": "PROCESSING", "leaseExpiresAt": expires_at,
        "cancelRequested": false}))
}

/// Does what a gateway with one task does when all goes well.
fn well(asked: &Asked, before: usize, lease: Duration, parts: &Value) -> Reply {
    match asked.path.as_str() {
        "register" => registered(),
        "connectivity" => Reply::ok(json!({"targetVersion": null})),
        "tasks/next" if before == 0 => leased(lease, parts.clone()),
        "tasks/next" => Reply::ok(json!({"success": true, "task": null})),
        "tasks/t1/heartbeat" => extended(lease),
        "tasks/t1/results" => {
            let rows = asked.body["results"].as_array().map_or(0, Vec::len);
            Reply::ok(json!({"success": true, "accepted": rows, "deduplicated": 0}))
        }
        "tasks/t1/complete" => Reply::ok(json!({"success": true, "status": "DONE"})),
        "tasks/t1/fail" => Reply::ok(json!({"success": true, "status": "FAILED"})),
        path => panic!("{path} is no path of the contract"),
    }
}

/// An optimisation of so many configurations.
fn optimization(configurations: u64) -> Value {
    let fees: Vec<u64> = (0..configurations).collect();
    json!({"symbol": "SPX", "interval": "1d", "searchStrategy": "grid",
        "optimizationParams": {"feePct": fees}, "optimizationMetrics": ["totalPnlPercent"],
        "trials": configurations, "prices": [100, 101, 102]})
}

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
async fn a_restarted_edge_is_who_it_was() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| well(asked, n + 1, SECOND, &json!({}))).await;
    for polls in [1, 2] {
        let agent = Agent::start(&gateway, state.path(), Builtin::default());
        gateway.until("tasks/next", polls).await;
        agent.end().await;
    }

    assert_eq!(gateway.asked_at("register").len(), 1);
}

#[tokio::test]
async fn a_lost_registration_is_repeated_and_a_taken_number_is_not() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("register", 0) => Reply::Lost,
        ("register", 1) => Reply::problem(503, "busy"),
        ("register", 2) => Reply::problem(409, "taken"),
        _ => well(asked, n + 1, SECOND, &json!({})),
    })
    .await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    gateway.until("tasks/next", 1).await;
    let asked = gateway.asked_at("register");
    let said: Vec<_> = asked.iter().map(|asked| (asked.key.clone(), &asked.body)).collect();
    assert_eq!(said.len(), 4);
    assert!(said[0] == said[1] && said[1] == said[2], "{said:?}");
    assert!(said[0].0.is_some() && said[3].0 != said[0].0);
    let number = |at: usize| said[at].1["deviceNumber"].as_str().unwrap();
    assert!(number(3).starts_with("rack-7-") && number(3) != number(0));
    agent.end().await;
}

#[tokio::test]
async fn a_registration_cut_off_by_a_crash_is_repeated_after_it() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("register", 0) => Reply::problem(503, "busy"),
        _ => well(asked, n + 1, SECOND, &json!({})),
    })
    .await;
    let crashed = Agent::start(&gateway, state.path(), Builtin::default());
    gateway.until("register", 1).await;
    crashed.life.abort();
    assert!(crashed.life.await.unwrap_err().is_cancelled());

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    gateway.until("tasks/next", 1).await;
    let asked = gateway.asked_at("register");
    let last = asked.last().unwrap();
    assert_eq!((&asked[0].key, &asked[0].body), (&last.key, &last.body));
    agent.end().await;
}

#[tokio::test]
async fn five_taken_numbers_are_enough_and_a_refused_token_is_final() {
    let state = tempfile::tempdir().unwrap();
    let taken = Gateway::start(|_, _| Reply::problem(409, "taken")).await;
    let refused = Gateway::start(|_, _| Reply::problem(401, "no such token")).await;

    let numbers = Agent::start(&taken, state.path(), Builtin::default()).ended().await;
    let token = Agent::start(&refused, state.path(), Builtin::default()).ended().await;

    assert_eq!(taken.asked().len(), 5);
    assert!(
        matches!(&numbers, Err(AgentError::NotRegistered(NotRegistered::NumbersTaken { .. }))),
        "{numbers:?}"
    );
    assert_eq!(refused.asked().len(), 1);
    let told = token.unwrap_err().to_string();
    assert_eq!(told, "the gateway refuses the enrollment token: no such token (401)");
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
    let lease = Duration::from_millis(900);
    let gateway = Gateway::start(move |asked, n| well(asked, n, lease, &optimization(3000))).await;
    let busy = Builtin { pause: Duration::from_millis(1) };

    let agent = Agent::start(&gateway, state.path(), busy);

    assert_eq!(agent.outcome().await, Outcome::Done);
    let beats = gateway.asked_at("tasks/t1/heartbeat");
    let spans: Vec<_> = beats.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(spans.len() >= 5, "{spans:?}");
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
        _ => well(asked, n, 2 * SECOND, &json!({"payload": {}})),
    })
    .await;
    let ended = state.path().join("ended-at");
    let script =
        format!("trap '' TERM; while :; do date +%s%N > {}; sleep 0.01; done", ended.display());

    let agent = Agent::start(&gateway, state.path(), shell(&script));

    let outcome = agent.outcome().await;
    let after = gateway.asked_at("tasks/t1/heartbeat")[0].at.elapsed();
    assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
    assert!(after > SECOND && after < 2 * SECOND, "{after:?} after the last extension");
    let last_sign = std::fs::read_to_string(&ended).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(std::fs::read_to_string(&ended).unwrap(), last_sign, "the program still runs");
    agent.end().await;
}

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
    let grace = Duration::from_millis(200);

    let mut agent = Agent::with_grace(&gateway, state.path(), shell("sleep 60"), grace);
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
    gateway.until("tasks/next", 3).await;
    let told = gateway.asked_at("connectivity");
    let states =
        |state: &str| told.iter().filter(|told| told.body["runtimeState"] == state).count();
    assert!(states("BUSY") >= 3, "a long lease needs no heartbeat, but is no silence");
    let error = told.last().unwrap();
    assert_eq!(error.body["runtimeState"], "ERROR");
    assert_eq!(error.body["lastError"], "task t1: no data");
    assert_eq!(error.body["deviceNumber"], "d1");
    let begun = Instant::now();
    agent.end().await;
    assert!(begun.elapsed() < SECOND, "an idle edge ends at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_secret_is_seen() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| well(asked, n, 30 * SECOND, &optimization(2))).await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());
    agent.outcome().await;

    assert!(agent.saw(|notice| matches!(notice, Notice::Registered { .. })));
    let seen = format!("{:?}", agent.notices.lock().unwrap());
    assert!(!seen.contains("secret") && !seen.contains("etr_live"), "{seen}");
    agent.end().await;
}
