//! Cuts the power during workloads.
use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use edge_ledger_power::{Exploration, explore, workloads};

/// Cut the power during workloads, and look what they have kept.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a workload in a directory.
    Run { workload: String, directory: PathBuf },
    /// Check what a cut has left in a directory, against what was said until then.
    Check {
        workload: String,
        directory: PathBuf,
        #[arg(long)]
        said: PathBuf,
    },
    /// Cut a workload many times.
    Cut {
        workload: String,
        /// How often.
        #[arg(long, default_value_t = 200)]
        cuts: usize,
        /// What chance follows from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where to put the first state that breaks a promise.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().verb {
        Verb::Run { workload, directory } => (named(&workload)?.run)(&directory)?,
        Verb::Check { workload, directory, said } => {
            let said = fs::read_to_string(said)?;
            let said: Vec<_> = said.lines().map(str::to_owned).collect();
            (named(&workload)?.check)(&directory, &said)?;
        }
        Verb::Cut { workload, cuts, seed, keep } => {
            let program = std::env::current_exe()?;
            let workload = named(&workload)?;
            let explored = explore(&Exploration { program, workload, cuts, seed, keep })?;
            print(&explored);
            if !explored.failed.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn named(name: &str) -> Result<workloads::Workload> {
    workloads::named(name).with_context(|| {
        let names: Vec<_> = workloads::WORKLOADS.iter().map(|workload| workload.name).collect();
        format!("there is no workload {name:?}, but {}", names.join(", "))
    })
}

#[expect(clippy::print_stdout, reason = "it is what somebody asked to see")]
fn print(explored: &edge_ledger_power::Explored) {
    println!("{} states, {} break a promise", explored.states, explored.failed.len());
    for (kind, count) in &explored.kinds {
        println!("  {count:>5} {kind}");
    }
    for failed in explored.failed.iter().take(20) {
        println!("{failed}");
    }
}
