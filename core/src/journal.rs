//! What core asks of the place where commits are kept. Stores implement it; core never calls it.
use std::error::Error;

use crate::{Commit, Position};

/// A durable, totally ordered list of commits with one writer and any number of readers.
pub trait Journal {
    /// Why the store failed.
    type Error: Error + Send + Sync + 'static;
    /// Reads the journal while its writer appends.
    type Reader: JournalReader<Error = Self::Error>;

    /// Appends commits, all or none, and returns once they will survive a power cut.
    ///
    /// # Errors
    ///
    /// [`AppendError::Conflict`] if the journal does not end where the first commit wants to
    /// stand: someone else is writing, and nothing was appended. [`AppendError::TooLarge`] if they
    /// are more than the journal can make durable at once; nothing was appended either, and the
    /// journal goes on. [`AppendError::Fault`] if the
    /// commits may or may not be durable: the journal then refuses every later append.
    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<Self::Error>>;

    /// Returns how many bytes the commits of one append may have together, each as
    /// [`codec::encode`](crate::codec::encode) writes it alone. What is within is never
    /// [`AppendError::TooLarge`], so a writer can tell before it appends; it never changes.
    fn append_max(&self) -> usize;

    /// Returns a handle for reading.
    fn reader(&self) -> Self::Reader;
}

/// Reads a journal. Cheap to clone; never sees part of an append.
pub trait JournalReader: Clone + Send + Sync + 'static {
    /// Why the store failed.
    type Error: Error + Send + Sync + 'static;

    /// Reads, oldest first, every commit that has an event past `after`. The first one may begin
    /// before it. An error ends the reading: nothing is skipped.
    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, Self::Error>> + Send;

    /// Reads the same, for those who read much of it: it may do some of the work ahead, on threads
    /// of its own.
    fn read_ahead(
        &self,
        after: Position,
    ) -> impl Iterator<Item = Result<Commit, Self::Error>> + Send {
        self.read(after)
    }
}

/// Commits were not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E: Error> {
    /// The journal ends elsewhere.
    #[error("the journal ends at {actual}, the commits want to stand after {expected}")]
    Conflict {
        /// Where the commits want to stand.
        expected: Position,
        /// Where the journal ends.
        actual: Position,
    },
    /// The commits are too large for one append.
    #[error("the commits have {size} bytes, the journal appends at most {max} at once")]
    TooLarge {
        /// How large they are, in bytes.
        size: usize,
        /// How large they may be, in bytes.
        max: usize,
    },
    /// The store failed.
    #[error("the journal could not be written")]
    Fault(#[source] E),
}
