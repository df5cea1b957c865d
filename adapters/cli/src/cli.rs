//! The tree of commands.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::{
    commands::{
        agent, backup, bench, bisect, completions, config, demo, edge, liveness, log, replay,
        restore, serve, task, token, what_if,
    },
    config::File,
    context::Context,
    exit::{self, Exit},
    output::Output,
};

/// A ledger of edges and of tasks leased to them: gateway, agent and command line.
#[derive(Debug, Parser)]
#[command(name = "edge-ledger", version, after_help = exit::CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
struct Global {
    /// Take settings from this TOML file, where flags and environment do not say otherwise.
    #[arg(long, global = true, env = "EDGE_LEDGER_CONFIG", value_name = "FILE")]
    #[arg(help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Agent(agent::AgentArgs),
    Demo(demo::DemoArgs),
    Task(task::TaskArgs),
    Edge(edge::EdgeArgs),
    Token(token::TokenArgs),
    Log(log::LogArgs),
    Liveness(liveness::LivenessArgs),
    Replay(replay::ReplayArgs),
    WhatIf(what_if::WhatIfArgs),
    Bisect(bisect::BisectArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Bench(bench::BenchArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Fails as the command does; [`exit::report`] knows what to tell of it.
    pub(crate) fn run(self) -> Result<Exit> {
        let file = File::read(self.global.config.as_deref())?;
        let context = Context { file, output: Output::new(self.global.json) };
        match self.command {
            Command::Serve(args) => serve::run(args, &context),
            Command::Agent(args) => agent::run(args, &context),
            Command::Demo(args) => demo::run(args, &context),
            Command::Task(args) => task::run(args, &context),
            Command::Edge(args) => edge::run(args, &context),
            Command::Token(args) => token::run(args, &context),
            Command::Log(args) => log::run(args, &context),
            Command::Liveness(args) => liveness::run(args, &context),
            Command::Replay(args) => replay::run(args, &context),
            Command::WhatIf(args) => what_if::run(args, &context),
            Command::Bisect(args) => bisect::run(args, &context),
            Command::Backup(args) => backup::run(args, &context),
            Command::Restore(args) => restore::run(args, &context),
            Command::Bench(args) => bench::run(args, &context),
            Command::Config(args) => config::run(args, &context),
            Command::Completions(args) => completions::run(args, &mut Self::command(), &context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }
}
