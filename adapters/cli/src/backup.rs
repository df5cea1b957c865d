//! A backup, read to its end and folded: what a file holds, as far as it can be relied on.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::{Context as _, Error, Result};
use edge_ledger_core::{Ledger, Position, TaskId, task::Task};
use edge_ledger_journal::{BackupError, BackupPart, BackupReader, Block, Link, Snapshot};
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure, chain},
    output::{Cell, Progress, Table},
};

/// What a backup holds.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Where its log ends.
    pub(crate) link: Link,
    /// The position before its first event.
    pub(crate) after: Position,
    /// What the log folds to.
    pub(crate) ledger: Ledger,
    /// The key that secrets are checked with.
    pub(crate) key: Option<Vec<u8>>,
}

/// A part of the log, before it is folded.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// What stands for its beginning.
    Base(&'a Snapshot),
    /// What has left the ledger of that, in parts.
    Tasks(&'a [(TaskId, Task)]),
    /// What comes next.
    Blocks(&'a [Block]),
}

/// Reads a backup, hands each part of its log over, and folds it. Only what it returns in the end
/// is known to be whole.
pub(crate) fn read(path: &Path, mut each: impl FnMut(Part<'_>) -> Result<()>) -> Result<Contents> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut parts = BackupReader::new(BufReader::with_capacity(1 << 20, file))
        .map_err(|error| unsound(path, &error))?;
    let after = parts.at().position;
    let mut ledger = Ledger::default();
    let mut key = None;
    let mut progress = Progress::new("events");
    for part in parts.by_ref() {
        match part.map_err(|error| unsound(path, &error))? {
            BackupPart::Base(base) => {
                each(Part::Base(&base))?;
                ledger = base.into_ledger();
            }
            BackupPart::Tasks(tasks) => each(Part::Tasks(&tasks))?,
            BackupPart::Blocks(linked) => {
                let blocks: Vec<_> = linked.into_iter().map(|linked| linked.block).collect();
                each(Part::Blocks(&blocks))?;
                let before = ledger.head();
                for block in &blocks {
                    fold(&mut ledger, block).map_err(|told| unfolded(path, &ledger, &told))?;
                }
                progress.add(ledger.head().get() - before.get());
            }
            BackupPart::Key(found) => key = Some(found),
        }
    }
    Ok(Contents { link: parts.at(), after, ledger, key })
}

impl Contents {
    pub(crate) fn json(&self, path: &Path) -> Value {
        let Self { link, after, ledger, key } = self;
        json!({
            "file": path,
            "after": after,
            "position": link.position,
            "hash": link.hash,
            "recordedAt": ledger.recorded_at().to_string(),
            "epoch": ledger.epoch(),
            "counts": ledger.counts(),
            "digest": ledger.digest(),
            "withKey": key.is_some(),
        })
    }

    pub(crate) fn table(&self, path: &Path) -> Table {
        let Self { link, after, ledger, key } = self;
        let counts = ledger.counts();
        let mut table = Table::facts([
            ("file", Cell::new(path.display())),
            ("position", Cell::new(link.position)),
            ("hash", Cell::new(link.hash)),
            ("last recorded", Cell::new(ledger.recorded_at())),
            ("epoch", Cell::new(ledger.epoch())),
            ("tokens", Cell::new(counts.tokens)),
            ("edges", Cell::new(counts.edges)),
            ("tasks", Cell::new(counts.tasks)),
            ("digest", Cell::new(ledger.digest()).good()),
            ("secrets' key", Cell::new(if key.is_some() { "in it" } else { "not in it" })),
        ]);
        if *after > Position::START {
            table.fact("events from", Cell::new(after.plus(1)));
        }
        table
    }
}

fn fold(ledger: &mut Ledger, block: &Block) -> Result<(), String> {
    let commits = block.decode().map_err(|damage| chain(&damage))?;
    commits.iter().try_for_each(|commit| ledger.apply(commit)).map_err(|fault| chain(&fault))
}

fn unsound(path: &Path, error: &BackupError) -> Error {
    let told = format!("{}: {}", path.display(), chain(error));
    let failure = match error {
        BackupError::NoBackup | BackupError::TooNew(_) => Failure::usage(told),
        BackupError::Unsound { .. } => Failure::new(Exit::Failure, told).next(ANOTHER),
        BackupError::Io(_) => Failure::new(Exit::Failure, told),
    };
    failure.into()
}

fn unfolded(path: &Path, ledger: &Ledger, told: &str) -> Error {
    let (path, head) = (path.display(), ledger.head());
    let told = format!("{path}: it cannot be relied on after position {head}: {told}");
    Failure::new(Exit::Failure, told).next(ANOTHER).into()
}

const ANOTHER: &str = "take another backup: of this one nothing past that position can be restored";
