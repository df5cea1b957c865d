//! What the journal asks of the place where frames are kept.
use std::sync::Arc;

use edge_ledger_core::Position;

use crate::{Frame, JournalError, Link};

/// Keeps frames, oldest first, for one writer and any number of readers.
pub trait Store: Send + 'static {
    /// Reads the store while its writer appends.
    type Reader: StoreReader;

    /// Appends frames, all or none, and returns once they will survive a power cut. Readers see
    /// them from then on, all at once. `link` is where the chain stands after them.
    ///
    /// The last frame alone says that the append ends with it: see [`Frame::goes_on`].
    ///
    /// # Errors
    ///
    /// The frames may or may not be durable then: nothing more may be appended before the store is
    /// opened again.
    fn append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError>;

    /// Returns a handle for reading.
    fn reader(&self) -> Self::Reader;

    /// Returns what removes frames, from any thread and while the writer appends.
    fn remover(&self) -> Remover;
}

/// Removes the frames that end at or before a position, oldest first, but never the last frame.
/// What they took comes back when the store sees fit. Frames past the position are as they were,
/// whatever happens; after an error or a power cut some of the others may be left.
pub type Remover = Arc<dyn Fn(Position) -> Result<(), JournalError> + Send + Sync>;

/// Reads a store. Cheap to clone; never sees a frame that is not durable.
pub trait StoreReader: Clone + Send + Sync + 'static {
    /// Reads frames, oldest first, from the one that holds the event after a position on, or from
    /// the first there is if that one has been removed. Up to where the store durably ends as this
    /// is called. An error ends the reading.
    ///
    /// Each frame is as it was written, by its checksum. Whether it follows the one before it is
    /// for the caller to see.
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send;

    /// Returns the last frame; none if there are none.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read, or the frame is damaged.
    fn last(&self) -> Result<Option<Frame>, JournalError>;

    /// Returns how many bytes the store takes on disk.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be looked at.
    fn disk_bytes(&self) -> Result<u64, JournalError>;
}
