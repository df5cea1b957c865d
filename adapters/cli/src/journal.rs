//! The log of a data directory, for commands that need no server.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use edge_ledger_journal::JournalError;
use edge_ledger_sled::SledJournal;

use crate::exit::{Exit, Failure, chain};

/// Returns where in a data directory the journal is.
pub(crate) fn place(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Opens the journal of a data directory that no gateway has open. Nothing is appended.
///
/// # Errors
///
/// Says whether there is none, somebody has it open, or it is damaged.
pub(crate) fn open(data: &Path) -> Result<SledJournal> {
    open_there(data)?.map_err(|error| explain(&error))
}

/// Opens the journal of a data directory, and leaves it to the caller to make something of what is
/// wrong with it.
pub(crate) fn open_there(data: &Path) -> Result<Result<SledJournal, JournalError>> {
    let place = place(data);
    if !place.is_dir() {
        let told = format!("there is no ledger in {}", data.display());
        let next = "name the data directory of a gateway with --data or EDGE_LEDGER_DATA";
        return Err(Failure::new(Exit::NotFound, told).next(next).into());
    }
    Ok(edge_ledger_sled::open(place))
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
