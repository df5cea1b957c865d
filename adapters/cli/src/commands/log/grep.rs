//! `log grep`: the events that something can be said of.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Commit, EdgeId, Envelope, Position, TaskId, Timestamp, past::Moment};
use edge_ledger_wire::operator::Event;

use crate::{
    about,
    events::{self, Lines},
    exit::Exit,
    output::{Output, Progress},
    source::Source,
};

/// Show the events that meet every condition given, as `log show` does.
///
/// Ends with 3 if there is none.
#[derive(Debug, Args)]
pub(crate) struct GrepArgs {
    /// A text that stands in what `log show` shows of the event.
    pattern: Option<String>,
    /// Capitals or not, a text is the same.
    #[arg(long, short)]
    ignore_case: bool,
    /// What is about this task.
    #[arg(long, value_name = "TASK")]
    task: Option<TaskId>,
    /// What is about this edge, names it, or was caused by it.
    #[arg(long, value_name = "EDGE")]
    edge: Option<EdgeId>,
    /// Events of this name, as in `task.leased` or `task.*`; may be given again.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// From this position or time on.
    #[arg(long, value_name = "POSITION|TIME")]
    since: Option<Moment>,
    /// Up to this position or time, and with it.
    #[arg(long, value_name = "POSITION|TIME")]
    until: Option<Moment>,
    /// Show so many events at most.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

pub(super) fn run(args: &GrepArgs, data: &Path, output: Output) -> Result<Exit> {
    let source = Source::open(data)?;
    let mut progress = Progress::new("commits");
    let mut lines = Lines::new(output);
    let mut left = args.limit.unwrap_or(usize::MAX);
    for commit in source.commits(args.after())? {
        let commit = commit?;
        progress.add(1);
        if args.is_over(&commit) || left == 0 {
            break;
        }
        let wanted = commit.envelopes().filter(|envelope| args.wants(&commit, envelope));
        for event in wanted.map(Event::from).filter(|event| args.reads(event)).take(left) {
            left -= 1;
            lines.add(&event)?;
        }
    }
    drop(progress);
    match lines.finish()? {
        0 => Ok(Exit::NotFound),
        _ => Ok(Exit::Ok),
    }
}

impl GrepArgs {
    /// The position behind which to begin.
    fn after(&self) -> Position {
        match self.since {
            Some(Moment::Position(first)) => Position::new(first.get().saturating_sub(1)),
            Some(Moment::Time(_)) | None => Position::START,
        }
    }

    /// Whether nothing that is wanted comes any more.
    fn is_over(&self, commit: &Commit) -> bool {
        match self.until {
            Some(Moment::Position(last)) => commit.after >= last,
            Some(Moment::Time(last)) => commit.recorded_at > last,
            None => false,
        }
    }

    fn wants(&self, commit: &Commit, envelope: &Envelope<'_>) -> bool {
        let Envelope { position, recorded_at, event, .. } = envelope;
        let named = |name: &String| match name.strip_suffix('*') {
            Some(begin) => event.name().starts_with(begin),
            None => event.name() == name,
        };
        let involves = |id| about::edge(event) == Some(id) || about::sender(commit) == Some(id);
        since(self.since, *position, *recorded_at)
            && until(self.until, *position, *recorded_at)
            && (self.events.is_empty() || self.events.iter().any(named))
            && self.task.as_ref().is_none_or(|id| about::tasks(event).contains(id))
            && self.edge.is_none_or(involves)
    }

    fn reads(&self, event: &Event) -> bool {
        match &self.pattern {
            None => true,
            Some(pattern) if self.ignore_case => {
                events::text_of(event).to_lowercase().contains(&pattern.to_lowercase())
            }
            Some(pattern) => events::text_of(event).contains(pattern),
        }
    }
}

fn since(moment: Option<Moment>, position: Position, recorded_at: Timestamp) -> bool {
    match moment {
        None => true,
        Some(Moment::Position(first)) => first <= position,
        Some(Moment::Time(first)) => first <= recorded_at,
    }
}

fn until(moment: Option<Moment>, position: Position, recorded_at: Timestamp) -> bool {
    match moment {
        None => true,
        Some(Moment::Position(last)) => position <= last,
        Some(Moment::Time(last)) => recorded_at <= last,
    }
}
