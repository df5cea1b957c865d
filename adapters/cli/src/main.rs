//! Gateway, agent and command line of an edge-ledger, in one binary.
//!
//! A command is a file under `commands`, from its flags to what it prints. Data goes to stdout,
//! everything for people to stderr, and the exit code says how it ended.

mod about;
mod backup;
mod child;
mod chronicle;
mod cli;
mod client;
mod commands;
mod config;
mod context;
mod copy;
mod events;
mod exit;
mod half;
mod interrupt;
mod journal;
mod labels;
mod logs;
mod outfile;
mod output;
mod parent;
mod source;
mod store;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// What one thread decodes or decides, another lets go of, by the million: the system's allocator
/// makes a replay half as fast.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let outcome = cli::Cli::parse().run();
    outcome.unwrap_or_else(|error| exit::report(&error)).into()
}
