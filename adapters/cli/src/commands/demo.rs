//! `demo`: the whole house at work, on real prices, with a death on the way.

mod play;
mod prices;
mod report;
mod scene;
mod stage;
mod tasks;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_wire::operator::SubmitAnswer;
use serde_json::json;

use crate::{
    client::wait,
    context::Context,
    exit::{Exit, Failure},
    interrupt::Interrupts,
    output::{Output, note},
};
use play::{Takeover, play};
use report::Report;
use stage::Stage;
use watch::Watch;

/// See it work: a gateway, three agents, thousands of back-tests over S&P 500 closes, one death.
///
/// Starts a gateway on a free port and three agents, all processes of their own. Part way one agent
/// is killed at work; its task goes stale, and another agent takes it under a higher fence. In the
/// end the gateway is killed too, and the ledger rebuilt from its log is compared with the one that
/// was live. Takes less than a minute.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Leave everything where it is in the end, and say how to look further.
    #[arg(long)]
    keep: bool,
    /// Record every decision of the gateway to this file, for `replay --decisions`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(crate) fn run(args: DemoArgs, context: &Context) -> Result<Exit> {
    let root = tempfile::Builder::new().prefix("edge-ledger-demo-").tempdir()?;
    let outcome = wait(async {
        let mut interrupts = Interrupts::listen()?;
        tokio::select! {
            outcome = demonstrate(root.path(), args.record.as_deref(), context.output) => outcome,
            () = interrupts.next() => Err(Failure::new(Exit::Interrupted, "interrupted").into()),
        }
    });
    match outcome {
        Ok(takeover) => {
            if args.keep {
                look_further(&root.keep(), &takeover);
            }
            Ok(Exit::Ok)
        }
        Err(error) => match args.keep {
            true => Err(error.context(format!("everything is in {}", root.keep().display()))),
            false => Err(error),
        },
    }
}

async fn demonstrate(root: &Path, record: Option<&Path>, output: Output) -> Result<Takeover> {
    let tasks = tasks::all()?;
    let total = tasks.iter().filter_map(|task| task["trials"].as_u64()).sum();
    let mut watch = Watch::begin(total);
    let mut stage = Stage::set(root, record).await.context("the stage could not be set")?;
    watch.tell(&format!("a gateway listens on {}", stage.url()));

    let answer = stage.client.post(&["tasks"], &json!({ "tasks": tasks })).await?;
    let submitted = answer.read::<SubmitAnswer>()?.tasks.len();
    watch.tell(&format!("{submitted} tasks are submitted, {total} configurations"));
    let (scene, takeover) = play(&mut stage, &mut watch, submitted).await?;
    let report = Report::of(&mut stage, &stage::data(root), &scene, &takeover).await?;
    watch.end();
    report.show(output)?;
    note(&format!("\nAll of it took {:.1} s.", watch.elapsed().as_secs_f64()));
    Ok(takeover)
}

fn look_further(root: &Path, takeover: &Takeover) {
    let data = stage::data(root);
    let data = data.display();
    let Takeover { stale_at, second, .. } = takeover;
    note(&format!(
        "\
Everything is in {root}. Look further:

  edge-ledger log show --data {data} --task {large}
  edge-ledger log verify --data {data}
  edge-ledger liveness --data {data} --at {stale_at}
  edge-ledger liveness --data {data} --at {fence}    # a fence is a position
  edge-ledger serve --data {data}",
        root = root.display(),
        large = tasks::LARGE,
        fence = second.fence,
    ));
}
