//! Calls into sled, with its panics turned into errors.
//!
//! Over damaged files sled panics as readily as it returns an error, and means the same by both.
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::JournalError;

/// Runs something of sled's in the journal's directory.
pub(crate) fn shielded<T>(
    directory: &Path,
    doing: &'static str,
    work: impl FnOnce() -> sled::Result<T>,
) -> Result<T, JournalError> {
    use sled::Error::{CollectionNotFound, Corruption, Io, ReportableBug, Unsupported};

    let directory = || directory.to_path_buf();
    // Whatever a panic leaves behind is not used again: the caller gives the journal up.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error @ (Corruption { .. } | ReportableBug(_)))) => {
            Err(JournalError::Damaged { directory: directory(), doing, source: error.into() })
        }
        Ok(Err(error @ (CollectionNotFound(_) | Io(_) | Unsupported(_)))) => {
            Err(JournalError::Sled { doing, directory: directory(), source: error.into() })
        }
        Err(panic) => Err(JournalError::Damaged {
            directory: directory(),
            doing,
            source: format!("sled panicked: {}", message(&*panic)).into(),
        }),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
