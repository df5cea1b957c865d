//! `log show`: what happened, event by event.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use edge_ledger_core::Position;
use edge_ledger_wire::operator::Event;

use crate::{
    events::{self, Lines},
    exit::Exit,
    output::{Output, Progress},
    source::Source,
};

/// Show what happened, event by event.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Begin behind this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// Show so many events at most.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Show only what is about this task.
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Show only what is about this edge, or was caused by it.
    #[arg(long, value_name = "EDGE")]
    edge: Option<String>,
}

pub(super) fn run(args: ShowArgs, data: &Path, output: Output) -> Result<Exit> {
    let source = Source::open(data)?;
    let mut progress = Progress::new("commits");
    let mut lines = Lines::new(output);
    let mut left = args.limit.unwrap_or(usize::MAX);
    for commit in source.commits(Position::new(args.after))? {
        let commit = commit?;
        progress.add(1);
        let wanted = commit.envelopes().map(Event::from).filter(|event| args.wants(event));
        for event in wanted.take(left) {
            left -= 1;
            lines.add(&event)?;
        }
        if left == 0 {
            break;
        }
    }
    drop(progress);
    lines.finish()?;
    Ok(Exit::Ok)
}

impl ShowArgs {
    fn wants(&self, event: &Event) -> bool {
        event.position > self.after
            && self.task.as_deref().is_none_or(|task| events::is_about_task(event, task))
            && self.edge.as_deref().is_none_or(|edge| events::involves_edge(event, edge))
    }
}
