//! `replay`: what logs fold to, whether that is what they folded to then, and whether the same
//! would be decided again.

mod decisions;
mod expected;
mod folded;
mod place;
mod report;
mod source;
mod watch;

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::Result;
use clap::{ArgGroup, Args};
use edge_ledger_core::past::Moment;

use crate::{
    context::Context,
    exit::{Exit, Failure},
};
use expected::Wanted;
use folded::Told;
use watch::Watch;

/// Fold logs, many at once, and show what they come to.
///
/// A log is a data directory that no gateway has open, an archive, an export, a backup, or a file
/// of commits as those in fixtures/logs; of any other directory, all logs below it. Ends with exit code 1 if a log cannot
/// be folded, or differs from what is expected of it; the first difference is shown.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["logs", "decisions"]))]
pub(crate) struct ReplayArgs {
    /// The logs.
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Stop just after the commit at this position, or with what was recorded by this time, as in
    /// 2026-01-31T09:14:00Z.
    #[arg(long, value_name = "POSITION|TIME")]
    at: Option<Moment>,
    /// Compare what the log comes to with this snapshot.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "at")]
    expect: Option<PathBuf>,
    /// Compare what each log comes to with the snapshot beside it, LOG.snapshot.json; fail for a
    /// log that has none, and for a snapshot whose log is gone.
    #[arg(long, conflicts_with_all = ["at", "expect"])]
    expect_all: bool,
    /// Write, beside each log that has none, the snapshot of what it comes to.
    #[arg(long, conflicts_with_all = ["at", "expect", "expect_all"])]
    write_snapshots: bool,
    /// Decide again, on this build, every command of this file that a gateway recorded with
    /// `serve --record`, and show each decision that comes to something else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["logs", "at", "expect", "expect_all", "write_snapshots"])]
    decisions: Option<PathBuf>,
    /// The log that the decisions belong to, if they do not begin with its first event.
    #[arg(long, value_name = "LOG", requires = "decisions")]
    log: Option<PathBuf>,
}

pub(crate) fn run(args: ReplayArgs, context: &Context) -> Result<Exit> {
    if let Some(file) = &args.decisions {
        return decisions::run(file, args.log.as_deref(), context.output);
    }
    let found = place::find(&args.logs)?;
    let wanted = args.wanted(&found)?;
    let told = fold_all(&found.logs, args.at, &wanted);
    let missing = if args.expect_all { found.without_log } else { vec![] };
    report::show(&told, &missing, context.output)
}

impl ReplayArgs {
    fn wanted(&self, found: &place::Found) -> Result<Wanted> {
        match &self.expect {
            Some(_) if found.logs.len() != 1 => {
                let told = format!("{} logs are there for one snapshot", found.logs.len());
                let next = "name one log, or compare each with its own by --expect-all";
                Err(Failure::usage(told).next(next).into())
            }
            Some(snapshot) => Ok(Wanted::This(snapshot.clone())),
            None if self.expect_all => Ok(Wanted::Beside),
            None if self.write_snapshots => Ok(Wanted::Written),
            None => Ok(Wanted::Nothing),
        }
    }
}

/// Folds logs, as many at once as there are processors, and returns what came of each, in order.
fn fold_all(logs: &[PathBuf], at: Option<Moment>, wanted: &Wanted) -> Vec<Told> {
    let watch = Watch::begin(logs.len());
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::with_capacity(logs.len()));
    let work = || {
        while let Some(log) = logs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = fold_one(log, at, wanted, &watch);
            told.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 1..processors.min(logs.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    told.sort_by_key(|one| logs.iter().position(|log| *log == one.log));
    told
}

fn fold_one(log: &Path, at: Option<Moment>, wanted: &Wanted, watch: &Watch) -> Told {
    let outcome = folded::fold(log, at, wanted.is_attentive(), watch);
    let outcome = outcome.and_then(|folded| Ok((wanted.compare(log, &folded)?, folded)));
    watch.done();
    Told { log: log.to_owned(), outcome }
}
