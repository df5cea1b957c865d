//! What a durable write costs here, without us and with us: the yardsticks of every other figure.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use edge_ledger_core::{
    Cause, Commit, Event, Journal as _, Position, Principal, Timestamp, lifecycle,
};
use edge_ledger_engine::mint;
use serde::Serialize;

use super::tally::{Spans, Summary};
use crate::{
    journal,
    store::{AnyJournal, Kind},
};

/// Measures a disk again and again, between the parts of a benchmark.
#[derive(Debug)]
pub(super) struct Disk {
    raw: File,
    raw_path: PathBuf,
    journal: AnyJournal,
    head: Position,
    raw_spans: Spans,
    journal_spans: Spans,
    medians: Vec<Duration>,
}

/// What a durable write costs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Yardstick {
    /// Appending 300 bytes to a file and `fdatasync`.
    pub(super) fdatasync: Summary,
    /// One lone small append through the journal, which is durable when it returns.
    pub(super) journal_sync: Summary,
    /// The median of a lone append in each of the samples taken during the run, in order: how
    /// steady the disk was.
    pub(super) journal_sync_p50_us_over_time: Vec<f64>,
}

/// How many writes a sample has.
const SAMPLE: u32 = 200;
/// About what a small commit takes.
const SMALL: [u8; 300] = [b'.'; 300];

impl Disk {
    /// Prepares to measure the disk under a directory, with a store that keeps a journal on it.
    pub(super) fn under(directory: &Path, store: Kind) -> Result<Self> {
        let mut journal = journal::open_in(&directory.join("probe"), store)?;
        let opened = lifecycle::Event::Opened { epoch: lifecycle::Epoch(0) };
        journal.append(&[commit(Position::START, opened)])?;
        let raw_path = directory.join("probe").join("raw");
        let raw = OpenOptions::new().create(true).append(true).open(&raw_path);
        let raw = raw.with_context(|| format!("cannot write {}", raw_path.display()))?;
        let (raw_spans, journal_spans) = (Spans::default(), Spans::default());
        let head = Position::new(1);
        Ok(Self { raw, raw_path, journal, head, raw_spans, journal_spans, medians: vec![] })
    }

    /// Takes a sample of both yardsticks, in turns.
    pub(super) fn sample(&mut self) -> Result<()> {
        let mut sample = Spans::default();
        for _ in 0..SAMPLE {
            let began = Instant::now();
            self.raw
                .write_all(&SMALL)
                .and_then(|()| self.raw.sync_data())
                .with_context(|| format!("cannot write {}", self.raw_path.display()))?;
            self.raw_spans.note(began.elapsed());

            let ticked = commit(self.head, lifecycle::Event::Ticked);
            let began = Instant::now();
            self.journal.append(&[ticked])?;
            let took = began.elapsed();
            self.head = self.head.plus(1);
            self.journal_spans.note(took);
            sample.note(took);
        }
        self.medians.push(sample.percentile(50.0));
        Ok(())
    }

    /// Returns what was measured.
    pub(super) fn yardstick(&self) -> Yardstick {
        Yardstick {
            fdatasync: self.raw_spans.summary(),
            journal_sync: self.journal_spans.summary(),
            journal_sync_p50_us_over_time: self
                .medians
                .iter()
                .map(|median| super::tally::micros(*median))
                .collect(),
        }
    }
}

fn commit(after: Position, what: lifecycle::Event) -> Commit {
    let cause =
        Cause { command: mint::command_id(), principal: Principal::System, idempotency: None };
    let recorded_at = Timestamp::from_millis(1_700_000_000_000);
    Commit { after, recorded_at, cause, events: vec![Event::Ledger(what)] }
}
