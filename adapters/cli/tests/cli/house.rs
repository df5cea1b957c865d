//! A gateway and its agents as child processes, in a directory that cleans up after itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A place for a ledger, with a gateway over it if one was started.
pub(crate) struct House {
    root: TempDir,
    gateway: Option<Child>,
    agents: Vec<Child>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Prepares the binary, unmoved by the settings of whoever runs the tests.
pub(crate) fn edge_ledger() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("edge-ledger"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("EDGE_LEDGER_") {
            command.env_remove(variable);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Outcome {
    /// Returns what it said on stdout, provided that it ended well.
    pub(crate) fn text(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    /// Returns the JSON it said on stdout, provided that it ended well.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

impl House {
    /// Makes a place where nothing has happened yet.
    pub(crate) fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), gateway: None, agents: vec![] }
    }

    /// Starts a gateway on a free port.
    pub(crate) fn served() -> Self {
        let mut house = Self::empty();
        house.serve();
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Starts a gateway on a free port, and waits until it answers.
    pub(crate) fn serve(&mut self) {
        self.serve_with(&[]);
    }

    /// The same, with flags.
    pub(crate) fn serve_with(&mut self, flags: &[&str]) {
        // One that was killed has left it.
        drop(fs::remove_file(self.path("url")));
        let log = fs::File::create(self.path("gateway.log")).unwrap();
        let mut command = edge_ledger();
        command.args(["serve", "--addr", "127.0.0.1:0", "--data"]).arg(self.data());
        command.arg("--ready-file").arg(self.path("url")).args(flags);
        self.gateway = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        eventually("the gateway is ready", || self.path("url").exists());
    }

    /// Prepares a command that finds the gateway by the two variables alone.
    pub(crate) fn operator(&self, args: &[&str]) -> Command {
        let mut command = edge_ledger();
        let url = fs::read_to_string(self.path("url")).unwrap();
        let token = fs::read_to_string(self.data().join("operator.token")).unwrap();
        command.args(args).env("EDGE_LEDGER_URL", url.trim()).env("EDGE_LEDGER_TOKEN", token);
        command
    }

    /// Runs such a command to its end.
    pub(crate) fn ask(&self, args: &[&str]) -> Outcome {
        outcome(&mut self.operator(args))
    }

    /// Runs a command on the data directory itself.
    pub(crate) fn look(&self, args: &[&str]) -> Outcome {
        outcome(edge_ledger().args(args).arg("--data").arg(self.data()))
    }

    /// Starts an agent under a fresh token.
    pub(crate) fn agent(&mut self, name: &str, args: &[&str]) {
        let made = self.ask(&["token", "create", "--json"]).json();
        let token = made["token"].as_str().unwrap().to_owned();
        let mut command = self.operator(&["agent", "--name", name, "--poll", "100ms", "--state"]);
        command.arg(self.path("agents").join(name)).args(args);
        command.env_remove("EDGE_LEDGER_TOKEN").env("EDGE_LEDGER_ENROLLMENT_TOKEN", token);
        let agent = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.agents.push(agent);
    }

    /// Submits a document, and returns what `task submit --json` says.
    pub(crate) fn submit(&self, document: &Value) -> Outcome {
        let file = self.path("tasks.json");
        fs::write(&file, document.to_string()).unwrap();
        self.ask(&["task", "submit", file.to_str().unwrap(), "--json"])
    }

    /// Waits until a task is done, and returns it.
    pub(crate) fn done(&self, task: &str) -> Value {
        let mut shown = Value::Null;
        eventually(task, || {
            shown = self.ask(&["task", "show", task, "--json"]).json();
            shown["status"] == "DONE"
        });
        shown
    }

    /// Asks the agents to end, and returns how each did.
    pub(crate) fn end_agents(&mut self) -> Vec<Option<i32>> {
        self.agents.drain(..).map(|mut agent| ended(&mut agent, "TERM")).collect()
    }

    /// Stops the gateway with a signal, and returns how it ended.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        ended(&mut self.gateway.take().unwrap(), signal)
    }

    pub(crate) fn gateway_log(&self) -> String {
        fs::read_to_string(self.path("gateway.log")).unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in self.agents.iter_mut().chain(&mut self.gateway) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process, and returns how it ended.
pub(crate) fn ended(child: &mut Child, signal: &str) -> Option<i32> {
    // Every shell has it built in, and not every machine has it as a program.
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    child.wait().unwrap().code()
}

/// Returns a task of a few configurations.
pub(crate) fn task(id: &str) -> Value {
    serde_json::json!({
        "id": id,
        "symbol": "SPX",
        "interval": "1d",
        "searchStrategy": "grid",
        "optimizationParams": { "entryThresholdPct": [0.1, 0.2], "stopLossPct": [1, 2] },
        "optimizationMetrics": ["sharpeRatio"],
        "trials": 4,
        "prices": [1228.1, 1244.78, 1272.34, 1269.73, 1275.09, 1263.88, 1239.51, 1234.4, 1243.26],
    })
}

/// Returns the path of a file that was written.
pub(crate) fn written(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
