//! `log import`: a journal of an export.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result};
use clap::Args;
use edge_ledger_core::{Corruption, Digest, Position};
use edge_ledger_journal::{ExportReader, Exported, Link};
use serde_json::json;

use crate::{
    copy::Copy,
    exit::{Exit, Failure, chain},
    half::HalfDirectory,
    output::{Cell, Output, Progress, Table, note},
    source,
    store::Kind,
};

/// Make a journal of an export: the same log, with the same hash and the same digest.
///
/// All of it is checked on the way: every byte, the chain, and that it folds. Whatever is wrong is
/// named with its line, and nothing is left behind.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What `log export` wrote, or `log cut`; `-` is stdin.
    file: PathBuf,
    /// What is to keep the log [default: sled].
    #[arg(long, env = "EDGE_LEDGER_SERVE_STORE", value_name = "STORE")]
    store: Option<Kind>,
}

pub(super) fn run(args: &ImportArgs, data: &Path, output: Output) -> Result<Exit> {
    let half = HalfDirectory::create(data, "importing")?;
    let imported = match args.file.as_os_str() == "-" {
        true => fill(half.path(), BufReader::with_capacity(1 << 20, io::stdin()), args)?,
        false => {
            let file = File::open(&args.file);
            let file = file.with_context(|| format!("cannot read {}", args.file.display()))?;
            fill(half.path(), BufReader::with_capacity(1 << 20, file), args)?
        }
    };
    half.finish(data)?;
    imported.show(data, output)
}

/// What was imported.
struct Imported {
    begin: Link,
    end: Link,
    commits: u64,
    digest: Option<Digest>,
    store: Kind,
}

/// Puts an export into a directory.
fn fill(half: &Path, input: impl BufRead, args: &ImportArgs) -> Result<Imported> {
    let unsound = |error| source::unsound(&args.file, &error);
    let mut lines = ExportReader::new(input).map_err(unsound)?;
    let (begin, store) = (lines.header().begin, args.store.unwrap_or(Kind::Sled));
    let mut copy = Copy::begin(store, half, begin)?;
    let mut commits = 0;
    let mut progress = Progress::new("commits");
    for block in lines.by_ref() {
        let Exported { linked, commits: more, line } = block.map_err(unsound)?;
        for (line, commit) in (line..).zip(&more) {
            copy.fold(commit).map_err(|fault| unfolded(&args.file, line, fault))?;
        }
        copy.add(linked.block)?;
        commits += more.len() as u64;
        progress.add(more.len() as u64);
    }
    let (journal, digest) = copy.finish()?;
    let (end, made) = (lines.at(), journal.link());
    if end != made {
        let told = format!("the export ends at {end}, the journal at {made}");
        return Err(Failure::new(Exit::Failure, told).into());
    }
    Ok(Imported { begin, end, commits, digest, store })
}

fn unfolded(file: &Path, line: u64, fault: Corruption) -> Error {
    let told = format!("{}: line {line} does not fold: {}", file.display(), chain(&fault));
    let next = "no gateway wrote this log: take it from where it came from again";
    Failure::new(Exit::Failure, told).next(next).into()
}

impl Imported {
    fn show(&self, data: &Path, output: Output) -> Result<Exit> {
        let Self { begin, end, commits, digest, store } = self;
        match output.is_json() {
            true => output.json(&json!({
                "data": data,
                "store": store,
                "begin": begin,
                "head": end.position,
                "hash": end.hash,
                "commits": commits,
                "digest": digest,
            }))?,
            false => {
                let mut table = Table::facts([
                    ("imported to", Cell::new(data.display())),
                    ("store", Cell::new(store)),
                    ("head", Cell::new(end.position)),
                    ("commits", Cell::new(commits)),
                    ("digest", Cell::maybe(*digest)),
                ]);
                if begin.position > Position::START {
                    table.fact("events from", Cell::new(begin.position.plus(1)).fair());
                }
                table.fact("hash", Cell::new(end.hash).good());
                output.table(&table, "")?;
            }
        }
        if begin.position > Position::START {
            note("its beginning is not in the export: it can be read, and nothing folds");
        }
        note(
            "to serve it, begin an epoch with `serve --new-epoch`: where it came from may go on, \
             and no key came with it",
        );
        Ok(Exit::Ok)
    }
}
