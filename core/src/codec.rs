//! How commits look on disk.
//!
//! A block starts with one byte that names its format; the rest is in that format. When a change
//! to [`Commit`] comes that old bytes would not survive, the types of the old format are frozen
//! beside this file and lifted to today's as they are read.
pub(crate) mod binary;
mod v1;

use crate::Commit;

/// The format that [`encode`] writes.
pub const FORMAT: u8 = 2;

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
        source: Malformed,
    },
}

/// Bytes are not what their format says.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// They are not the JSON they should be.
    #[error(transparent)]
    Json(serde_json::Error),
    /// They are not the binary form they should be.
    #[error("what should stand at byte {at} of {length} does not")]
    Binary {
        /// How many bytes had been read.
        at: usize,
        /// How many bytes there are.
        length: usize,
        /// What was wrong.
        source: postcard::Error,
    },
    /// They go on behind their end.
    #[error("all is said by byte {at}, but there are {length}")]
    LeftOver {
        /// Where they should end.
        at: usize,
        /// How many bytes there are.
        length: usize,
    },
}

/// Writes commits as one block of the current format.
#[must_use]
pub fn encode(commits: &[Commit]) -> Vec<u8> {
    binary::encode(FORMAT, commits)
}

/// Returns how long the block is that [`encode`] makes of the same commits, without making it.
#[must_use]
pub fn encoded_len(commits: &[Commit]) -> usize {
    binary::encoded_len(commits)
}

/// Reads a block of any known format, lifted to the current one.
///
/// # Errors
///
/// Fails if the block is damaged or too new. Nothing of it is returned then.
pub fn decode(block: &[u8]) -> Result<Vec<Commit>, DecodeError> {
    let malformed = |format| move |source| DecodeError::Malformed { format, source };
    match block.split_first() {
        None => Err(DecodeError::Empty),
        Some((0, _)) => Err(DecodeError::Unknown(0)),
        Some((1, body)) => v1::decode(body).map_err(malformed(1)),
        Some((&FORMAT, body)) => binary::decode(body).map_err(malformed(FORMAT)),
        Some((&newer, _)) => Err(DecodeError::TooNew(newer)),
    }
}

/// Reads one commit as JSON in the words of any known format, lifted to the current one.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_json(format: u8, json: &[u8]) -> Result<Commit, DecodeError> {
    let malformed = |source| DecodeError::Malformed { format, source: Malformed::Json(source) };
    match format {
        0 => Err(DecodeError::Unknown(0)),
        // What has changed since are events that format 1 does not know.
        1 | FORMAT => serde_json::from_slice(json).map_err(malformed),
        newer => Err(DecodeError::TooNew(newer)),
    }
}
