//! `log show`: what happened, event by event.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Journal, JournalReader, Position};
use edge_ledger_wire::operator::Event;

use crate::{
    events,
    exit::Exit,
    journal,
    output::{Output, Progress, note},
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

/// How many rows are fitted together.
const PAGE: usize = 1_000;

pub(super) fn run(args: ShowArgs, data: &Path, output: Output) -> Result<Exit> {
    let journal = journal::open(data)?;
    let mut progress = Progress::new("commits");
    let mut page = events::table();
    let mut left = args.limit.unwrap_or(usize::MAX);
    let mut shown = false;
    for commit in journal.reader().read(Position::new(args.after)) {
        let commit = commit?;
        progress.add(1);
        let wanted = commit.envelopes().map(Event::from).filter(|event| args.wants(event));
        for event in wanted.take(left) {
            shown = true;
            left -= 1;
            match output.is_json() {
                true => output.json_line(&event)?,
                false => page.row(events::row(&event)),
            }
        }
        if page.len() >= PAGE {
            output.table(&std::mem::replace(&mut page, events::table()), "")?;
        }
        if left == 0 {
            break;
        }
    }
    drop(progress);
    match shown {
        false => note("nothing happened there"),
        true if page.is_empty() => {}
        true => output.table(&page, "")?,
    }
    Ok(Exit::Ok)
}

impl ShowArgs {
    fn wants(&self, event: &Event) -> bool {
        event.position > self.after
            && self.task.as_deref().is_none_or(|task| events::is_about_task(event, task))
            && self.edge.as_deref().is_none_or(|edge| events::involves_edge(event, edge))
    }
}
