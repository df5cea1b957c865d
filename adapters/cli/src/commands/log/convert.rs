//! `log convert`: the same log in another kind of store.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Digest, Journal, Position};
use edge_ledger_journal::{JournalError, Link, Linked, StoreReader};
use serde_json::json;

use crate::{
    copy::Copy,
    exit::{Exit, Failure},
    half::HalfDirectory,
    journal,
    output::{Cell, Output, Progress, Table, note},
    store::{AnyJournal, Kind},
};

/// Copy the log into a store of another kind, block by block as it is.
///
/// The copy has the same hash, and makes a ledger with the same digest. What is copied is the log:
/// the keys and the operator's token stay where they are.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// What is to keep the copy.
    #[arg(long, value_name = "STORE")]
    to: Kind,
    /// The data directory to make of it, which must be empty or not there yet. It gets its name
    /// once all of the log is in it.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

pub(super) fn run(args: &ConvertArgs, data: &Path, output: Output) -> Result<Exit> {
    let from = journal::open(data)?;
    let half = HalfDirectory::create(&args.into, "converting")?;
    let begin = from.reader().begin().map_err(|error| journal::explain(&error))?;
    let base = begin.unwrap_or(Link::START);
    let mut copy = Copy::begin(args.to, half.path(), base)?;
    let mut progress = Progress::new("commits");
    for block in from.reader().blocks(Position::START) {
        let Linked { block, .. } = block.map_err(|error| journal::explain(&error))?;
        let position = block.after();
        let damaged = |damage| journal::explain(&JournalError::Frame { position, damage });
        let commits = block.decode().map_err(damaged)?;
        commits.iter().try_for_each(|commit| copy.fold(commit))?;
        progress.add(commits.len() as u64);
        copy.add(block)?;
    }
    drop(progress);
    let copied = Copied::of(copy.finish()?, &from)?;
    half.finish(&args.into)?;
    copied.show(args.to, output)?;
    note("the keys and the operator's token were not copied: move them to go on there");
    if base != Link::START {
        note(
            "the beginning of the log is not there to copy: move `snapshots` and `tasks` too, no \
             start does without them",
        );
    }
    Ok(Exit::Ok)
}

/// A copy that was made.
struct Copied {
    head: Link,
    digest: Option<Digest>,
    /// How many bytes the log takes on disk.
    before: u64,
    /// How many the copy does.
    after: u64,
}

impl Copied {
    /// Compares a copy with the log, and closes it.
    fn of((copy, digest): (AnyJournal, Option<Digest>), from: &AnyJournal) -> Result<Self> {
        let (had, has) = (from.link(), copy.link());
        if had != has {
            let told = format!("the log has ended at {had}, the copy ends at {has}");
            return Err(Failure::new(Exit::Failure, told).into());
        }
        let bytes = |journal: &AnyJournal| {
            journal.reader().store().disk_bytes().map_err(|error| journal::explain(&error))
        };
        let (before, after) = (bytes(from)?, bytes(&copy)?);
        Ok(Self { head: has, digest, before, after })
    }

    fn show(&self, store: Kind, output: Output) -> Result<()> {
        let Self { head, digest, before, after } = self;
        if output.is_json() {
            return output.json(&json!({
                "store": store,
                "head": head.position,
                "hash": head.hash,
                "digest": digest,
                "bytesBefore": before,
                "bytes": after,
            }));
        }
        let mut table = Table::facts([
            ("store", Cell::new(store)),
            ("head", Cell::new(head.position)),
            ("bytes", Cell::new(format!("{after}, of {before}"))),
            ("digest", Cell::maybe(*digest)),
        ]);
        table.fact("hash", Cell::new(head.hash).good());
        output.table(&table, "")
    }
}
