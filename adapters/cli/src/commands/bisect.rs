//! `bisect`: which commit made something true.

mod expression;
mod touches;
mod views;

use std::{iter::once, path::PathBuf};

use anyhow::{Error, Result};
use clap::Args;
use edge_ledger_core::{
    Ledger, Position,
    bisect::{self, Search, SearchError, Turn},
};
use edge_ledger_wire::operator::Event;
use serde::Serialize;

use super::liveness::ThresholdArgs;
use crate::{
    context::Context,
    events,
    exit::{Exit, Failure},
    output::{Output, Progress, note},
    source::{Commits, Source},
};
use expression::{Expression, Fault};

/// Find the commit that made something true of the ledger.
#[derive(Debug, Args)]
#[command(after_help = "\
The expression is in CEL (https://cel.dev), over `position`, `time`, `counts`, `edges[ID]` and
`tasks[ID]`: docs/REPLAYING.md lists what each of them has. For example:

  edge-ledger bisect DATA --first --when \"tasks['job-1'].status == 'FAILED'\"
  edge-ledger bisect DATA --when \"edges['ID'].failures >= 3 && counts.tasks > 100\"

Where something that it names is not there, it is not true.

Without --first the place is found by halving. That is one place where it turns from false to true;
there may be others, earlier ones too, since an expression need not stay true.")]
pub(crate) struct BisectArgs {
    /// The log: a data directory that no gateway has open, an archive, or an export.
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// What is to have become true.
    #[arg(long, value_name = "EXPRESSION")]
    when: String,
    /// Find the first place where it did, by looking at every commit that could matter.
    #[arg(long)]
    first: bool,
    #[command(flatten)]
    thresholds: ThresholdArgs,
}

pub(crate) fn run(args: BisectArgs, context: &Context) -> Result<Exit> {
    let thresholds = args.thresholds.settle(context.file.liveness).thresholds()?;
    let expression = Expression::parse(&args.when, thresholds).map_err(|fault| unfit(&fault))?;
    let source = Source::open(&args.log)?.whole()?;
    let method = if args.first { Method::First } else { Method::Halving };
    let (search, expression) = search(&source, expression, method)?;
    let answer = Answer::of(&search, method, expression.never_there());
    answer.show(context.output)?;
    Ok(if search.turn.is_some() { Exit::Ok } else { Exit::NotFound })
}

/// How the place was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Method {
    First,
    Halving,
}

fn search(
    source: &Source,
    mut expression: Expression,
    method: Method,
) -> Result<(Search, Expression)> {
    let mut progress = Progress::new("commits");
    let found = match method {
        Method::First => {
            let log = source.commits(Position::START)?.inspect(|_| progress.add(1));
            // Both are asked of one expression, which remembers what was not there.
            let expression = std::cell::RefCell::new(&mut expression);
            bisect::first(
                Ledger::default(),
                log,
                |commit| expression.borrow().is_touched_by(commit),
                |ledger| expression.borrow_mut().ask(ledger),
            )
        }
        Method::Halving => {
            let progress = std::cell::RefCell::new(&mut progress);
            let read = |after| -> Commits<'_> {
                match source.commits(after) {
                    Ok(commits) => commits,
                    Err(error) => Box::new(once(Err(error))),
                }
            };
            let read = |after| read(after).inspect(|_| progress.borrow_mut().add(1));
            bisect::halve(Ledger::default(), read, |ledger| expression.ask(ledger))
        }
    };
    drop(progress);
    match found {
        Ok(search) => Ok((search, expression)),
        Err(SearchError::Unreadable(error)) => Err(error),
        Err(SearchError::Unanswerable { at, why }) => {
            let told = format!("there is no answer at position {at}, {why}");
            Err(Failure::usage(told).next(EXPLAIN).into())
        }
        Err(error @ (SearchError::Corrupt(_) | SearchError::Changed(_))) => {
            let next = "run `edge-ledger log verify` to see how far the log is good";
            Err(Failure::new(Exit::Failure, error.to_string()).next(next).into())
        }
    }
}

const EXPLAIN: &str = "docs/REPLAYING.md has what expressions may look at, with examples";

fn unfit(fault: &Fault) -> Error {
    Failure::usage(fault.to_string()).next(EXPLAIN).into()
}

/// What was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    method: Method,
    /// What that method means for the answer.
    meaning: &'static str,
    /// Just after the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
    /// What the commit made happen.
    events: Vec<Event>,
    /// How often the expression was asked.
    asked: u64,
    /// How far the log was folded.
    head: u64,
    /// Whether the expression was true of the empty ledger.
    began_true: bool,
    /// What the expression names, if it was never there where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    never_there: Option<String>,
}

impl Answer {
    fn of(search: &Search, method: Method, never_there: Option<&str>) -> Self {
        let commit = search.turn.as_ref().map(|Turn { commit }| commit);
        let meaning = match (method, commit.is_some()) {
            (Method::First, true) => {
                "every commit that could matter was looked at, from the first on: nowhere before \
                 did it turn true; it need not have stayed so"
            }
            (Method::First, false) => {
                "every commit that could matter was looked at: it never turned true"
            }
            (Method::Halving, true) => {
                "found by halving: it is false just before and true just after; it need not be the \
                 first such place, nor have stayed true (--first finds the first)"
            }
            (Method::Halving, false) => {
                "looked at after 1, 3, 7, 15, … commits and at the end: it was true at none of \
                 these places after it was false; in between it may have been (--first looks \
                 everywhere)"
            }
        };
        Self {
            method,
            meaning,
            position: commit.map(|commit| commit.head().get()),
            recorded_at: commit.map(|commit| commit.recorded_at.to_string()),
            events: commit
                .into_iter()
                .flat_map(|commit| commit.envelopes().map(Event::from))
                .collect(),
            asked: search.asked,
            head: search.head.get(),
            began_true: search.began_true,
            never_there: never_there.map(str::to_owned),
        }
    }

    fn show(&self, output: Output) -> Result<()> {
        if output.is_json() {
            return output.json(self);
        }
        match (self.position, &self.recorded_at) {
            (Some(position), Some(at)) => {
                note(&format!("it turned true at position {position}, of {at}, by this commit:"));
                let mut table = events::table();
                self.events.iter().for_each(|event| table.row(events::row(event)));
                output.table(&table, "")?;
            }
            (_, _) => note(&format!("no place was found, up to position {}", self.head)),
        }
        note(self.meaning);
        if let Some(name) = &self.never_there {
            note(&format!("wherever it was asked, there was no {name}"));
        }
        Ok(())
    }
}
