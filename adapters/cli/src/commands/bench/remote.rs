//! The ledger behind a gateway: its own, as a child process on a loopback port, or one that runs.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use edge_ledger_core::task::Payload;
use edge_ledger_wire::{
    edge::{
        CompleteRequest, ConnectivityRequest, HeartbeatRequest, NextAnswer, NextRequest,
        RegisterAnswer,
    },
    operator::TokenAnswer,
};
use serde_json::json;
use tokio::process::Child;

use super::{
    caller::{Caller, Leased, Target},
    connection::Connection,
    cpu,
};
use crate::{
    child::{READY_WITHIN, child, ready},
    client::Token,
    exit::Failure,
    store::Kind,
};

/// A gateway.
#[derive(Debug)]
pub(super) struct Remote {
    host: String,
    operator: String,
    /// The gateway's process, if it is our own.
    own: Option<Child>,
}

/// An edge, and a submitter, on a connection of its own.
#[derive(Debug)]
pub(super) struct RemoteCaller {
    connection: Connection,
    operator: String,
    edge: EdgeIdentity,
}

/// Who an edge is.
#[derive(Clone, Debug)]
pub(super) struct EdgeIdentity {
    pub(super) worker_id: String,
    pub(super) credential: String,
    pub(super) device_number: String,
}

impl Remote {
    /// Starts a gateway over the ledger under a directory, which is made if there is none.
    pub(super) async fn start(directory: &Path, store: Kind, options: &[&str]) -> Result<Self> {
        Self::start_within(directory, store, options, READY_WITHIN).await
    }

    /// As [`Remote::start`], with so much time for what is in the ledger already.
    pub(super) async fn start_within(
        directory: &Path,
        store: Kind,
        options: &[&str],
        within: Duration,
    ) -> Result<Self> {
        let data = directory.join("data");
        let (log, url) = (directory.join("gateway.log"), directory.join("url"));
        let mut command = child(&log)?;
        command.arg("serve").arg("--with-parent").arg("--data").arg(&data);
        command.args(["--addr", "127.0.0.1:0"]).arg("--ready-file").arg(&url).args(options);
        command.arg("--store").arg(store.to_string());
        let mut gateway = command.spawn().context("cannot start the gateway")?;
        let url = ready(&url, &mut gateway, &log, within).await?;
        let token = Token::read(&edge_ledger_http::operator_token_path(&data))?;
        Ok(Self { host: host_of(&url)?, operator: token.expose().to_owned(), own: Some(gateway) })
    }

    /// Has a gateway of our own close its ledger, and waits until it has.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(mut gateway) = self.own.take() {
            drop(gateway.stdin.take());
            gateway.wait().await?;
        }
        Ok(())
    }

    /// Takes a gateway that runs.
    pub(super) fn running(url: &str, token: &Token) -> Result<Self> {
        Ok(Self { host: host_of(url)?, operator: token.expose().to_owned(), own: None })
    }

    /// Lets so many edges in.
    pub(super) async fn register(&self, count: usize) -> Result<Vec<EdgeIdentity>> {
        let mut connection = Connection::to(&self.host).await?;
        let wanted = json!({ "name": "bench", "maxUses": count });
        let answer = connection.post("/v1/tokens", &self.operator, &wanted).await?;
        let token = serde_json::from_slice::<TokenAnswer>(answer)?.token;
        let token = token.context("the gateway made a token and did not show it")?;
        let run = uuid::Uuid::now_v7().simple().to_string();
        let mut edges = Vec::new();
        for number in 0..count {
            let device_number = format!("bench-{run}-{number}");
            let asked =
                json!({ "deviceNumber": device_number, "displayName": format!("bench {number}") });
            let answer = connection.post("/internal/edges/register", &token, &asked).await?;
            let RegisterAnswer { worker_id, credential, .. } = serde_json::from_slice(answer)?;
            edges.push(EdgeIdentity { worker_id, credential, device_number });
        }
        Ok(edges)
    }

    /// Returns where it listens.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the process of the gateway, if it is our own.
    pub(super) fn process(&self) -> Option<u32> {
        self.own.as_ref()?.id()
    }
}

impl Target for Remote {
    type Caller = RemoteCaller;

    async fn callers(&mut self, count: usize) -> Result<Vec<RemoteCaller>> {
        let mut callers = Vec::new();
        for edge in self.register(count).await? {
            let connection = Connection::to(&self.host).await?;
            callers.push(RemoteCaller { connection, operator: self.operator.clone(), edge });
        }
        Ok(callers)
    }

    fn server_cpu(&self) -> Option<Duration> {
        cpu::of_process(self.process()?)
    }

    fn describe(&self) -> String {
        match &self.own {
            Some(_) => "HTTP, a gateway of its own".to_owned(),
            None => format!("HTTP, the gateway at {}", self.host),
        }
    }
}

impl Caller for RemoteCaller {
    async fn submit(&mut self, payloads: &[Payload]) -> Result<()> {
        let task = |payload: &Payload| json!({ "name": "bench", "payload": payload });
        match payloads {
            [payload] => self.connection.post("/v1/tasks", &self.operator, &task(payload)).await?,
            _ => {
                let tasks: Vec<_> = payloads.iter().map(task).collect();
                let tasks = json!({ "tasks": tasks });
                self.connection.post("/v1/tasks", &self.operator, &tasks).await?
            }
        };
        Ok(())
    }

    async fn lease(&mut self) -> Result<Option<Leased>> {
        self.edge.poll(&mut self.connection).await
    }

    async fn start(&mut self, leased: &Leased) -> Result<()> {
        let path = format!("/internal/edges/tasks/{}/heartbeat", leased.id);
        let heartbeat = HeartbeatRequest {
            worker_id: self.edge.worker_id.clone(),
            processed_configs: 0,
            total_configs: 0,
            current_config: None,
            trial_progress: None,
            lease_token: Some(leased.lease_token),
        };
        self.connection.post(path, &self.edge.credential, &heartbeat).await.map(drop)
    }

    async fn complete(&mut self, leased: &Leased) -> Result<()> {
        let path = format!("/internal/edges/tasks/{}/complete", leased.id);
        let completion = CompleteRequest {
            worker_id: self.edge.worker_id.clone(),
            best_config_ids: vec![],
            processed_configs: 0,
            total_configs: 0,
            lease_token: Some(leased.lease_token),
        };
        self.connection.post(path, &self.edge.credential, &completion).await.map(drop)
    }
}

impl EdgeIdentity {
    /// Asks for a task on any connection.
    pub(super) async fn poll(&self, connection: &mut Connection) -> Result<Option<Leased>> {
        let worker_id = self.worker_id.clone();
        let asked = NextRequest { worker_id, holding: None, capacity: None };
        let path = "/internal/edges/tasks/next";
        let answer = connection.post(path, &self.credential, &asked).await?;
        Ok(serde_json::from_slice::<NextAnswer<Leased>>(answer)?.task)
    }

    /// Reports on any connection that the edge is well and idle, as a fielded agent does.
    pub(super) async fn report(&self, connection: &mut Connection, uptime: u64) -> Result<()> {
        let asked = ConnectivityRequest {
            worker_id: self.worker_id.clone(),
            device_number: self.device_number.as_str().into(),
            current_version: Some("1.0.0".into()),
            platform: Some("linux".into()),
            arch: Some("x64".into()),
            install_type: Some("service".into()),
            active_task: Some(false),
            runtime_state: Some(edge_ledger_core::edge::RuntimeState::Idle),
            active_task_id: None,
            uptime_seconds: Some(uptime),
            last_error: None,
            upgrade_status: None,
            reason: None,
        };
        let path = "/internal/edges/connectivity";
        connection.post(path, &self.credential, &asked).await.map(drop)
    }
}

fn host_of(url: &str) -> Result<String> {
    let url = reqwest::Url::parse(url).context("the URL of the gateway")?;
    if url.scheme() != "http" {
        let told = format!("{url} is not a plain http:// address, and bench speaks no other");
        return Err(Failure::usage(told).next("measure the gateway behind the TLS").into());
    }
    let host = url.host_str().context("a URL with http:// has a host")?;
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(80)))
}
