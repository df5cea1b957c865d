//! `restore`: a data directory of a backup.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Error, Result, anyhow};
use clap::Args;
use edge_ledger_core::{
    AppendError, Archived, Journal as _, Ledger, Millis, TaskArchive as _, TaskId, task::Task,
};
use edge_ledger_engine::{Beginning, Clock, Opening, Shelf, Writer};
use edge_ledger_http::secret_key_path;
use edge_ledger_journal::{Block, JournalError, Link, Snapshot};
use edge_ledger_sled::SledTasks;

use super::log::DataArgs;
use crate::{
    backup::{self, Contents, Part},
    context::Context,
    exit::{Exit, chain},
    half::{HalfDirectory, cannot},
    journal,
    output::{Cell, note},
    store::{AnyJournal, Kind},
};

/// How many bytes of blocks go into a frame, if no block is larger: what a look-up of one commit
/// unpacks.
const FRAME: usize = 64 * 1024;

/// Make a data directory of a backup, for a gateway to go on from.
///
/// All of it is checked first: the chain, every byte, and that it folds. A new epoch begins, since
/// the gateway that the backup is of may have gone on: leases that ran when it was made end, and
/// none of their tokens ever matches again.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// What is to keep the log [default: sled].
    #[arg(long, env = "EDGE_LEDGER_SERVE_STORE", value_name = "STORE")]
    store: Option<Kind>,
}

pub(crate) fn run(args: RestoreArgs, context: &Context) -> Result<Exit> {
    let data = args.data.settle(context).value;
    let half = HalfDirectory::create(&data, "restoring")?;
    let store = args.store.unwrap_or(Kind::Sled);
    let contents = fill(half.path(), &args.file, store)?;
    let reopened = reopen(half.path(), store, &contents)?;
    half.finish(&data)?;
    if contents.key.is_none() {
        note(
            "the backup does not bring the key that secrets are checked with: put `secret.key` \
             there before the first start, or every edge has to register anew",
        );
    }
    show(&data, &args.file, &contents, &reopened, context)?;
    Ok(Exit::Ok)
}

/// Puts everything of a backup into a directory.
fn fill(half: &Path, file: &Path, kind: Kind) -> Result<Contents> {
    let mut filling = Filling { half, kind, journal: None, tasks: None, left: Archived::default() };
    let contents = backup::read(file, |part| match part {
        Part::Base(base) => {
            filling.open(base.link())?;
            journal::snapshots(half).write(base.link(), base.ledger())?;
            Ok(())
        }
        Part::Tasks(tasks) => filling.keep(tasks),
        Part::Blocks(blocks) => filling.append(blocks),
    })?;
    filling.open(contents.link)?;
    if let Some(key) = &contents.key {
        let path = secret_key_path(half);
        write_private(&path, key).with_context(|| cannot("write", &path))?;
    }
    Ok(contents)
}

/// A journal that is filled from a backup.
struct Filling<'a> {
    half: &'a Path,
    kind: Kind,
    journal: Option<AnyJournal>,
    tasks: Option<SledTasks>,
    /// What of the tasks is kept.
    left: Archived,
}

impl Filling<'_> {
    /// Returns the journal, which is made if it is not there yet: then it follows a link.
    fn open(&mut self, after: Link) -> Result<&mut AnyJournal> {
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => {
                let (place, archive) =
                    (journal::place(self.half), journal::archive_place(self.half));
                let journal = self.kind.open_after(&place, &archive, after);
                journal.map_err(|error| journal::explain(&error))?
            }
        };
        Ok(self.journal.insert(journal))
    }

    fn keep(&mut self, tasks: &[(TaskId, Task)]) -> Result<()> {
        let archive = match self.tasks.take() {
            Some(archive) => archive,
            None => open_tasks(self.half)?,
        };
        let each: Vec<_> = tasks.iter().map(|(id, task)| (id, task)).collect();
        archive.keep(self.left, &each).map_err(|fault| anyhow!(fault))?;
        self.left = tasks.iter().fold(self.left, |left, (id, task)| left.and(id, task));
        self.tasks = Some(archive);
        Ok(())
    }

    fn append(&mut self, blocks: &[Block]) -> Result<()> {
        let journal = self.open(Link::START)?;
        let mut rest = blocks;
        while !rest.is_empty() {
            let (together, later) = rest.split_at(fitting(rest));
            journal.append_blocks(together).map_err(|error| unappended(&error))?;
            rest = later;
        }
        Ok(())
    }
}

/// Returns how many of the first blocks go into a frame together; at least one.
fn fitting(blocks: &[Block]) -> usize {
    let mut size = 0;
    let fit = blocks.iter().take_while(|block| {
        size += block.bytes().len();
        size <= FRAME
    });
    fit.count().max(1)
}

/// Begins the new epoch, and leaves the ledger closed.
///
/// If tasks have left, the log is folded once more, so that the archive of tasks has all of them.
fn reopen(half: &Path, store: Kind, contents: &Contents) -> Result<Ledger> {
    let (place, archive) = (journal::place(half), journal::archive_place(half));
    // If nothing came after the base there is nothing in it, and what comes follows that.
    let journal = store.open_after(&place, &archive, contents.link);
    let journal = journal.map_err(|error| journal::explain(&error))?;
    let (log, ledger) = (journal.reader(), contents.ledger.clone());
    let clock = Clock::start(ledger.recorded_at());
    let (from, shelf) = if ledger.archived() == Archived::default() {
        (ledger, None)
    } else {
        let base = journal::snapshots(half).newest(|position| match log.link_at(position)? {
            None if position == contents.link.position => Ok(Some(contents.link)),
            found => Ok::<_, JournalError>(found),
        });
        let shelf = Shelf::new(Arc::new(open_tasks(half)?), Millis::ZERO);
        (base.map(Snapshot::into_ledger).unwrap_or_default(), Some(shelf))
    };
    let beginning = Beginning { ledger: from, shelf, ..Beginning::default() };
    let mut writer = Writer::begin(journal, beginning, Opening::NewEpoch, |_| clock.now())?;
    writer.close(clock.now())?;
    let ledger = writer.ledger().clone();
    let end = log.end()?.context("a log that was opened has an end")?;
    journal::snapshots(half).write(end, &ledger)?;
    Ok(ledger)
}

fn show(
    data: &Path,
    file: &Path,
    contents: &Contents,
    reopened: &Ledger,
    context: &Context,
) -> Result<()> {
    if context.output.is_json() {
        let mut json = contents.json(file);
        json["data"] = data.to_string_lossy().into();
        json["epoch"] = serde_json::to_value(reopened.epoch())?;
        return context.output.json(&json);
    }
    let mut table = contents.table(file);
    table.fact("restored to", Cell::new(data.display()));
    table.fact("new epoch", Cell::new(reopened.epoch()));
    context.output.table(&table, "")
}

fn open_tasks(half: &Path) -> Result<SledTasks> {
    SledTasks::open(journal::tasks_place(half)).map_err(|error| journal::explain(&error))
}

fn unappended(error: &AppendError<JournalError>) -> Error {
    anyhow!("the log could not be written: {}", chain(error))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
