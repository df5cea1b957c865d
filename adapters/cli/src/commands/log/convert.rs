//! `log convert`: the same log in another kind of store.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Digest, Journal, Ledger, Position};
use edge_ledger_journal::{Block, JournalError, Link, Linked, StoreReader};
use serde_json::json;

use crate::{
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

/// How many bytes of blocks go into a frame, if no block is larger: what a look-up of one commit
/// unpacks.
const FRAME: usize = 64 * 1024;

pub(super) fn run(args: &ConvertArgs, data: &Path, output: Output) -> Result<Exit> {
    let from = journal::open(data)?;
    let place = journal::place(&args.into);
    if fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_some()) {
        let told = format!("there is something in {} already", place.display());
        return Err(Failure::new(Exit::Refused, told).next("name a new directory").into());
    }
    let begin = from.reader().begin().map_err(|error| journal::explain(&error))?;
    let (base, archive) = (begin.unwrap_or(Link::START), journal::archive_place(&args.into));
    let to =
        args.to.open_after(&place, &archive, base).map_err(|error| journal::explain(&error))?;
    let is_whole = base == Link::START;
    let ledger = is_whole.then(Ledger::default);
    let mut copy = Copy { to, ledger, waiting: Vec::new(), size: 0 };
    let mut progress = Progress::new("commits");
    for block in from.reader().blocks(Position::START) {
        let Linked { block, .. } = block.map_err(|error| journal::explain(&error))?;
        progress.add(copy.add(block)?);
    }
    copy.flush()?;
    drop(progress);
    copy.report(&from, args, output)
}

/// A copy that is being made.
struct Copy {
    to: AnyJournal,
    /// What the blocks so far fold to; none if the first ones are not there.
    ledger: Option<Ledger>,
    waiting: Vec<Block>,
    /// How many bytes wait.
    size: usize,
}

impl Copy {
    /// Takes a block and returns how many commits it has.
    fn add(&mut self, block: Block) -> Result<u64> {
        let position = block.after();
        let damaged = |damage| journal::explain(&JournalError::Frame { position, damage });
        let commits = block.decode().map_err(damaged)?;
        if let Some(ledger) = &mut self.ledger {
            commits.iter().try_for_each(|commit| ledger.apply(commit))?;
        }
        self.size += block.bytes().len();
        self.waiting.push(block);
        if self.size >= FRAME {
            self.flush()?;
        }
        Ok(commits.len() as u64)
    }

    fn flush(&mut self) -> Result<()> {
        self.to.append_blocks(&self.waiting)?;
        self.waiting.clear();
        self.size = 0;
        Ok(())
    }

    fn report(self, from: &AnyJournal, args: &ConvertArgs, output: Output) -> Result<Exit> {
        let (had, has) = (from.link(), self.to.link());
        if had != has {
            let told = format!("the log has ended at {had}, the copy ends at {has}");
            return Err(Failure::new(Exit::Failure, told).into());
        }
        let digest: Option<Digest> = self.ledger.as_ref().map(Ledger::digest);
        let bytes = |journal: &AnyJournal| {
            journal.reader().store().disk_bytes().map_err(|error| journal::explain(&error))
        };
        let (before, after) = (bytes(from)?, bytes(&self.to)?);
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
                    ("digest", Cell::maybe(digest)),
                ]);
                table.fact("hash", Cell::new(has.hash).good());
                output.table(&table, "")?;
            }
        }
        note("the keys and the operator's token were not copied: move them to go on there");
        Ok(Exit::Ok)
    }
}
