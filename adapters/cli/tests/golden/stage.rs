//! A gateway as its own process, whoever works for it, and the log that is kept of them.

use std::{
    fs,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use edge_ledger_core::golden;
use edge_ledger_journal::{BackupPart, BackupReader};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A gateway, its agents, and where they keep everything.
pub(crate) struct Stage {
    root: TempDir,
    gateway: Child,
    agents: Vec<(&'static str, Child)>,
    http: Client,
    url: String,
    operator: String,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// An edge, as simple as those in the field.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) id: String,
    url: String,
    credential: String,
    http: Client,
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a log is kept as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Lines of text.
    Lines,
    /// A backup: for long ones, since it is packed.
    Backup,
}

impl Stage {
    /// Starts a gateway on a free port.
    pub(crate) async fn set() -> Self {
        let root = tempfile::tempdir().unwrap();
        let gateway = gateway(&root);
        let http = Client::builder().no_proxy().build().unwrap();
        let mut stage = Self {
            root,
            gateway,
            agents: vec![],
            http,
            url: String::new(),
            operator: String::new(),
        };
        stage.wait_for_gateway().await;
        stage
    }

    async fn wait_for_gateway(&mut self) {
        let ready = self.path("url");
        eventually("the gateway is ready", async || ready.exists()).await;
        fs::read_to_string(ready).unwrap().trim().clone_into(&mut self.url);
        let token = fs::read_to_string(self.path("data").join("operator.token")).unwrap();
        token.trim().clone_into(&mut self.operator);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Kills the gateway with SIGKILL, waits for a while, and starts another, at the same address.
    pub(crate) async fn outage(&mut self, time: Duration) {
        self.gateway.kill().unwrap();
        self.gateway.wait().unwrap();
        fs::remove_file(self.path("url")).unwrap();
        tokio::time::sleep(time).await;
        let address = self.url.trim_start_matches("http://").to_owned();
        self.gateway = gateway_at(&self.root, &address);
        self.wait_for_gateway().await;
    }

    /// Asks as an operator.
    pub(crate) async fn ask(&self, path: &str, body: Value) -> Answer {
        let request = self.http.post(format!("{}/v1/{path}", self.url));
        Answer::to(request.bearer_auth(&self.operator).json(&body)).await
    }

    /// Puts something as an operator.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        let request = self.http.put(format!("{}/v1/{path}", self.url));
        Answer::to(request.bearer_auth(&self.operator).json(&body)).await
    }

    /// Looks as an operator.
    pub(crate) async fn show(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/v1/{path}", self.url));
        Answer::to(request.bearer_auth(&self.operator)).await.expect(200)
    }

    /// Makes an enrollment token.
    pub(crate) async fn token(&self, wanted: Value) -> String {
        let made = self.ask("tokens", wanted).await.expect(201);
        made["token"].as_str().unwrap().to_owned()
    }

    /// Lets an edge in.
    pub(crate) async fn edge(&self, device: &str) -> Edge {
        let token = self.token(json!({ "name": device })).await;
        Edge::of(self, &self.register(&token, device).await.expect(201))
    }

    /// Registers with a token.
    pub(crate) async fn register(&self, token: &str, device: &str) -> Answer {
        let body = json!({ "deviceNumber": device, "displayName": device });
        let request = self.http.post(format!("{}/internal/edges/register", self.url));
        Answer::to(request.bearer_auth(token).json(&body)).await
    }

    /// Starts an agent.
    pub(crate) async fn agent(&mut self, name: &'static str, args: &[&str]) {
        let token = self.token(json!({ "name": name })).await;
        let mut command = edge_ledger();
        command.args(["agent", "--url", &self.url, "--name", name, "--poll", "100ms", "--state"]);
        command.arg(self.path(name)).args(args).env("EDGE_LEDGER_ENROLLMENT_TOKEN", token);
        let agent = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.agents.push((name, agent));
    }

    /// Kills an agent with SIGKILL.
    pub(crate) fn kill_agent(&mut self, name: &str) {
        let at = self.agents.iter().position(|(agent, _)| *agent == name).unwrap();
        let (_, mut agent) = self.agents.swap_remove(at);
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// Waits until a task has a status, and returns it.
    pub(crate) async fn task_is(&self, task: &str, status: &str) -> Value {
        eventually(&format!("{task} is {status}"), async || {
            self.show(&format!("tasks/{task}")).await["status"] == status
        })
        .await;
        self.show(&format!("tasks/{task}")).await
    }

    /// Ends everybody as operators do, and keeps the log under a name. Says where.
    pub(crate) fn keep(mut self, name: &str, about: &str, form: Form) {
        for (_, agent) in &mut self.agents {
            end(agent);
        }
        end(&mut self.gateway);
        let backup = self.path("backup");
        let mut command = edge_ledger();
        command.arg("backup").arg(&backup).arg("--data").arg(self.path("data"));
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("golden");
        fs::create_dir_all(&kept).unwrap();
        let mut bytes = Vec::new();
        fs::File::open(&backup).unwrap().read_to_end(&mut bytes).unwrap();
        let kept = match form {
            Form::Backup => {
                let kept = kept.join(format!("{name}.backup"));
                fs::write(&kept, bytes).unwrap();
                kept
            }
            Form::Lines => {
                let kept = kept.join(format!("{name}.hex"));
                fs::write(&kept, lines(about, &bytes)).unwrap();
                kept
            }
        };
        assert!(
            edge_ledger()
                .arg("replay")
                .arg("--write-snapshots")
                .arg(&kept)
                .status()
                .unwrap()
                .success()
        );
    }
}

fn lines(about: &str, backup: &[u8]) -> String {
    let mut log = Vec::new();
    for part in BackupReader::new(backup).unwrap() {
        match part.unwrap() {
            BackupPart::Blocks(blocks) => {
                for linked in blocks {
                    log.extend(linked.block.decode().unwrap());
                }
            }
            BackupPart::Base(_) | BackupPart::Tasks(_) | BackupPart::Key(_) => {
                panic!("it has its beginning, and nothing else")
            }
        }
    }
    golden::write(about, &log)
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in self.agents.iter_mut().map(|(_, agent)| agent).chain([&mut self.gateway]) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Answer {
    async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Self { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Returns the answer, which has to have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Sees that it is this problem.
    pub(crate) fn problem(&self, code: &str) {
        assert_eq!(self.body["code"], code, "{}", self.body);
    }
}

impl Edge {
    pub(crate) fn of(stage: &Stage, registered: &Value) -> Self {
        let text = |name: &str| registered[name].as_str().unwrap().to_owned();
        let (id, credential) = (text("workerId"), text("credential"));
        Self { id, url: stage.url.clone(), credential, http: stage.http.clone() }
    }

    /// Shows another credential from now on.
    pub(crate) fn with(&self, credential: &str) -> Self {
        Self { credential: credential.to_owned(), ..self.clone() }
    }

    pub(crate) async fn say(&self, path: &str, mut body: Value) -> Answer {
        body["workerId"] = self.id.clone().into();
        let request = self.http.post(format!("{}/internal/edges/{path}", self.url));
        Answer::to(request.bearer_auth(&self.credential).json(&body)).await
    }

    pub(crate) async fn next(&self) -> Value {
        self.say("tasks/next", json!({})).await.expect(200)["task"].clone()
    }

    pub(crate) async fn heartbeat(&self, task: &str, done: u64, of: u64) -> Answer {
        let body = json!({ "processedConfigs": done, "totalConfigs": of });
        self.say(&format!("tasks/{task}/heartbeat"), body).await
    }

    pub(crate) async fn results(&self, task: &str, configs: &[&str]) -> Answer {
        let row = |id: &&str| {
            let metrics = json!({ "sharpeRatio": 1.25, "totalPnlPercent": -0.5 });
            json!({ "configId": id, "strategyConfig": { "stopLossPct": 1 }, "metrics": metrics })
        };
        let rows: Vec<_> = configs.iter().map(row).collect();
        self.say(&format!("tasks/{task}/results"), json!({ "results": rows })).await
    }

    pub(crate) async fn complete(&self, task: &str, best: &[&str], done: u64) -> Answer {
        let body = json!({ "bestConfigIds": best, "processedConfigs": done, "totalConfigs": done });
        self.say(&format!("tasks/{task}/complete"), body).await
    }

    pub(crate) async fn fail(&self, task: &str, error: &str, retryable: bool) -> Answer {
        let body = json!({ "error": error, "retryable": retryable });
        self.say(&format!("tasks/{task}/fail"), body).await
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn gateway(root: &TempDir) -> Child {
    gateway_at(root, "127.0.0.1:0")
}

fn gateway_at(root: &TempDir, address: &str) -> Child {
    let mut command = edge_ledger();
    command.args(["serve", "--addr", address, "--data"]).arg(root.path().join("data"));
    command.arg("--ready-file").arg(root.path().join("url"));
    command.args(["--online-within", "1s", "--stale-within", "3s"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn edge_ledger() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("edge-ledger"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("EDGE_LEDGER_") {
            command.env_remove(variable);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn end(child: &mut Child) {
    let kill = format!("kill -TERM {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}
