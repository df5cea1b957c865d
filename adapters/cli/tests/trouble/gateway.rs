//! A real gateway, whose disk fails when it is told to.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use edge_ledger_core::{Commit, Journal as _};
use edge_ledger_journal::{BlockJournal, SegmentStore};
use edge_ledger_power::{Disk, FileSystem, Loss, Preload, Recording};
use edge_ledger_sled::SledStore;
use rand::{SeedableRng, rngs::ChaCha8Rng};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What keeps the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    Sled,
    Segments,
}

/// A disk with a ledger on it.
pub(crate) struct Machine {
    place: TempDir,
    store: Store,
    /// What else the gateway is told.
    settings: &'static [&'static str],
    /// How many files the gateway may have open, if that is bounded.
    files: Option<u32>,
}

/// A gateway that runs on it.
pub(crate) struct Gateway {
    child: Child,
    url: String,
    operator: String,
    http: Client,
}

/// How a gateway has ended, and all it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

impl Machine {
    pub(crate) fn new(store: Store) -> Self {
        let place = tempfile::tempdir().unwrap();
        let machine = Self { place, store, settings: &[], files: None };
        fs::create_dir(machine.disk()).unwrap();
        machine.repair();
        machine
    }

    /// Makes one whose gateway may have few files open.
    pub(crate) fn with_files(store: Store, files: u32) -> Self {
        Self { files: Some(files), ..Self::new(store) }
    }

    /// Makes one whose gateway is told more.
    pub(crate) fn with_settings(store: Store, settings: &'static [&'static str]) -> Self {
        Self { settings, ..Self::new(store) }
    }

    /// Puts a log there before the first start.
    pub(crate) fn begin_with(&self, log: &[Commit]) {
        let place = self.disk().join("data/journal");
        match self.store {
            Store::Sled => append(SledStore::open(place).unwrap(), log),
            Store::Segments => append(SegmentStore::open(place).unwrap(), log),
        }
    }

    /// Lets calls fail from now on, as the recorder has it.
    pub(crate) fn break_down(&self, faults: &str) {
        fs::write(self.path("next"), faults).unwrap();
        fs::rename(self.path("next"), self.path("faults")).unwrap();
    }

    pub(crate) fn repair(&self) {
        self.break_down("");
    }

    /// Starts a gateway, and waits until it answers.
    pub(crate) async fn serve(&self) -> Gateway {
        let mut child = self.spawn();
        for _ in 0..1_200 {
            let url = fs::read_to_string(self.path("url")).unwrap_or_default();
            if !url.is_empty() {
                let operator = fs::read_to_string(self.disk().join("data/operator.token")).unwrap();
                let (url, operator) = (url.trim().to_owned(), operator.trim().to_owned());
                return Gateway { child, url, operator, http: Client::new() };
            }
            if child.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the gateway does not get ready: {}", self.said());
    }

    /// Starts a gateway that does not get far.
    pub(crate) fn fail_to_serve(&self) -> Ended {
        let mut child = self.spawn();
        for _ in 0..1_200 {
            if let Some(status) = child.try_wait().unwrap() {
                return Ended { status, said: self.said() };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        child.kill().unwrap();
        panic!("the gateway goes on: {}", self.said());
    }

    /// Stops a gateway.
    pub(crate) fn stop(&self, mut gateway: Gateway) -> Ended {
        drop(gateway.child.stdin.take());
        let status = gateway.child.wait().unwrap();
        Ended { status, said: self.said() }
    }

    /// Cuts the power: what was not synced is gone, names and all.
    pub(crate) fn cut(&self) -> Self {
        let recording = Recording::read(&self.path("log")).unwrap();
        let mut disk = Disk::default();
        for record in recording.records() {
            disk.apply(&record).unwrap();
        }
        let left = Self::with_settings(self.store, self.settings);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let image = disk.cut(Loss::Everything, FileSystem::Posix, &mut rng);
        image.write(&left.disk()).unwrap();
        left
    }

    fn spawn(&self) -> Child {
        drop(fs::remove_file(self.path("url")));
        let binary = env!("CARGO_BIN_EXE_edge-ledger");
        let mut command = match self.files {
            None => Command::new(binary),
            Some(files) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        command.args(["serve", "--with-parent", "--addr", "127.0.0.1:0", "--data"]);
        command.arg(self.disk().join("data")).arg("--ready-file").arg(self.path("url"));
        let said = File::options().create(true).append(true).open(self.path("said")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        command.env("RUST_BACKTRACE", "0").args(self.settings).args(["--store", self.store.word()]);
        let (log, faults) = (Some(self.path("log")), Some(self.path("faults")));
        Preload { root: self.disk(), log, faults }.prepare(&mut command).unwrap();
        command.spawn().unwrap()
    }

    /// Returns what all gateways here have said so far.
    fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap()
    }

    fn disk(&self) -> PathBuf {
        self.path("disk")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.place.path()).join(name)
    }
}

impl Store {
    const fn word(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Segments => "segments",
        }
    }
}

fn append(store: impl edge_ledger_journal::Store, log: &[Commit]) {
    BlockJournal::open(store).unwrap().append(log).unwrap();
}

impl Gateway {
    /// Submits a task; says whether it was answered that it is there.
    pub(crate) async fn submit(&self, id: &str) -> Result<(), (StatusCode, Value)> {
        let task = json!({"id": id, "payload": {"for": id}});
        let request = self.http.post(format!("{}/v1/tasks", self.url)).json(&task);
        let answer = request.bearer_auth(&self.operator).send().await.unwrap();
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err((status, answer.json().await.unwrap())),
        }
    }

    /// Lists the tasks that it says are there, if it says anything.
    pub(crate) async fn tasks(&self) -> Option<Vec<String>> {
        let request = self.http.get(format!("{}/v1/tasks?limit=1000", self.url));
        let answer = request.bearer_auth(&self.operator).send().await.unwrap();
        if !answer.status().is_success() {
            return None;
        }
        let page: Value = answer.json().await.unwrap();
        let ids = page["items"].as_array().unwrap().iter();
        Some(ids.map(|task| task["id"].as_str().unwrap().to_owned()).collect())
    }

    /// Returns why a task does not run, which has to be there.
    pub(crate) async fn why(&self, id: &str) -> Value {
        let request = self.http.get(format!("{}/v1/tasks/{id}/why", self.url));
        let answer = request.bearer_auth(&self.operator).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until readiness has named so many duties as failing, and returns all it says.
    pub(crate) async fn failing(&self, duties: usize) -> Value {
        for _ in 0..600 {
            let (status, said) = self.ready().await;
            assert_eq!(status, StatusCode::OK, "{said}");
            let said: Value = serde_json::from_str(&said).unwrap();
            if said["failing"].as_array().map_or(0, Vec::len) == duties {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{duties} duties are to fail: {:?}", self.ready().await);
    }

    pub(crate) async fn ready(&self) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}/readyz", self.url)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
