//! The log of a data directory, for commands that need no server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Error, Result};
use edge_ledger_core::TaskArchive;
use edge_ledger_journal::{BackupWriter, BlockReader, JournalError, Link, Snapshots, StoreReader};

use crate::{
    exit::{Exit, Failure, chain},
    store::{AnyJournal, Kind},
};

/// Returns where in a data directory the journal is.
pub(crate) fn place(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Returns where in a data directory the archive is.
pub(crate) fn archive_place(data: &Path) -> PathBuf {
    data.join("archive")
}

/// Returns where in a data directory the archive of tasks is.
pub(crate) fn tasks_place(data: &Path) -> PathBuf {
    data.join("tasks")
}

/// Returns the snapshots of a data directory's log.
pub(crate) fn snapshots(data: &Path) -> Snapshots {
    Snapshots::at(data.join("snapshots"))
}

/// Opens the journal of a data directory that no gateway has open. Nothing is appended.
///
/// # Errors
///
/// Says whether there is none, somebody has it open, or it is damaged.
pub(crate) fn open(data: &Path) -> Result<AnyJournal> {
    open_there(data)?.map_err(|error| explain(&error))
}

/// Opens the journal of a data directory, and leaves it to the caller to make something of what is
/// wrong with it.
pub(crate) fn open_there(data: &Path) -> Result<Result<AnyJournal, JournalError>> {
    let place = place(data);
    if !place.is_dir() {
        let told = format!("there is no ledger in {}", data.display());
        let next = "name the data directory of a gateway with --data or EDGE_LEDGER_DATA";
        return Err(Failure::new(Exit::NotFound, told).next(next).into());
    }
    Ok(Kind::of(&place).unwrap_or(Kind::Sled).open(&place, &archive_place(data)))
}

/// Opens the journal of a data directory and makes it if there is none: in the kind of store that
/// is wanted, or else that is there, or else in sled.
///
/// # Errors
///
/// As [`open`]; and if it is in another kind of store than is wanted.
pub(crate) fn open_or_create(data: &Path, wanted: Option<Kind>) -> Result<AnyJournal> {
    let place = place(data);
    let found = Kind::of(&place);
    match (wanted, found) {
        (Some(wanted), Some(found)) if wanted != found => {
            let data = data.display();
            let told = format!("the ledger in {data} is kept in {found}, not in {wanted}");
            let next = format!(
                "leave the store open, or move the ledger: `edge-ledger log convert --data {data} \
                 --to {wanted} --into DIR`"
            );
            Err(Failure::new(Exit::Refused, told).next(next).into())
        }
        (wanted, found) => open_in(data, wanted.or(found).unwrap_or(Kind::Sled)),
    }
}

/// Opens the journal of a data directory in a kind of store, and makes it if there is none.
///
/// # Errors
///
/// As [`open`].
pub(crate) fn open_in(data: &Path, kind: Kind) -> Result<AnyJournal> {
    kind.open(&place(data), &archive_place(data)).map_err(|error| explain(&error))
}

/// Begins a backup of a data directory's log: all of it or, if its beginning was taken away, what
/// follows the newest snapshot, that, and of the archive of tasks what had left by then.
///
/// # Errors
///
/// Fails if the log cannot be read, or its beginning was taken away and no snapshot or no archive
/// of tasks stands for it.
pub(crate) fn backup<R: StoreReader>(
    data: &Path,
    log: &BlockReader<R>,
    tasks: Option<Arc<dyn TaskArchive>>,
) -> Result<BackupWriter<R>, JournalError> {
    let newest = || snapshots(data).newest(|position| log.link_at(position));
    let base = if is_whole(log)? { None } else { newest() };
    BackupWriter::new(log.clone(), base.as_ref(), tasks)
}

/// Returns whether a log has its beginning.
pub(crate) fn is_whole<R: StoreReader>(log: &BlockReader<R>) -> Result<bool, JournalError> {
    Ok(log.begin()?.is_none_or(|begin| begin == Link::START))
}

/// Says what to do about a journal that cannot be opened.
pub(crate) fn explain(error: &JournalError) -> Error {
    let told = chain(error);
    match error {
        JournalError::InUse { .. } => Failure::new(Exit::Unavailable, told).next(
            "ask the gateway that has it (`edge-ledger edge list`, `GET /v1/events`), stop the \
             gateway, or look at a copy",
        ),
        JournalError::NotOurs { .. } => Failure::usage(told),
        JournalError::Layout { .. }
        | JournalError::FileMissing { .. }
        | JournalError::CutShort { .. }
        | JournalError::Altered { .. }
        | JournalError::Frame { .. }
        | JournalError::Poisoned { .. }
        | JournalError::Io { .. }
        | JournalError::Store { .. } => Failure::new(Exit::Failure, told),
    }
    .into()
}
