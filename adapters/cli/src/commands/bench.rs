//! `bench`: how fast this ledger is on this machine, every answer durable, beside what the disk
//! would allow.

mod beats;
mod caller;
mod connection;
mod cpu;
mod disk;
mod drive;
mod history;
mod load;
mod local;
mod past;
mod remote;
mod report;
mod tally;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use tempfile::TempDir;

use crate::{
    client::{TOKEN, Token, wait},
    context::Context,
    exit::{Exit, Failure},
    interrupt::Interrupts,
    store::Kind,
};
use beats::BeatsArgs;
use drive::Work;
use load::LoadArgs;
use past::{GrowthArgs, PastArgs};

/// Measure how fast this ledger is on this machine, every answer durable.
///
/// Works on a fresh ledger in a temporary directory, in this very process or behind a gateway of
/// its own, and measures the disk in the same run. docs/BENCHMARK.md says what each figure means.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    workload: Workload,
}

/// Where the ledger is that is measured.
#[derive(Clone, Debug, Args)]
struct PlaceArgs {
    /// What is measured [default: http].
    #[arg(long, global = true, value_name = "TARGET")]
    target: Option<TargetKind>,
    /// Measure the gateway that listens there instead of one of our own. Its ledger keeps what the
    /// benchmark makes: edges, tasks and events.
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Read that gateway's operator's token from this file [default: from EDGE_LEDGER_TOKEN].
    #[arg(long, global = true, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    /// What keeps the ledger [default: sled].
    #[arg(long, global = true, value_name = "STORE", conflicts_with = "url")]
    store: Option<Kind>,
    /// Make the temporary directory in this one: the disk under it is what is measured.
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetKind {
    /// The gateway, over keep-alive connections.
    Http,
    /// The engine and its journal, in this very process.
    InProcess,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Lease a task, start it and complete it: three durable answers each. Tasks are submitted
    /// beforehand, while nothing is measured.
    Pairs(LoadArgs),
    /// Submit tasks.
    Submit(LoadArgs),
    /// The same as `pairs` by a single caller: what one durable answer takes.
    Lone(LoadArgs),
    /// Many edges that poll and report at their own pace, as idle edges do.
    Beats(BeatsArgs),
    /// Read a long journal, decode it and fold it.
    Replay(PastArgs),
    /// Start a gateway with a long past behind it, until it answers.
    Start(PastArgs),
    /// Measure pairs over ever longer pasts.
    Growth(GrowthArgs),
}

pub(crate) fn run(args: BenchArgs, context: &Context) -> Result<Exit> {
    let place = args.place.settle()?;
    wait(async {
        let mut interrupts = Interrupts::listen()?;
        let measure = async {
            match args.workload {
                Workload::Pairs(args) => {
                    load::run("pairs", Work::Pair, args, &place, context).await
                }
                Workload::Submit(args) => {
                    let work = Work::Submit { batch: args.batch() };
                    load::run("submit", work, args, &place, context).await
                }
                Workload::Lone(args) => {
                    load::run("lone", Work::Pair, args.alone()?, &place, context).await
                }
                Workload::Beats(args) => beats::run(args, &place, context).await,
                Workload::Replay(args) => past::replay(&args, &place, context),
                Workload::Start(args) => past::start(&args, &place, context).await,
                Workload::Growth(args) => past::growth(&args, &place, context).await,
            }
        };
        tokio::select! {
            outcome = measure => outcome,
            () = interrupts.next() => Err(Failure::new(Exit::Interrupted, "interrupted").into()),
        }
    })?;
    Ok(Exit::Ok)
}

/// Where the ledger is that is measured, settled.
#[derive(Debug)]
struct Place {
    directory: TempDir,
    target: TargetChoice,
    /// What keeps a ledger of our own, and what measures the disk.
    store: Kind,
}

#[derive(Debug)]
enum TargetChoice {
    InProcess,
    OwnGateway,
    Running { url: String, token: Token },
}

impl PlaceArgs {
    fn settle(self) -> Result<Place> {
        let target = match (self.target, self.url) {
            (Some(TargetKind::InProcess), None) => TargetChoice::InProcess,
            (Some(TargetKind::Http) | None, None) => TargetChoice::OwnGateway,
            (Some(TargetKind::Http) | None, Some(url)) => {
                TargetChoice::Running { url, token: operator_token(self.token_file.as_deref())? }
            }
            (Some(TargetKind::InProcess), Some(url)) => {
                let told = format!("--target in-process has no gateway, and --url names {url}");
                return Err(Failure::usage(told).next("leave one of the two out").into());
            }
        };
        let directory = tempfile::Builder::new()
            .prefix("edge-ledger-bench-")
            .tempdir_in(&self.dir)
            .with_context(|| format!("cannot make a directory in {}", self.dir.display()))?;
        Ok(Place { directory, target, store: self.store.unwrap_or(Kind::Sled) })
    }
}

impl Place {
    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns what keeps the ledger that is measured, if that is ours to say.
    const fn store(&self) -> Option<Kind> {
        match self.target {
            TargetChoice::InProcess | TargetChoice::OwnGateway => Some(self.store),
            TargetChoice::Running { .. } => None,
        }
    }

    /// Refuses a ledger that is not ours to fill with a made-up past.
    fn is_our_own(&self, workload: &str) -> Result<()> {
        match &self.target {
            TargetChoice::InProcess | TargetChoice::OwnGateway => Ok(()),
            TargetChoice::Running { url, .. } => {
                let told = format!("{workload} makes a past of its own, and --url names {url}");
                Err(Failure::usage(told).next("leave --url out").into())
            }
        }
    }
}

/// Returns the token of a gateway that somebody named: never one that merely lies about here.
fn operator_token(file: Option<&Path>) -> Result<Token> {
    if let Some(file) = file {
        return Token::read(file);
    }
    match std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty()) {
        Some(token) => Ok(Token::new(&token)),
        None => Err(Failure::usage(format!("no operator's token: {TOKEN} is not set"))
            .next("set it, or name a file with --token-file")
            .into()),
    }
}
