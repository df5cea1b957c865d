//! What the journal asks of the place where frames are kept.
use edge_ledger_core::Position;

use crate::{Frame, JournalError};

/// Keeps frames, oldest first, for one writer and any number of readers.
pub trait Store: Send + 'static {
    /// Reads the store while its writer appends.
    type Reader: StoreReader;

    /// Returns the most bytes that one frame may have.
    fn frame_max(&self) -> usize;

    /// Appends a frame, whole or not at all, and returns once it will survive a power cut. Readers
    /// see it from then on.
    ///
    /// # Errors
    ///
    /// The frame may or may not be durable then; the store refuses every later append.
    fn append(&mut self, frame: &Frame) -> Result<(), JournalError>;

    /// Removes the frames that end at or before a position. What they took comes back when the
    /// store sees fit. Frames past the position are as they were, whatever happens.
    ///
    /// # Errors
    ///
    /// Some of the frames may be removed then, oldest first.
    fn remove_until(&mut self, position: Position) -> Result<(), JournalError>;

    /// Returns a handle for reading.
    fn reader(&self) -> Self::Reader;
}

/// Reads a store. Cheap to clone; never sees a frame that is not durable.
pub trait StoreReader: Clone + Send + Sync + 'static {
    /// Reads frames, oldest first, from the one that holds the event after a position on, or from
    /// the first there is if that one has been removed. Up to where the store durably ends as this
    /// is called. An error ends the reading.
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
