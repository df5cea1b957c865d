//! A log, whatever it is in: what every command reads, and backups and golden logs as well.

use std::{
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result};
use edge_ledger_core::{Commit, Ledger, Position, golden, replay};
use edge_ledger_journal::{BackupError, BackupPart, BackupReader, Damage, Linked};

use crate::{
    exit::{Exit, Failure, chain},
    source::Source,
};

/// A log that can be read.
#[derive(Debug)]
pub(super) enum Log {
    /// A data directory, an archive, or an export.
    Kept(Source),
    /// A backup.
    Backup { path: PathBuf, head: Position },
    /// A golden log: a file of commits, a line each.
    Lines { commits: Vec<Commit>, file: replay::File },
}

/// A log, from its first commit on.
pub(super) struct Reading<'a> {
    /// What stands for its beginning, if that was removed.
    pub(super) base: Option<Ledger>,
    pub(super) commits: Box<dyn Iterator<Item = Result<Commit, Unread>> + 'a>,
}

/// A log could not be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("{0}")]
    Kept(String),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Block(#[from] Damage),
}

/// How every backup begins.
const BACKUP: &[u8] = b"EDGELBAK";

/// How every export begins.
const EXPORT: &[u8] = b"{\"export\"";

impl Log {
    /// Opens a log.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self::Kept(Source::open(path)?.whole()?));
        }
        let mut begin = Vec::new();
        let unread = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(unread)?;
        file.take(EXPORT.len() as u64).read_to_end(&mut begin).with_context(unread)?;
        match () {
            () if begin.starts_with(BACKUP) => {
                let head = backup(path)?.head().position;
                Ok(Self::Backup { path: path.to_owned(), head })
            }
            () if begin == EXPORT => Ok(Self::Kept(Source::open(path)?.whole()?)),
            () => lines(&fs::read(path).with_context(unread)?),
        }
    }

    /// Returns where it ends, if that is known before it is read.
    pub(super) fn head(&self) -> Result<Position> {
        match self {
            Self::Kept(source) => Ok(source.end()?.map_or(Position::START, |end| end.position)),
            Self::Backup { head, .. } => Ok(*head),
            Self::Lines { commits, .. } => Ok(commits.last().map_or(Position::START, Commit::head)),
        }
    }

    /// Returns the bytes that it is in, if they make it what it is.
    pub(super) const fn file(&self) -> Option<replay::File> {
        match self {
            Self::Lines { file, .. } => Some(*file),
            // A store may pack its frames anew; of the others every byte is checked by itself.
            Self::Kept(_) | Self::Backup { .. } => None,
        }
    }

    /// Begins to read it.
    pub(super) fn read(&self) -> Result<Reading<'_>> {
        match self {
            Self::Kept(source) => {
                let commits = source.commits(Position::START)?;
                let unread = |error: Error| Unread::Kept(chain(error.as_ref()));
                let commits = commits.map(move |commit| commit.map_err(unread));
                Ok(Reading { base: None, commits: Box::new(commits) })
            }
            Self::Backup { path, .. } => read_backup(path),
            Self::Lines { commits, .. } => {
                Ok(Reading { base: None, commits: Box::new(commits.iter().cloned().map(Ok)) })
            }
        }
    }
}

fn lines(bytes: &[u8]) -> Result<Log> {
    let file = replay::File::of(bytes);
    let unread = |error: golden::GoldenError| Failure::new(Exit::Failure, chain(&error));
    let text = std::str::from_utf8(bytes).map_err(golden::GoldenError::Text).map_err(unread)?;
    let (_, commits) = golden::read(text).map_err(unread)?;
    Ok(Log::Lines { commits, file })
}

fn backup(path: &Path) -> Result<BackupReader<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    BackupReader::new(BufReader::with_capacity(1 << 20, file)).map_err(unsound)
}

fn unsound(error: BackupError) -> Error {
    Failure::new(Exit::Failure, chain(&error)).into()
}

fn read_backup(path: &Path) -> Result<Reading<'static>> {
    let mut parts = backup(path)?.peekable();
    let has_base = matches!(parts.peek(), Some(Ok(BackupPart::Base(_))));
    let base = match has_base.then(|| parts.next()).flatten() {
        Some(Ok(BackupPart::Base(base))) => Some(base.into_ledger()),
        Some(Ok(BackupPart::Blocks(_) | BackupPart::Tasks(_) | BackupPart::Key(_)) | Err(_))
        | None => None,
    };
    let commits = parts.flat_map(|part| match part.map_err(Unread::from).and_then(unpacked) {
        Ok(commits) => commits.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    Ok(Reading { base, commits: Box::new(commits) })
}

fn unpacked(part: BackupPart) -> Result<Vec<Commit>, Unread> {
    match part {
        BackupPart::Base(_) | BackupPart::Tasks(_) | BackupPart::Key(_) => Ok(vec![]),
        BackupPart::Blocks(blocks) => {
            let mut commits = Vec::new();
            for Linked { block, .. } in blocks {
                commits.extend(block.decode()?);
            }
            Ok(commits)
        }
    }
}
