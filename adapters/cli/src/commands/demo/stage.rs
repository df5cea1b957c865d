//! The processes of the demonstration: a gateway and its agents, all of them real.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use edge_ledger_agent::Gateway;
use edge_ledger_wire::operator::TokenAnswer;
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::client::{Client, Token};

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

/// How long a gateway may take to answer, and an agent to end.
const READY_WITHIN: Duration = Duration::from_secs(20);
const ENDED_WITHIN: Duration = Duration::from_secs(5);

impl Stage {
    /// Starts a gateway on a free port of this machine, and lets the agents in.
    pub(super) async fn set(root: &Path) -> Result<Self> {
        fs::create_dir_all(root.join("logs"))?;
        let mut gateway = gateway(root)?;
        let url = ready(root, &mut gateway).await?;
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
            alive(&self.root, name, process)?;
        }
        alive(&self.root, GATEWAY, &mut self.gateway)
    }
}

/// Returns where the ledger is.
pub(super) fn data(root: &Path) -> PathBuf {
    root.join("data")
}

const GATEWAY: &str = "gateway";

fn gateway(root: &Path) -> Result<Child> {
    let mut command = process(root, GATEWAY)?;
    command.arg("serve").arg("--with-parent");
    command.arg("--data").arg(data(root));
    command.args(["--addr", "127.0.0.1:0"]).arg("--ready-file").arg(root.join("url"));
    command.args(["--online-within", "3s", "--stale-within", "1m"]);
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

/// Prepares a process of this very program, unmoved by settings that are none of its business.
fn process(root: &Path, name: &str) -> Result<Command> {
    let log = fs::File::create(log_of(root, name))?;
    let mut command = this_program()?;
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("EDGE_LEDGER_") {
            command.env_remove(variable);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    // Ctrl-C is for the demonstration, which then ends the others.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

/// Returns this very program, even if its file was replaced since it began.
fn this_program() -> Result<Command> {
    #[cfg(target_os = "linux")]
    {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("edge-ledger");
        Ok(command)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(Command::new(program))
    }
}

fn log_of(root: &Path, name: &str) -> PathBuf {
    root.join("logs").join(format!("{name}.log"))
}

async fn ready(root: &Path, gateway: &mut Child) -> Result<String> {
    let began = Instant::now();
    while began.elapsed() < READY_WITHIN {
        alive(root, GATEWAY, gateway)?;
        if let Ok(url) = fs::read_to_string(root.join("url")) {
            return Ok(url.trim().to_owned());
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the gateway does not answer within {READY_WITHIN:?}: {}", tail(root, GATEWAY))
}

fn alive(root: &Path, name: &str, process: &mut Child) -> Result<()> {
    match process.try_wait()? {
        None => Ok(()),
        Some(status) => bail!("{name} has ended ({status}): {}", tail(root, name)),
    }
}

/// Returns the last words of a process.
fn tail(root: &Path, name: &str) -> String {
    let log = fs::read_to_string(log_of(root, name)).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
