//! `task`: work leased to one edge at a time.

mod act;
mod look;
mod rows;
mod submit;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{
    client::{OperatorArgs, wait},
    context::Context,
    exit::Exit,
};

/// Submit tasks, look at them, and step in.
#[derive(Debug, Args)]
pub(crate) struct TaskArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(subcommand)]
    command: TaskCommand,
}

#[derive(Debug, Subcommand)]
enum TaskCommand {
    Submit(submit::SubmitArgs),
    List(look::ListArgs),
    Show(look::ShowArgs),
    Why(look::WhyArgs),
    Results(rows::ResultsArgs),
    Late(rows::LateArgs),
    Adopt(act::AdoptArgs),
    Cancel(act::CancelArgs),
    Retry(act::RetryArgs),
    Reassign(act::ReassignArgs),
}

pub(crate) fn run(args: TaskArgs, context: &Context) -> Result<Exit> {
    let client = args.operator.settle(context).client()?;
    let output = context.output;
    wait(async {
        match args.command {
            TaskCommand::Submit(args) => submit::run(&args, &client, output).await,
            TaskCommand::List(args) => look::list(&args, &client, output).await,
            TaskCommand::Show(args) => look::show(&args, &client, output).await,
            TaskCommand::Why(args) => look::why(&args, &client, output).await,
            TaskCommand::Results(args) => rows::results(&args, &client, output).await,
            TaskCommand::Late(args) => rows::late(&args, &client, output).await,
            TaskCommand::Adopt(args) => act::adopt(&args, &client, output).await,
            TaskCommand::Cancel(args) => act::cancel(&args, &client, output).await,
            TaskCommand::Retry(args) => act::retry(&args, &client, output).await,
            TaskCommand::Reassign(args) => act::reassign(&args, &client, output).await,
        }
    })
}
