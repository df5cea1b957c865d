//! Golden logs: journals as lines of text, recorded once and folded by every build from then on.
//!
//! The first line is a header that names the format, every other one a commit. Each line makes a
//! block of one commit, so it is read by the very code that reads a journal, in whatever format the
//! header names. In format 1 it is the JSON between the block's brackets, from format 2 on the
//! block's body in hex.
//!
//! A team's own golden log in its own tests, beside the [`Snapshot`] that the build in the field
//! made of it:
//!
//! ```
//! # use edge_ledger_core::{Commit, Cause, CommandId, Event, Principal, Timestamp, lifecycle};
//! use edge_ledger_core::{golden, replay::Snapshot};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let cause = Cause { command: CommandId::from_uuid(uuid::Uuid::nil()), principal: Principal::System, idempotency: None };
//! # let opened = Event::Ledger(lifecycle::Event::Opened { epoch: lifecycle::Epoch(0) });
//! # let commit = Commit { after: Default::default(), recorded_at: Timestamp::EPOCH, cause, events: vec![opened] };
//! # let log = golden::write("it is opened", &[commit]);
//! # let text = golden::replay(log.as_bytes())?.snapshot().to_text();
//! let snapshot = Snapshot::parse(&text)?;
//! let replay = golden::replay(log.as_bytes())?;
//! let difference = snapshot.first_difference(&replay.snapshot());
//! assert!(difference.is_none(), "{}", difference.unwrap());
//! # Ok(())
//! # }
//! ```
//!
//! [`Snapshot`]: crate::replay::Snapshot
pub mod hex;

use serde::{Deserialize, Serialize};

use crate::{
    Commit, Corruption,
    codec::{self, DecodeError},
    replay::{File, Replay},
};

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format that the commits are in.
    pub format: u8,
    /// What happens in it.
    pub about: String,
}

/// A golden log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// It is no text.
    #[error("it is no text in UTF-8 from byte {} on", .0.valid_up_to())]
    Text(#[source] std::str::Utf8Error),
    /// There is no first line, or it is no header.
    #[error("the first line is no header")]
    Header(#[source] Option<serde_json::Error>),
    /// A line is no hex.
    #[error("line {0} is no hex")]
    Hex(usize),
    /// A commit does not decode.
    #[error("line {0} does not decode")]
    Commit(usize, #[source] DecodeError),
    /// The commits do not fold.
    #[error("line {0} does not fold")]
    Corrupt(usize, #[source] Corruption),
}

/// Writes a log in the current format.
///
/// # Panics
///
/// Never: a header is JSON.
#[must_use]
pub fn write(about: &str, log: &[Commit]) -> String {
    let header = Header { format: codec::FORMAT, about: about.to_owned() };
    let header = serde_json::to_string(&header).expect("a header is JSON");
    let commits = log.iter().map(|commit| {
        let block = codec::encode(std::slice::from_ref(commit));
        format!("{}\n", hex::write(&block[1..]))
    });
    [format!("{header}\n")].into_iter().chain(commits).collect()
}

/// Reads a log of any format.
///
/// # Errors
///
/// Fails at the first line that does not decode.
pub fn read(text: &str) -> Result<(Header, Vec<Commit>), GoldenError> {
    let (header, blocks) = blocks(text)?;
    let mut log = Vec::new();
    for (number, block) in (2..).zip(blocks) {
        log.extend(codec::decode(&block).map_err(|fault| GoldenError::Commit(number, fault))?);
    }
    Ok((header, log))
}

/// Folds a log of any format, and notes all that a snapshot compares, the file's own bytes too.
///
/// # Errors
///
/// Fails at the first line that does not decode or does not fold.
pub fn replay(file: &[u8]) -> Result<Replay, GoldenError> {
    let text = std::str::from_utf8(file).map_err(GoldenError::Text)?;
    let (_, log) = read(text)?;
    let mut replay = Replay::attentive().of_file(File::of(file));
    for (number, commit) in (2..).zip(&log) {
        replay.apply(commit).map_err(|fault| GoldenError::Corrupt(number, fault))?;
    }
    Ok(replay)
}

/// Reads the blocks of a log of any format, one a commit, as a journal would hold them.
///
/// # Errors
///
/// Fails at the first line that makes no block.
pub fn blocks(text: &str) -> Result<(Header, Vec<Vec<u8>>), GoldenError> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(GoldenError::Header(None))?;
    let header: Header =
        serde_json::from_str(header).map_err(|fault| GoldenError::Header(Some(fault)))?;
    let block = |(number, line): (usize, &str)| match header.format {
        1 => Ok([&[1][..], b"[", line.as_bytes(), b"]"].concat()),
        format => {
            let body = hex::read(line).ok_or(GoldenError::Hex(number))?;
            Ok([&[format][..], &body].concat())
        }
    };
    let blocks = (2..).zip(lines).map(block).collect::<Result<_, _>>()?;
    Ok((header, blocks))
}
