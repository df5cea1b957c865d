//! `log stats`: what the log is full of, how it grows, and what retention would free.

mod tally;

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Journal, Millis, Position, Timestamp};
use edge_ledger_journal::{Archive, JournalError, Kept, Retention, StoreReader};
use serde::Serialize;

use super::super::serve::RetentionArgs;
use crate::{
    context::Context,
    exit::Exit,
    journal,
    output::{Cell, Output, Progress, Table},
    store::{AnyJournal, AnyReader},
};
use tally::{Share, Tally};

/// Show what the log is full of: by kind of event, by edge and by day, and what retention would
/// free now.
///
/// Bytes of events are as they are encoded, before they are packed; those of files are on disk.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// How many edges to list: those with the most bytes.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    retention: RetentionArgs,
}

pub(super) fn run(args: StatsArgs, data: &Path, context: &Context) -> Result<Exit> {
    let journal = journal::open(data)?;
    let retention = args.retention.settle(context.file.retention).retention();
    let mut tally = Tally::default();
    let mut progress = Progress::new("events");
    for linked in journal.reader().blocks(Position::START) {
        let block = linked.map_err(|error| journal::explain(&error))?.block;
        let position = block.after();
        let damaged = |damage| journal::explain(&JournalError::Frame { position, damage });
        for commit in block.decode().map_err(damaged)? {
            tally.add(&commit);
            progress.add(commit.events.len() as u64);
        }
    }
    drop(progress);
    let stats = Stats::of(&journal, &tally, &retention, args.top)
        .map_err(|error| journal::explain(&error))?;
    match context.output.is_json() {
        true => context.output.json(&stats)?,
        false => stats.print(context.output)?,
    }
    Ok(Exit::Ok)
}

/// What the log is full of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    head: Position,
    events: u64,
    commits: u64,
    /// Encoded, before they are packed.
    bytes: u64,
    on_disk: OnDisk,
    retention: Freed,
    kinds: Vec<Share>,
    edges: Vec<Share>,
    days: Vec<Share>,
    per_day: Growth,
}

/// How many bytes files take.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OnDisk {
    live: u64,
    archive: u64,
    summaries: u64,
}

/// What retention would do now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Freed {
    /// How many bytes of frames are live.
    held: u64,
    /// How many of them would leave.
    frees: u64,
    /// Up to which position; none if nothing would leave.
    until: Option<Position>,
    /// What an unfinished task needs stays, from here on.
    pinned: Option<Position>,
}

/// How fast the log grows, on an average day between its first commit and its last.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Growth {
    events: u64,
    bytes: u64,
}

impl Stats {
    fn of(
        journal: &AnyJournal,
        tally: &Tally,
        retention: &Retention,
        top: usize,
    ) -> Result<Self, JournalError> {
        let reader = journal.reader();
        let (live, archive) = (reader.store().live(), reader.store().archive());
        let on_disk = OnDisk {
            live: live.disk_bytes()?,
            archive: archive.disk_bytes(),
            summaries: archive.beats_bytes(),
        };
        let total = tally.total();
        let (events, bytes) = (total.events, total.bytes);
        Ok(Self {
            head: journal.link().position,
            events,
            commits: tally.commits(),
            bytes,
            on_disk,
            retention: Freed::of(live, archive, tally.pinned(), retention)?,
            kinds: tally.kinds(),
            edges: tally.edges(top),
            days: tally.days(),
            per_day: Growth { events: tally.per_day(events), bytes: tally.per_day(bytes) },
        })
    }

    fn print(&self, output: Output) -> Result<()> {
        let Self { on_disk, retention, per_day, .. } = self;
        let would = match retention.until {
            Some(until) => format!("{} bytes, up to position {until}", retention.frees),
            None => "nothing".to_owned(),
        };
        let mut facts = Table::facts([
            ("head", Cell::new(self.head)),
            ("events", Cell::new(self.events)),
            ("commits", Cell::new(self.commits)),
            ("bytes, encoded", Cell::new(self.bytes)),
            ("live, on disk", Cell::new(on_disk.live)),
            ("archive, on disk", Cell::new(on_disk.archive)),
            ("summaries, on disk", Cell::new(on_disk.summaries)),
            ("events a day", Cell::new(per_day.events)),
            ("bytes a day, encoded", Cell::new(per_day.bytes)),
            ("retention would free", Cell::new(would)),
        ]);
        if let Some(pinned) = retention.pinned {
            facts.fact("pinned from", Cell::new(pinned));
        }
        output.table(&facts, "")?;
        for (name, shares) in [("KIND", &self.kinds), ("EDGE", &self.edges), ("DAY", &self.days)] {
            let mut table = Table::new([name, "EVENTS", "BYTES"]);
            for share in shares {
                let (events, bytes) = (Cell::new(share.events), Cell::new(share.bytes));
                table.row([Cell::new(&share.of), events, bytes]);
            }
            if !table.is_empty() {
                output.text("")?;
                output.table(&table, "")?;
            }
        }
        Ok(())
    }
}

impl Freed {
    fn of(
        live: &AnyReader,
        archive: &Archive,
        pinned: Option<Position>,
        retention: &Retention,
    ) -> Result<Self, JournalError> {
        let archived = archive.end().map_or(Position::START, |end| end.position);
        let mut held = 0;
        for frame in live.frames(archived) {
            held += frame?.bytes().len() as u64;
        }
        let kept = || live.frames(archived).map(|frame| Kept::of(&frame?));
        let until = retention.cut(kept(), held, pinned, now())?;
        let mut frees = 0;
        for kept in kept().take_while(|kept| {
            kept.as_ref().map_or(true, |kept| until.is_some_and(|until| kept.head <= until))
        }) {
            frees += kept?.bytes;
        }
        Ok(Self { held, frees, until, pinned })
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.after(Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}
