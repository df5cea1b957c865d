//! `log convert`: the same log in another kind of store.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Digest, Journal, Position};
use edge_ledger_journal::{JournalError, Link, Linked, StoreReader};
use serde_json::json;

use crate::{
    copy::Copy,
    exit::{Exit, Failure},
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
    /// The data directory to make it in; none may be there.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

pub(super) fn run(args: &ConvertArgs, data: &Path, output: Output) -> Result<Exit> {
    let from = journal::open(data)?;
    let place = journal::place(&args.into);
    if fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_some()) {
        let told = format!("there is something in {} already", place.display());
        return Err(Failure::new(Exit::Refused, told).next("name a new directory").into());
    }
    let begin = from.reader().begin().map_err(|error| journal::explain(&error))?;
    let mut copy = Copy::begin(args.to, &args.into, begin.unwrap_or(Link::START))?;
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
    report(&copy.finish()?, &from, args, output)
}

/// Tells what came of it.
fn report(
    copied: &(AnyJournal, Option<Digest>),
    from: &AnyJournal,
    args: &ConvertArgs,
    output: Output,
) -> Result<Exit> {
    let (copy, digest) = copied;
    let (had, has) = (from.link(), copy.link());
    if had != has {
        let told = format!("the log has ended at {had}, the copy ends at {has}");
        return Err(Failure::new(Exit::Failure, told).into());
    }
    let bytes = |journal: &AnyJournal| {
        journal.reader().store().disk_bytes().map_err(|error| journal::explain(&error))
    };
    let (before, after) = (bytes(from)?, bytes(copy)?);
    match output.is_json() {
        true => output.json(&json!({
            "store": args.to,
            "head": has.position,
            "hash": has.hash,
            "digest": digest,
            "bytesBefore": before,
            "bytes": after,
        }))?,
        false => {
            let mut table = Table::facts([
                ("store", Cell::new(args.to)),
                ("head", Cell::new(has.position)),
                ("bytes", Cell::new(format!("{after}, of {before}"))),
                ("digest", Cell::maybe(*digest)),
            ]);
            table.fact("hash", Cell::new(has.hash).good());
            output.table(&table, "")?;
        }
    }
    note("the keys and the operator's token were not copied: move them to go on there");
    Ok(Exit::Ok)
}
