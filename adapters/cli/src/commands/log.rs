//! `log`: the log of a data directory, without a server.

mod convert;
mod cut;
mod diff;
mod export;
mod grep;
mod import;
mod show;
mod stats;
mod verify;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{
    config::{Setting, default_data},
    context::Context,
    exit::Exit,
};

/// Look at the log of a data directory that no gateway has open.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Verify(verify::VerifyArgs),
    Convert(convert::ConvertArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Grep(grep::GrepArgs),
    Cut(cut::CutArgs),
    Diff(diff::DiffArgs),
}

/// Where the ledger is.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataArgs {
    /// The directory of the ledger [default: edge-ledger/data under $XDG_STATE_HOME, which is
    /// usually ~/.local/state].
    #[arg(long, global = true, env = "EDGE_LEDGER_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

impl DataArgs {
    /// Settles where the ledger is.
    pub(crate) fn settle(self, context: &Context) -> Setting<PathBuf> {
        Setting::settle("data", self.data, context.file.data.clone(), default_data)
    }
}

pub(crate) fn run(args: LogArgs, context: &Context) -> Result<Exit> {
    let data = args.data.settle(context).value;
    match args.command {
        LogCommand::Show(args) => show::run(args, &data, context.output),
        LogCommand::Stats(args) => stats::run(args, &data, context),
        LogCommand::Verify(args) => verify::run(args, &data, context.output),
        LogCommand::Convert(args) => convert::run(&args, &data, context.output),
        LogCommand::Export(args) => export::run(&args, &data, context.output),
        LogCommand::Import(args) => import::run(&args, &data, context.output),
        LogCommand::Grep(args) => grep::run(&args, &data, context.output),
        LogCommand::Cut(args) => cut::run(&args, &data, context.output),
        LogCommand::Diff(args) => diff::run(&args, context.output),
    }
}
