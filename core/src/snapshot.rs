//! A ledger at its head, as bytes: a cache of what the log says, never a truth of its own.
use crate::{
    Ledger,
    codec::{Malformed, binary},
    task::Task,
};

/// The format that [`encode`] writes.
pub const FORMAT: u8 = 2;

/// A snapshot could not be read: throw it away and replay.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is not even a format byte.
    #[error("snapshot is empty")]
    Empty,
    /// Another build wrote it.
    #[error("snapshot has format {0}, this build knows {FORMAT}")]
    Foreign(u8),
    /// Its body is not what its format says.
    #[error("snapshot does not parse")]
    Malformed(#[source] Malformed),
}

/// Writes a ledger. Equal ledgers give equal bytes.
#[must_use]
pub fn encode(ledger: &Ledger) -> Vec<u8> {
    binary::encode(FORMAT, ledger)
}

/// Reads a ledger.
///
/// # Errors
///
/// Fails if the snapshot is damaged or of another format.
pub fn decode(bytes: &[u8]) -> Result<Ledger, SnapshotError> {
    binary::decode(body(bytes)?).map_err(SnapshotError::Malformed)
}

/// Writes a task that leaves the ledger, as it is.
#[must_use]
pub fn encode_task(task: &Task) -> Vec<u8> {
    binary::encode(FORMAT, task)
}

/// Reads a task that has left.
///
/// # Errors
///
/// Fails if it is damaged or of another format.
pub fn decode_task(bytes: &[u8]) -> Result<Task, SnapshotError> {
    binary::decode(body(bytes)?).map_err(SnapshotError::Malformed)
}

fn body(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    match bytes.split_first() {
        None => Err(SnapshotError::Empty),
        Some((&FORMAT, body)) => Ok(body),
        Some((&other, _)) => Err(SnapshotError::Foreign(other)),
    }
}
