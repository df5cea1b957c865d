//! A log, wherever it is kept: a data directory, an archive by itself, or an export.
//!
//! Whatever reads a log takes its path and does not ask which of them it is:
//!
//! ```text
//! let source = Source::open(&args.log)?;
//! for commit in source.commits(Position::START)? {
//!     ledger.apply(&commit?)?;
//! }
//! ```
//!
//! [`Source::begin`] says whether the log is there from its beginning: only then it folds.
//! [`Source::commits`] may be called again, for another pass, and from other threads. Each commit is
//! of a block that was seen to follow the one before it in the chain; what is wrong ends the stream
//! with an error that says where, and a [`Failure`] that knows the exit code.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result};
use edge_ledger_core::{Commit, Journal as _, JournalReader as _, Position};
use edge_ledger_journal::{
    Archive, BlockReader, ExportError, ExportHeader, ExportReader, Exported, JournalError, Link,
    Linked, StoreReader,
};

use crate::{
    exit::{Exit, Failure, chain},
    journal,
    store::{AnyJournal, AnyJournalReader},
};

/// A log that can be read, as often as it takes.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    kept: Kept,
}

/// Commits in order, up to the first that cannot be relied on.
pub(crate) type Commits<'a> = Box<dyn Iterator<Item = Result<Commit>> + Send + 'a>;

/// Blocks in order with their commits, up to the first that cannot be relied on.
pub(crate) type Blocks<'a> = Box<dyn Iterator<Item = Result<(Linked, Vec<Commit>)>> + Send + 'a>;

/// What keeps the log.
#[derive(Debug)]
enum Kept {
    /// A data directory. The journal is held open, so that no gateway begins to append to it.
    Data {
        held: Box<AnyJournal>,
        reader: AnyJournalReader,
    },
    Archive(BlockReader<Archive>),
    Export(Box<ExportHeader>),
}

impl Source {
    /// Opens what is at a path, and leaves it as it is.
    ///
    /// # Errors
    ///
    /// Says whether there is no log, somebody has it open, or it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let kept = match () {
            () if journal::place(path).is_dir() => {
                let held = Box::new(journal::open(path)?);
                let reader = held.reader();
                Kept::Data { held, reader }
            }
            () if is_archive(path) => {
                let archive = Archive::open(path).map_err(|error| journal::explain(&error))?;
                Kept::Archive(BlockReader::new(archive))
            }
            () if path.is_file() => Kept::Export(Box::new(export(path)?.header().clone())),
            () => return Err(nothing(path)),
        };
        Ok(Self { path: path.to_path_buf(), kept })
    }

    /// Returns where it was found.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the chain stands before the first block there is.
    pub(crate) fn begin(&self) -> Result<Link> {
        let begin = match &self.kept {
            Kept::Data { held, reader } => match known(reader.begin())? {
                Some(begin) => begin,
                None => held.link(),
            },
            Kept::Archive(reader) => known(reader.begin())?.unwrap_or(Link::START),
            Kept::Export(header) => header.begin,
        };
        Ok(begin)
    }

    /// Returns where it stands after the last one; none if only reading it to its end would tell.
    pub(crate) fn end(&self) -> Result<Option<Link>> {
        match &self.kept {
            Kept::Data { held, .. } => Ok(Some(held.link())),
            Kept::Archive(reader) => known(reader.end()),
            Kept::Export(header) => Ok(header.end),
        }
    }

    /// Refuses a log whose beginning is not there: nothing can be folded of it.
    pub(crate) fn whole(self) -> Result<Self> {
        let begin = self.begin()?;
        if begin.position == Position::START {
            return Ok(self);
        }
        let (path, first) = (self.path.display(), begin.position.plus(1));
        let told = format!("the log in {path} begins at position {first}, and is needed from 1 on");
        let next = "name one that is whole: a data directory with its archive, or an export of it";
        Err(Failure::new(Exit::Failure, told).next(next).into())
    }

    /// Reads every commit that has an event past a position, oldest first. The first one may begin
    /// before it.
    pub(crate) fn commits(&self, after: Position) -> Result<Commits<'_>> {
        let commits: Commits<'_> = match &self.kept {
            Kept::Data { reader, .. } => ahead(reader, after),
            Kept::Archive(reader) => ahead(reader, after),
            Kept::Export(_) => {
                Box::new(self.exported()?.flat_map(each_commit).filter(move |commit| {
                    commit.as_ref().map_or(true, |commit| commit.head() > after)
                }))
            }
        };
        Ok(commits)
    }

    /// Reads the blocks from the one on that holds the event after a position.
    pub(crate) fn blocks(&self, after: Position) -> Result<Blocks<'_>> {
        let blocks: Blocks<'_> = match &self.kept {
            Kept::Data { reader, .. } => decoded(reader, after),
            Kept::Archive(reader) => decoded(reader, after),
            Kept::Export(_) => {
                let blocks = self.exported()?;
                Box::new(blocks.map(|exported| exported.map(|one| (one.linked, one.commits))))
            }
        };
        let past = move |linked: &Linked| linked.link.position > after;
        Ok(Box::new(blocks.filter(move |one| one.as_ref().map_or(true, |(one, _)| past(one)))))
    }

    /// Reads the blocks of an export from its beginning on.
    fn exported(&self) -> Result<impl Iterator<Item = Result<Exported>> + Send + use<>> {
        let path = self.path.clone();
        let blocks = export(&path)?;
        Ok(blocks.map(move |block| block.map_err(|error| unsound(&path, &error))))
    }
}

/// Opens an export.
pub(crate) fn export(path: &Path) -> Result<ExportReader<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reader = ExportReader::new(BufReader::with_capacity(1 << 20, file));
    reader.map_err(|error| unsound(path, &error))
}

/// Says what to do about an export that cannot be used.
pub(crate) fn unsound(path: &Path, error: &ExportError) -> Error {
    let told = format!("{}: {}", path.display(), chain(error));
    let failure = match error {
        ExportError::NoExport(_) => Failure::usage(told)
            .next("name a data directory, an archive, or a file that `log export` wrote as jsonl"),
        ExportError::TooNew { .. } => Failure::usage(told),
        ExportError::Unsound { .. } => Failure::new(Exit::Failure, told)
            .next("export the log again, or take another copy of the file"),
        ExportError::Io(_) => Failure::new(Exit::Failure, told),
    };
    failure.into()
}

fn each_commit(exported: Result<Exported>) -> impl Iterator<Item = Result<Commit>> {
    let (commits, fault) = match exported {
        Ok(exported) => (exported.commits, None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    commits.into_iter().map(Ok).chain(fault)
}

fn ahead<R: StoreReader>(reader: &BlockReader<R>, after: Position) -> Commits<'_> {
    Box::new(reader.read_ahead(after).map(known))
}

fn decoded<R: StoreReader>(reader: &BlockReader<R>, after: Position) -> Blocks<'_> {
    Box::new(reader.blocks(after).map(|block| {
        let linked = known(block)?;
        let position = linked.before.position;
        let commits = linked.block.decode();
        let commits = commits.map_err(|damage| JournalError::Frame { position, damage });
        Ok((linked, known(commits)?))
    }))
}

fn known<T>(found: Result<T, JournalError>) -> Result<T> {
    found.map_err(|error| journal::explain(&error))
}

/// Returns whether a directory is an archive by itself.
pub(crate) fn is_archive(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|of| of == "archive"))
}

fn nothing(path: &Path) -> Error {
    let told = format!("there is no ledger in {}", path.display());
    let next = "name a data directory, an archive, or a file that `log export` wrote";
    Failure::new(Exit::NotFound, told).next(next).into()
}
