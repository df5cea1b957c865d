//! Why an export cannot be used.
use std::io;

use edge_ledger_core::{Digest, Position, codec::DecodeError};

use super::EXPORT;
use crate::{Damage, Link};

/// An export cannot be used. What it said up to there may be looked at, and no more.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It is something else, or has lost its beginning.
    #[error("line 1 is not the first line of an export, {{\"export\":{EXPORT},…}}")]
    NoExport(#[source] Option<serde_json::Error>),
    /// A later build wrote it.
    #[error(
        "line 1 has {field} {found}, the newest this build knows is {known}: use the build that \
         wrote it"
    )]
    TooNew {
        /// The field that says so.
        field: &'static str,
        /// What it says.
        found: u8,
        /// What this build knows.
        known: u8,
    },
    /// It is not as it was written.
    #[error("line {line} cannot be relied on")]
    Unsound {
        /// Which, counted from one.
        line: u64,
        /// What is wrong with it.
        #[source]
        flaw: ExportFlaw,
    },
    /// The operating system refused.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// What is wrong with a line of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportFlaw {
    /// No build has ever written such a format.
    #[error("field format is {found}, exports begin with format {first}")]
    Format {
        /// The format that the first line names.
        found: u8,
        /// The first there was.
        first: u8,
    },
    /// The file ends there.
    #[error("the file breaks off there, expected lines up to its last one, {{\"end\":…}}")]
    BreaksOff,
    /// There is something behind the last line.
    #[error("there is something behind the last line")]
    GoesOn,
    /// It is longer than any line.
    #[error("it has more than {max} bytes")]
    TooLong {
        /// How many it may have.
        max: usize,
    },
    /// It is none of the lines that there are.
    #[error("it begins {found:?}, expected {{\"commit\":, {{\"gap\": or {{\"end\":")]
    Unknown {
        /// How it begins.
        found: String,
    },
    /// It is not the JSON that it should be.
    #[error("it does not parse")]
    Malformed(#[source] serde_json::Error),
    /// Its commit is not in the words of its format.
    #[error("field commit does not parse as one of format {format}")]
    Commit {
        /// The format that the first line names.
        format: u8,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// It means what it should and is written otherwise: something changed it.
    #[error(
        "byte {at} is {found}, where this build writes {expected} for the same: it was edited, or \
         has fields that are not known"
    )]
    Edited {
        /// The first byte that differs, counted from one.
        at: usize,
        /// What is there.
        found: LineByte,
        /// What should be.
        expected: LineByte,
    },
    /// It stands elsewhere.
    #[error(
        "field {field} is {found}, expected {expected}: a line is missing, doubled or out of order"
    )]
    Misplaced {
        /// The field that says so.
        field: &'static str,
        /// What it says.
        found: Position,
        /// Where the line before ended.
        expected: Position,
    },
    /// A commit or a gap holds nothing.
    #[error("field {field} holds nothing")]
    Empty {
        /// Which.
        field: &'static str,
    },
    /// A block has bytes that cannot be used.
    #[error("field block is not the block that ends here")]
    Block(#[source] Option<Damage>),
    /// The bytes of a block are not what its lines say.
    #[error("field block says otherwise than the commit after position {after}")]
    Otherwise {
        /// Where the commit stands.
        after: Position,
    },
    /// The chain is broken.
    #[error(
        "field hash is {said}, lines {first} to here make {made}: something in them was altered"
    )]
    Unchained {
        /// The first line of the block.
        first: u64,
        /// What the line says.
        said: Digest,
        /// What the lines make.
        made: Digest,
    },
    /// A block does not end.
    #[error("the block that begins on line {first} is not ended by a field hash before it")]
    Unended {
        /// The first line of the block.
        first: u64,
    },
    /// It ends elsewhere than it says.
    #[error("the log ends at {found}, {field} says {said}")]
    Ends {
        /// What says otherwise.
        field: &'static str,
        /// What it says.
        said: Link,
        /// Where the log ends.
        found: Link,
    },
}

/// One byte of a line, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineByte(pub(super) Option<u8>);

impl std::fmt::Display for LineByte {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => f.write_str("the end of the line"),
            Some(byte) if byte.is_ascii_graphic() => write!(f, "`{}`", char::from(byte)),
            Some(byte) => write!(f, "0x{byte:02x}"),
        }
    }
}
