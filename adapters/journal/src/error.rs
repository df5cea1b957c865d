//! What can go wrong with a journal on disk, and what to do about it.
use std::{
    error::Error,
    io, iter,
    path::{Path, PathBuf},
};

use edge_ledger_core::{Digest, Position, codec::DecodeError};

/// A journal could not be opened, read or appended to.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else has it open.
    #[error(
        "the journal in {directory} is in use by another process, or still open in this one: stop \
         that first, or give another directory"
    )]
    InUse {
        /// The journal's directory.
        directory: PathBuf,
    },
    /// The directory is somebody else's, or of another kind of store.
    #[error(
        "directory {directory} holds {entry:?} but no journal of this kind: if it was one, put its \
         file READY back or restore a backup; if not, give another directory"
    )]
    NotOurs {
        /// The directory given.
        directory: PathBuf,
        /// Something in it that is not ours.
        entry: String,
    },
    /// The marker is of another build, or damaged.
    #[error(
        "{path} reads {found:?} where this build writes \"{expected}…\": restore a backup if it was \
         cut short or edited, and use the build that wrote it if that was another"
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
    /// The end of the journal is another than it was.
    #[error(
        "the journal in {directory} has hash {found} at position {position}, but it had {known}, \
         as its file READY says: restore a backup"
    )]
    Altered {
        /// The journal's directory.
        directory: PathBuf,
        /// Where it was looked at.
        position: Position,
        /// What it has there.
        found: Digest,
        /// What it had.
        known: Digest,
    },
    /// A frame cannot be read, so nothing after it is.
    #[error("the journal cannot be read on after position {position}")]
    Frame {
        /// Where the frame stands.
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
    /// The store refused, or is damaged.
    #[error("{told}")]
    Store {
        /// What was being done, to what, and what to do now.
        told: String,
        /// Why not.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// What is wrong with a stored frame.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is none where it should be.
    #[error("a frame is missing, the next one stands after {found}")]
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
    /// Only some of the frame is there.
    #[error("the frame has {whole} bytes, only {found} of them are there")]
    Incomplete {
        /// How many there are.
        found: usize,
        /// How many there should be.
        whole: usize,
    },
    /// The bytes are fewer than any frame has.
    #[error("the frame has {0} bytes, fewer than any frame")]
    Short(usize),
    /// A later build wrote it.
    #[error("the frame has format {0}, this build knows 1: use the build that wrote it")]
    TooNew(u8),
    /// The bytes are not those that were written.
    #[error("the frame was written with checksum {stored:08x}, its bytes now have {computed:08x}")]
    Checksum {
        /// What was stored.
        stored: u32,
        /// What the bytes have.
        computed: u32,
    },
    /// The chain is broken: something before it was altered, removed or reordered.
    #[error("the frame follows a block with hash {expected}, the one before it has {found}")]
    Unchained {
        /// What the frame follows.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// The payload is packed in a way this build does not know.
    #[error("the payload is packed in way {0}, this build knows 0 and 1")]
    Packing(u8),
    /// The payload does not unpack.
    #[error("the payload does not unpack")]
    Packed(#[source] io::Error),
    /// The payload is not what the header says.
    #[error("the payload is not what the header says")]
    Payload,
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
    /// It ends elsewhere.
    #[error("it ends at {found}, it says that it ends at {expected}")]
    Ends {
        /// Where it should end.
        expected: Position,
        /// Where it does.
        found: Position,
    },
    /// It holds nothing.
    #[error("the block holds a commit without events, or none at all")]
    Empty,
    /// The store cannot read it.
    #[error(transparent)]
    Store(Box<JournalError>),
}

/// Writes an error and all that is behind it in one line.
#[must_use]
pub fn in_one_line(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Returns what makes an error of the operating system's ours.
pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::Io { doing, path: path.to_path_buf(), source }
}
