//! One log, folded.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Error, Result};
use edge_ledger_core::{
    Ledger, Timestamp,
    past::{LogEnd, Moment, Past, PastError},
    replay::Replay,
};

use super::{
    expected::Verdict,
    source::{Log, Reading, Unread},
    watch::Watch,
};
use crate::exit::{Exit, Failure, chain};

/// What came of a log.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) log: PathBuf,
    pub(super) outcome: Result<(Verdict, Folded)>,
}

/// What a log folded to.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) replay: Replay,
    /// The ledger as it was, if that was asked for, and the time to look at it.
    pub(super) past: Option<Past>,
    pub(super) took: Duration,
}

impl Folded {
    /// Returns the ledger, as it is to be shown.
    pub(super) fn ledger(&self) -> &Ledger {
        self.past.as_ref().map_or_else(|| self.replay.ledger(), |past| &past.ledger)
    }

    /// Returns the time as of which it is shown, if it is not the log's end.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.past.as_ref().map(|past| past.as_of)
    }

    /// Returns how many events a second were folded.
    pub(super) fn speed(&self) -> f64 {
        let events = self.ledger().head().get();
        // Both are far below what a float holds exactly.
        events as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Folds a log to its end, or up to a moment.
pub(super) fn fold(
    path: &Path,
    at: Option<Moment>,
    attentive: bool,
    watch: &Watch,
) -> Result<Folded> {
    let began = Instant::now();
    let log = Log::open(path)?;
    watch.expect(log.head()?.get());
    let reading = log.read()?;
    let (replay, past) = match at {
        None => (whole(&log, reading, attentive, watch)?, None),
        Some(at) => {
            let past = past(reading, at, watch)?;
            (Replay::default().starting_with(past.ledger.clone()), Some(past))
        }
    };
    Ok(Folded { replay, past, took: began.elapsed() })
}

fn whole(log: &Log, reading: Reading<'_>, attentive: bool, watch: &Watch) -> Result<Replay> {
    let mut replay = if attentive { Replay::attentive() } else { Replay::default() };
    if let Some(file) = log.file() {
        replay = replay.of_file(file);
    }
    if let Some(base) = reading.base {
        replay = replay.starting_with(base);
    }
    for commit in reading.commits {
        let folded = commit.map_err(|error| chain(&error)).and_then(|commit| {
            watch.folded(commit.events.len() as u64);
            replay.apply(&commit).map_err(|fault| chain(&fault))
        });
        folded.map_err(|told| broken(replay.ledger(), &told))?;
    }
    Ok(replay)
}

fn broken(ledger: &Ledger, told: &str) -> Error {
    let told = format!("it does not fold beyond position {}: {told}", ledger.head());
    Failure::new(Exit::Failure, told).into()
}

fn past(reading: Reading<'_>, at: Moment, watch: &Watch) -> Result<Past> {
    if reading.base.is_some() {
        let told = "its beginning was removed, so it cannot be shown as it was";
        return Err(Failure::new(Exit::Failure, told).into());
    }
    let commits = reading.commits.inspect(|commit| {
        watch.folded(commit.as_ref().map_or(0, |commit| commit.events.len() as u64));
    });
    let past: Result<Past, PastError<Unread>> = Past::at(commits, at, LogEnd::Abandoned);
    past.map_err(|error| Failure::new(Exit::Failure, chain(&error)).into())
}
