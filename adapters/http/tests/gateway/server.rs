//! A gateway over a sled journal in a directory of its own.
use std::{fs, net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use edge_ledger_core::{Commit, Journal, JournalReader, Millis, Position, Thresholds, Timestamp};
use edge_ledger_engine::{Beginning, Engine, Handle, Options, Shelf};
use edge_ledger_http::{Gateway, Keys, Limits, Listen, listen, operator_token_path};
use edge_ledger_journal::BlockReader;
use edge_ledger_sled::{SledReader, SledTasks};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::client::{Client, Edge};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) operator: Client,
    pub(crate) ledger: Handle<BlockReader<SledReader>>,
    /// Before the engine, so that it stops before the ledger closes.
    serving: Serving,
    engine: Option<Engine<BlockReader<SledReader>>>,
    directory: TempDir,
    limits: Limits,
}

struct Serving {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let limits = Limits { body_within: Duration::from_millis(700), ..Limits::default() };
        Self::start_with(limits)
    }

    pub(crate) fn start_with(limits: Limits) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), limits)
    }

    /// Stops the gateway, and starts another over the same log as if all of it were older.
    pub(crate) fn restart_after(mut self, time: Millis) -> Self {
        self.stop();
        self.close_ledger();
        let log = self.ledger.reader().read(Position::START).map(Result::unwrap);
        let log: Vec<_> =
            log.map(|commit| Commit { recorded_at: before(&commit, time), ..commit }).collect();
        let directory = tempfile::tempdir().unwrap();
        edge_ledger_sled::open(directory.path().join("journal")).unwrap().append(&log).unwrap();
        Self::start_in(directory, self.limits)
    }

    /// Stops the gateway, closes the ledger, and starts both again.
    pub(crate) fn restart(mut self) -> Self {
        self.stop();
        self.close_ledger();
        let Self { directory, limits, ledger, .. } = self;
        drop(ledger);
        Self::start_in(directory, limits)
    }

    fn start_in(directory: TempDir, limits: Limits) -> Self {
        let journal = edge_ledger_sled::open(directory.path().join("journal")).unwrap();
        let archive = Arc::new(SledTasks::open(directory.path().join("tasks")).unwrap());
        let shelf = Some(Shelf::new(archive, Millis::ZERO));
        let beginning = Beginning { shelf, ..Beginning::default() };
        let engine = Engine::start_from(journal, beginning, Options::default()).unwrap();
        let keys = Keys::open_or_create(directory.path()).unwrap();
        let gateway = Gateway::new(engine.handle(), keys, limits, Thresholds::default());
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let options = Listen { address: ([127, 0, 0, 1], 0).into(), ..Listen::default() };
                let stopped = async { drop(stopped.await) };
                let listening = listen(gateway, &options, stopped).unwrap();
                tell.send(listening.address()).unwrap();
                listening.run().await.unwrap();
            });
        });
        let address = told.recv().unwrap();
        let token = fs::read_to_string(operator_token_path(directory.path())).unwrap();
        let operator = Client::new(address, token.trim());
        let serving = Serving { stop: Some(stop), thread: Some(thread) };
        let (ledger, engine) = (engine.handle(), Some(engine));
        Self { address, operator, ledger, serving, engine, directory, limits }
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Makes an enrollment token.
    pub(crate) async fn token(&self, request: serde_json::Value) -> String {
        let made = self.operator.post("/v1/tokens", request).await.expect(201);
        made["token"].as_str().unwrap().to_owned()
    }

    /// Lets an edge in.
    pub(crate) async fn edge(&self, device_number: &str) -> Edge {
        let token = self.token(json!({})).await;
        Edge::register(self.address, &token, device_number).await
    }

    /// Adds a task that any edge may have.
    pub(crate) async fn submit(&self, id: &str) {
        self.operator.post("/v1/tasks", json!({ "id": id, "payload": null })).await.expect(201);
    }

    /// Closes the ledger under the gateway.
    pub(crate) fn close_ledger(&mut self) {
        self.engine = None;
    }

    /// Tells the gateway to stop and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.serving.stop();
    }
}

impl Serving {
    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
    }
}

fn before(commit: &Commit, time: Millis) -> Timestamp {
    let time = i64::try_from(time.0).unwrap();
    Timestamp::from_millis(commit.recorded_at.as_millis() - time)
}
