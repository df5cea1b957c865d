//! `config`: what the settings are, and where each comes from.

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use super::{agent, serve};
use crate::{
    client,
    config::{Origin, Shown},
    context::Context,
    exit::Exit,
    output::{Cell, Output, Table},
};

/// Look at the settings.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting as commands have it without flags, and where it comes from. Of secrets it
    /// shows only whether they are there.
    Show,
}

pub(crate) fn run(args: ConfigArgs, context: &Context) -> Result<Exit> {
    match args.command {
        ConfigCommand::Show => show(&settings(context), context.output)?,
    }
    Ok(Exit::Ok)
}

/// Every command's settings, from the environment alone.
#[derive(Debug, Parser)]
struct Everything<A: Args> {
    #[command(flatten)]
    args: A,
}

fn settings(context: &Context) -> Vec<Shown> {
    let mut shown = from_environment::<client::OperatorArgs>().settle(context).shown();
    shown.extend(from_environment::<serve::ServeArgs>().settle(context).shown());
    shown.extend(from_environment::<agent::AgentArgs>().settle(&context.file).shown());
    shown.extend([client::TOKEN, agent::ENROLLMENT_TOKEN].map(Shown::secret));
    shown
}

fn from_environment<A: Args>() -> A {
    Everything::<A>::parse_from(["edge-ledger"]).args
}

fn show(settings: &[Shown], output: Output) -> Result<()> {
    if output.is_json() {
        return output.json(&settings);
    }
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for Shown { key, value, from } in settings {
        table.row([
            Cell::new(key),
            match (value.is_null(), value.as_str()) {
                (true, _) => Cell::maybe(None::<&str>),
                (false, Some(text)) => Cell::new(text),
                (false, None) => Cell::new(value),
            },
            match from {
                Origin::Environment => Cell::new("environment").good(),
                Origin::File => Cell::new("file").good(),
                Origin::Default => Cell::new("default"),
            },
        ]);
    }
    output.table(&table, "")
}
