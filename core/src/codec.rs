//! How commits look on disk.
//!
//! A block starts with one byte that names its format; the rest is JSON in that format. When a
//! change to [`Commit`] comes that old bytes would not survive, the types of the old format are
//! frozen beside this file and lifted to today's as they are read.
use crate::Commit;

/// The format that [`encode`] writes.
pub const FORMAT: u8 = 1;

/// A block could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There is not even a format byte.
    #[error("block is empty")]
    Empty,
    /// A later build wrote it.
    #[error("block has format {0}, the newest this build knows is {FORMAT}: use a newer build")]
    TooNew(u8),
    /// No build has ever written such a format.
    #[error("block has format {0}, which there never was")]
    Unknown(u8),
    /// The body is not what its format says.
    #[error("block of format {format} does not parse")]
    Malformed {
        /// The format its first byte names.
        format: u8,
        /// Where and why it does not parse.
        source: serde_json::Error,
    },
}

/// Writes commits as one block of the current format.
///
/// # Panics
///
/// Never: commits hold nothing that JSON cannot.
#[must_use]
pub fn encode(commits: &[Commit]) -> Vec<u8> {
    let mut block = vec![FORMAT];
    serde_json::to_writer(&mut block, commits).expect("commits are JSON");
    block
}

/// Reads a block of any known format, lifted to the current one.
///
/// # Errors
///
/// Fails if the block is damaged or too new. Nothing of it is returned then.
pub fn decode(block: &[u8]) -> Result<Vec<Commit>, DecodeError> {
    match block.split_first() {
        None => Err(DecodeError::Empty),
        Some((0, _)) => Err(DecodeError::Unknown(0)),
        Some((&FORMAT, body)) => serde_json::from_slice(body)
            .map_err(|source| DecodeError::Malformed { format: FORMAT, source }),
        Some((&newer, _)) => Err(DecodeError::TooNew(newer)),
    }
}
