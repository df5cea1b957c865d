//! What can go wrong between a command and its answer.
use std::{error::Error, sync::Arc};

use edge_ledger_core::{Corruption, Rejection};

/// A failure of the journal, whichever it is. Shared, because everybody who waits is told.
pub type Fault = Arc<dyn Error + Send + Sync>;

/// A command did not go through.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The ledger refused it; everything is as it was.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The queue before the writer is full; nothing was done.
    #[error("the writer's queue is full: try again in a moment")]
    Busy,
    /// It would make a commit that the journal cannot append at once; everything is as it was.
    #[error("the commit would have {size} bytes, at most {max} are appended at once: send less")]
    TooLarge {
        /// How large it would be, in bytes.
        size: usize,
        /// How large it may be, in bytes.
        max: usize,
    },
    /// It was decided, but nobody knows whether it is in the journal. The writer has stopped.
    #[error("the journal could not be written, so the outcome is unknown")]
    Unrecorded(#[source] Fault),
    /// The commit that answered it once cannot be read. Nothing was done.
    #[error("the commit that answered this request once could not be read")]
    Unreadable(#[source] Fault),
    /// Whether the archive of tasks knows what was asked about cannot be told. Nothing was done.
    #[error("the archive of finished tasks could not be read")]
    Unarchived(#[source] Fault),
    /// An earlier failure, or the closing of the ledger, stopped the writer; nothing was done.
    #[error("the writer has stopped")]
    Stopped,
}

/// A journal did not make a ledger that can serve.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Unreadable(#[source] Fault),
    /// Its commits do not fold.
    #[error("the journal does not fold")]
    Corrupt(#[from] Corruption),
    /// The archive of tasks does not have what has left the ledger.
    #[error("the archive of finished tasks could not be made to have what has left the ledger")]
    Unarchived(#[source] Fault),
    /// The opening could not be recorded.
    #[error("the opening of the ledger could not be recorded")]
    Unopened(#[from] ExecuteError),
}
