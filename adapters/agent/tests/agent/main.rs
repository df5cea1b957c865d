//! The agent against a gateway that does as a test says.
#![cfg(unix)]

mod ending;
mod gateway;
mod registering;
mod working;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_ledger_agent::runtime::{Process, ProcessLimits, Runtime};
use edge_ledger_agent::{
    AgentError, Config, Gateway as Address, Notice, Observer, Outcome, Secret, TokenSource, run,
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
        Self::with(config(gateway, state, runtime))
    }

    fn with(config: Config) -> Self {
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

fn config(gateway: &Gateway, state: &Path, runtime: impl Runtime + 'static) -> Config {
    Config {
        gateway: Address::new(&gateway.url, false).expect("a loopback address will do"),
        name: "Rack 7".to_owned(),
        enrollment: Some(TokenSource::Given(Secret::new("etr_live_token"))),
        state_dir: state.to_owned(),
        runtime: Arc::new(runtime),
        poll_every: Duration::from_millis(50),
        grace: 10 * SECOND,
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
