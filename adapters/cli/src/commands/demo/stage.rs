//! The processes of the demonstration: a gateway and its agents, all of them real.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use edge_ledger_agent::Gateway;
use edge_ledger_wire::operator::TokenAnswer;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::{
    child::{READY_WITHIN, alive, child, ready},
    client::{Client, Token},
};

/// A gateway, its agents, and where they keep everything. Whatever becomes of the demonstration,
/// its processes do not outlive it: dropping this kills them, and each ends by itself when the
/// pipe ends that it has for its stdin.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    pub(super) client: Client,
    gateway: Child,
    agents: Vec<(&'static str, Child)>,
    url: String,
}

/// What the agents are called.
pub(super) const AGENTS: [&str; 3] = ["alder", "birch", "cedar"];

/// How long an agent may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(5);

impl Stage {
    /// Starts a gateway on a free port of this machine, which records to a file if there is one,
    /// and lets the agents in.
    pub(super) async fn set(root: &Path, record: Option<&Path>) -> Result<Self> {
        fs::create_dir_all(root.join("logs"))?;
        let mut gateway = gateway(root, record)?;
        let url =
            ready(&root.join("url"), &mut gateway, &log_of(root, GATEWAY), READY_WITHIN).await?;
        let token = Token::read(&edge_ledger_http::operator_token_path(&data(root)))?;
        let client = Client::new(&Gateway::new(&url, false)?, None, token)?;
        let mut stage = Self { root: root.to_owned(), client, gateway, agents: vec![], url };
        stage.let_in().await?;
        Ok(stage)
    }

    async fn let_in(&mut self) -> Result<()> {
        let wanted = json!({ "name": "demo", "maxUses": AGENTS.len() });
        let answer: TokenAnswer = self.client.post(&["tokens"], &wanted).await?.read()?;
        let token = answer.token.context("the gateway made a token and did not show it")?;
        for name in AGENTS {
            let agent = agent(&self.root, &self.url, name, &token)?;
            self.agents.push((name, agent));
        }
        Ok(())
    }

    /// Returns where the gateway listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Kills an agent with SIGKILL: it can do nothing about it, nor tell anybody.
    pub(super) async fn kill_agent(&mut self, name: &str) -> Result<u32> {
        let Some(at) = self.agents.iter().position(|(agent, _)| *agent == name) else {
            bail!("there is no agent {name}");
        };
        let (_, mut agent) = self.agents.swap_remove(at);
        let id = agent.id().with_context(|| format!("agent {name} has ended by itself"))?;
        agent.kill().await?;
        Ok(id)
    }

    /// Ends the agents that are left.
    pub(super) async fn end_agents(&mut self) -> Result<()> {
        for (_, mut agent) in self.agents.drain(..) {
            drop(agent.stdin.take());
            let _ = tokio::time::timeout(ENDED_WITHIN, agent.wait()).await;
            agent.kill().await?;
        }
        Ok(())
    }

    /// Kills the gateway with SIGKILL: it closes nothing.
    pub(super) async fn kill_gateway(&mut self) -> Result<()> {
        Ok(self.gateway.kill().await?)
    }

    /// Fails if a process that should be there is not.
    pub(super) fn check(&mut self) -> Result<()> {
        for (name, process) in self.agents.iter_mut().map(|(name, agent)| (*name, agent)) {
            alive(name, process, &log_of(&self.root, name))?;
        }
        alive(GATEWAY, &mut self.gateway, &log_of(&self.root, GATEWAY))
    }
}

/// Returns where the ledger is.
pub(super) fn data(root: &Path) -> PathBuf {
    root.join("data")
}

const GATEWAY: &str = "gateway";

fn gateway(root: &Path, record: Option<&Path>) -> Result<Child> {
    let mut command = process(root, GATEWAY)?;
    command.arg("serve").arg("--with-parent");
    command.arg("--data").arg(data(root));
    command.args(["--addr", "127.0.0.1:0"]).arg("--ready-file").arg(root.join("url"));
    command.args(["--online-within", "3s", "--stale-within", "1m"]);
    if let Some(file) = record {
        command.arg("--record").arg(file);
    }
    command.spawn().context("cannot start the gateway")
}

fn agent(root: &Path, url: &str, name: &str, token: &str) -> Result<Child> {
    let mut command = process(root, name)?;
    command.arg("agent").arg("--with-parent");
    command.args(["--url", url, "--name", name]);
    command.arg("--state").arg(root.join("agents").join(name));
    // Without a rest this machine would be through before anybody has seen anything.
    command.args(["--poll", "300ms", "--pause", "2ms"]);
    command.env(crate::commands::agent::ENROLLMENT_TOKEN, token);
    command.spawn().with_context(|| format!("cannot start agent {name}"))
}

fn process(root: &Path, name: &str) -> Result<Command> {
    child(&log_of(root, name))
}

fn log_of(root: &Path, name: &str) -> PathBuf {
    root.join("logs").join(format!("{name}.log"))
}
