//! Cuts the power during workloads.
use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use edge_ledger_power::{
    Exploration, explore, perform,
    workloads::{self, CONTROL, WORKLOADS},
};

/// Cut the power during workloads, and look what they have kept.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// What is asked for, beside `run` and `check`, which are for the harness.
#[derive(Debug, Subcommand)]
enum Verb {
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
    let each: Vec<_> = WORKLOADS.iter().chain([&CONTROL]).copied().collect();
    if let Some(performed) = perform(&each) {
        return performed.map(|()| ExitCode::SUCCESS);
    }
    let Verb::Cut { workload, cuts, seed, keep } = Arguments::parse().verb;
    let program = std::env::current_exe()?;
    let workload = workloads::named(&workload).with_context(|| {
        let names: Vec<_> = each.iter().map(|workload| workload.name).collect();
        format!("there is no workload {workload:?}, but {}", names.join(", "))
    })?;
    let explored = explore(&Exploration { program, workload, cuts, seed, keep })?;
    print(&explored);
    Ok(if explored.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
