//! `agent`: work on this machine for a gateway.

mod watch;

use std::{ffi::OsString, io::Read, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Error, Result};
use clap::{Args, ValueEnum};
use edge_ledger_agent::{
    AgentError, Config, NotRegistered, Secret, StateError, TokenSource, run_until_signalled,
    runtime::{Builtin, Process, ProcessLimits, Runtime},
};
use serde::{Deserialize, Serialize};

use crate::{
    config::{File, GatewayArgs, GatewaySettings, Setting, Shown, Span, default_agent_state},
    context::Context,
    exit::{Exit, Failure, chain},
    logs::{self, LogArgs},
    parent::parent_gone,
};

/// Work on this machine for a gateway.
///
/// The first start needs an enrollment token, from EDGE_LEDGER_ENROLLMENT_TOKEN, a file or stdin;
/// never from a flag, which everybody on the machine could read. From then on the machine is known
/// by what is in its state directory.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(after_help = "\
Examples:
  EDGE_LEDGER_ENROLLMENT_TOKEN=etr_live_… edge-ledger agent --name rack-7
  edge-ledger agent --token-file - < token
  edge-ledger agent --exec python3 worker.py --fast")]
pub(crate) struct AgentArgs {
    #[command(flatten)]
    #[serde(skip)]
    gateway: GatewayArgs,
    /// Read the enrollment token from this file, or from stdin if it is `-`.
    #[arg(long, env = "EDGE_LEDGER_AGENT_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What this machine is called, for people [default: its host name].
    #[arg(long, env = "EDGE_LEDGER_AGENT_NAME")]
    name: Option<String>,
    /// Where this machine keeps who it is; one directory for each agent [default:
    /// edge-ledger/agents/NAME under $XDG_STATE_HOME, which is usually ~/.local/state].
    #[arg(long, env = "EDGE_LEDGER_AGENT_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// How long to wait before asking again when there was no work [default: 15s].
    #[arg(long, env = "EDGE_LEDGER_AGENT_POLL", value_name = "TIME")]
    poll: Option<Span>,
    /// How long work may go on once the agent is asked to end; then it is given back [default:
    /// 30s].
    #[arg(long, env = "EDGE_LEDGER_AGENT_GRACE", value_name = "TIME")]
    grace: Option<Span>,
    /// What does the work [default: process if a program is given, else builtin].
    #[arg(long, env = "EDGE_LEDGER_AGENT_RUNTIME")]
    runtime: Option<RuntimeKind>,
    /// Builtin: how long to rest after each configuration [default: 0s].
    #[arg(long, env = "EDGE_LEDGER_AGENT_PAUSE", value_name = "TIME")]
    pause: Option<Span>,
    /// Process: how long the program may run for one task [default: for ever].
    #[arg(long, env = "EDGE_LEDGER_AGENT_TIME_LIMIT", value_name = "TIME")]
    time_limit: Option<Span>,
    /// Process: the program that does the work, with its arguments. Has to come last.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_names = ["PROGRAM", "ARGS"])]
    exec: Option<Vec<String>>,
    #[command(flatten)]
    #[serde(skip)]
    logs: LogArgs,
    /// End when stdin does: for a parent that must not leave its agents behind.
    #[arg(long, hide = true)]
    #[serde(skip)]
    with_parent: bool,
}

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuntimeKind {
    /// The optimisations that are built in.
    Builtin,
    /// A program.
    Process,
}

/// How the agent is to work, settled.
#[derive(Debug)]
pub(crate) struct AgentSettings {
    gateway: GatewaySettings,
    token_file: Setting<Option<PathBuf>>,
    name: Setting<String>,
    state: Setting<PathBuf>,
    poll: Setting<Span>,
    grace: Setting<Span>,
    runtime: Setting<RuntimeKind>,
    pause: Setting<Span>,
    time_limit: Setting<Option<Span>>,
    exec: Setting<Option<Vec<String>>>,
}

impl AgentArgs {
    /// Settles how the agent is to work.
    pub(crate) fn settle(self, file: &File) -> AgentSettings {
        let filed = file.agent.clone();
        let name = Setting::settle("agent.name", self.name, filed.name, host_name);
        let kept = || default_agent_state(&name.value);
        let state = Setting::settle("agent.state", self.state, filed.state, kept);
        // A program given beats a runtime filed.
        let process = self.exec.as_ref().map(|_| RuntimeKind::Process);
        let given = self.runtime.or(process);
        let exec = Setting::settle_any("agent.exec", self.exec, filed.exec);
        let usual = || match exec.value {
            Some(_) => RuntimeKind::Process,
            None => RuntimeKind::Builtin,
        };
        let (poll, grace) = (Span(Config::POLL_EVERY), Span(Config::GRACE));
        AgentSettings {
            gateway: self.gateway.settle(file),
            token_file: Setting::settle_any("agent.token-file", self.token_file, filed.token_file),
            poll: Setting::settle("agent.poll", self.poll, filed.poll, || poll),
            grace: Setting::settle("agent.grace", self.grace, filed.grace, || grace),
            runtime: Setting::settle("agent.runtime", given, filed.runtime, usual),
            pause: Setting::settle("agent.pause", self.pause, filed.pause, || Span::from_secs(0)),
            time_limit: Setting::settle_any("agent.time-limit", self.time_limit, filed.time_limit),
            name,
            state,
            exec,
        }
    }
}

impl AgentSettings {
    /// Lists the settings, where the gateway is aside.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![
            self.token_file.shown(),
            self.name.shown(),
            self.state.shown(),
            self.poll.shown(),
            self.grace.shown(),
            self.runtime.shown(),
            self.pause.shown(),
            self.time_limit.shown(),
            self.exec.shown(),
        ]
    }

    fn config(&self) -> Result<Config> {
        Ok(Config {
            gateway: self.gateway.gateway()?,
            name: self.name.value.clone(),
            enrollment: self.enrollment()?,
            state_dir: self.state.value.clone(),
            runtime: self.runtime()?,
            poll_every: self.poll.value.0,
            grace: self.grace.value.0,
        })
    }

    fn enrollment(&self) -> Result<Option<TokenSource>> {
        match (secret_of_environment(ENROLLMENT_TOKEN), &self.token_file.value) {
            (Some(token), _) => Ok(Some(TokenSource::Given(token))),
            (None, Some(path)) if path.as_os_str() == "-" => {
                let mut token = String::new();
                std::io::stdin().read_to_string(&mut token).context("cannot read stdin")?;
                Ok(Some(TokenSource::Given(Secret::new(&token))))
            }
            (None, Some(path)) => Ok(Some(TokenSource::File(path.clone()))),
            (None, None) => Ok(None),
        }
    }

    fn runtime(&self) -> Result<Arc<dyn Runtime>> {
        match (self.runtime.value, self.exec.value.as_deref()) {
            (RuntimeKind::Builtin, _) => Ok(Arc::new(Builtin { pause: self.pause.value.0 })),
            (RuntimeKind::Process, Some([program, arguments @ ..])) => Ok(Arc::new(Process {
                program: program.into(),
                arguments: arguments.iter().map(OsString::from).collect(),
                directory: None,
                limits: ProcessLimits {
                    time: self.time_limit.value.map(|limit| limit.0),
                    ..ProcessLimits::default()
                },
            })),
            (RuntimeKind::Process, Some([]) | None) => {
                Err(Failure::usage("the runtime is `process`, and no program is given")
                    .next("give one with --exec PROGRAM ARGS…, or choose --runtime builtin")
                    .into())
            }
        }
    }
}

/// The variable that may hold the enrollment token.
pub(crate) const ENROLLMENT_TOKEN: &str = "EDGE_LEDGER_ENROLLMENT_TOKEN";

fn secret_of_environment(name: &str) -> Option<Secret> {
    let secret = std::env::var(name).ok().filter(|secret| !secret.trim().is_empty())?;
    Some(Secret::new(&secret))
}

fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

pub(crate) fn run(args: AgentArgs, context: &Context) -> Result<Exit> {
    let logs = args.logs.clone().settle(&context.file);
    let with_parent = args.with_parent;
    let config = args.settle(&context.file).config()?;
    let watch = watch::Watch::begin();
    logs.begin(watch.writer(), logs::may_be_colored())?;
    tracing::info!(
        gateway = %config.gateway.url(),
        name = config.name,
        state = %config.state_dir.display(),
        "the agent begins"
    );
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run_until_signalled(config, watch.observer()) => ended,
            () = parent_gone(with_parent) => Err(AgentError::Interrupted),
        }
    });
    watch.end();
    // Whatever still computes is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended.map(|()| Exit::Ok).map_err(|error| explain(&error))
}

/// Says what to do about an agent that cannot go on.
fn explain(error: &AgentError) -> Error {
    let failure = Failure::new(exit_of(error), chain(error));
    match error {
        AgentError::NotRegistered(NotRegistered::NoToken) => failure
            .next("give it in EDGE_LEDGER_ENROLLMENT_TOKEN, or in a file with --token-file FILE")
            .into(),
        // The others say it themselves.
        AgentError::NotRegistered(_)
        | AgentError::State(_)
        | AgentError::Transport(_)
        | AgentError::Unauthorized { .. }
        | AgentError::Forbidden { .. }
        | AgentError::Signals(_)
        | AgentError::Broken(_)
        | AgentError::Interrupted
        | _ => failure.into(),
    }
}

/// Returns how a command ends when its agent cannot go on.
fn exit_of(error: &AgentError) -> Exit {
    match error {
        AgentError::State(StateError::InUse { .. }) => Exit::Unavailable,
        AgentError::NotRegistered(NotRegistered::NoToken) => Exit::Usage,
        AgentError::NotRegistered(
            NotRegistered::TokenRefused { .. }
            | NotRegistered::NumbersTaken { .. }
            | NotRegistered::Refused { .. },
        )
        | AgentError::Unauthorized { .. }
        | AgentError::Forbidden { .. } => Exit::Refused,
        AgentError::Interrupted => Exit::Interrupted,
        AgentError::State(_)
        | AgentError::NotRegistered(_)
        | AgentError::Transport(_)
        | AgentError::Signals(_)
        | AgentError::Broken(_)
        | _ => Exit::Failure,
    }
}
