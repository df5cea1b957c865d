//! What can go wrong with a journal on disk, and what to do about it.
use std::{error::Error, io, iter, path::PathBuf};

use edge_ledger_core::{Position, codec::DecodeError};

/// A journal could not be opened, read or appended to.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else has it open.
    #[error(
        "data directory {directory} is in use by another process, or by a journal or reader still \
         open in this one: stop that first, or give another directory"
    )]
    InUse {
        /// The journal's directory.
        directory: PathBuf,
    },
    /// The directory is somebody else's.
    #[error(
        "directory {directory} holds {entry:?} but no journal: give an empty directory or a new one"
    )]
    NotOurs {
        /// The directory given.
        directory: PathBuf,
        /// Something in it that is not ours.
        entry: String,
    },
    /// The marker is of another build, or damaged.
    #[error(
        "{path} reads {found:?} where this build writes \"{expected}…\": use the build that wrote \
         it, or restore a backup"
    )]
    Layout {
        /// The marker.
        path: PathBuf,
        /// What it says.
        found: String,
        /// How what this build writes begins.
        expected: &'static str,
    },
    /// A file of the journal is gone.
    #[error("{path} is missing from the journal: restore a backup")]
    FileMissing {
        /// The file.
        path: PathBuf,
    },
    /// What sled keeps is damaged.
    #[error("sled cannot {doing} its files in {directory}, they are damaged: restore a backup")]
    Damaged {
        /// The journal's directory.
        directory: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What sled says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The end of the journal is gone.
    #[error(
        "the journal in {directory} ends at position {found}, but it had reached {known}, as \
         its file READY says: restore a backup"
    )]
    CutShort {
        /// The journal's directory.
        directory: PathBuf,
        /// Where it ends.
        found: Position,
        /// What it had reached.
        known: Position,
    },
    /// A block cannot be read, so nothing after it is.
    #[error("the journal cannot be read on after position {position}")]
    Block {
        /// Where the block stands.
        position: Position,
        /// What is wrong with it.
        #[source]
        damage: Damage,
    },
    /// An earlier append failed, and nobody knows what became of it.
    #[error("an earlier append failed ({cause}): open the journal again before appending")]
    Poisoned {
        /// How it failed.
        cause: String,
    },
    /// The operating system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// sled refused.
    #[error("sled cannot {doing} its files in {directory}")]
    Sled {
        /// What was being done.
        doing: &'static str,
        /// The journal's directory.
        directory: PathBuf,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What is wrong with a stored block.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is none where it should be.
    #[error("a block is missing, the next one stands after {found}")]
    Missing {
        /// Where the next one stands.
        found: Position,
    },
    /// The journal breaks off.
    #[error("the journal breaks off there, though it was appended to up to {head}")]
    BrokenOff {
        /// Where it should end.
        head: Position,
    },
    /// One of the block's parts is missing.
    #[error("the block has no part {part}, counted from 0")]
    Part {
        /// Which.
        part: u16,
    },
    /// The key is not one of ours.
    #[error("the next key is {0:02x?}, which no journal writes")]
    Key(Vec<u8>),
    /// The value is shorter than any block.
    #[error("the block has {0} bytes, fewer than any block")]
    Short(usize),
    /// The bytes are not those that were written.
    #[error("the block was written with checksum {stored:08x}, its bytes now have {computed:08x}")]
    Checksum {
        /// What was stored.
        stored: u32,
        /// What the bytes have.
        computed: u32,
    },
    /// The bytes are no commits.
    #[error("the block does not decode")]
    Undecodable(#[source] DecodeError),
    /// Its commits stand elsewhere.
    #[error("the block holds a commit that wants to stand after {found}, not after {expected}")]
    Misplaced {
        /// Where the commit should stand.
        expected: Position,
        /// Where it wants to stand.
        found: Position,
    },
    /// It holds nothing.
    #[error("the block holds a commit without events, or none at all")]
    Empty,
    /// sled cannot read it.
    #[error(transparent)]
    Store(Box<JournalError>),
}

/// Writes an error and all that is behind it in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
