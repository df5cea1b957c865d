//! Calls into sled, with its panics turned into errors.
//!
//! Over damaged files sled panics as readily as it returns an error, and means the same by both.
use std::{
    any::Any,
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use edge_ledger_journal::JournalError;

/// Runs something of sled's in the journal's directory.
pub(crate) fn shielded<T>(
    directory: &Path,
    doing: &'static str,
    work: impl FnOnce() -> sled::Result<T>,
) -> Result<T, JournalError> {
    use sled::Error::{CollectionNotFound, Corruption, Io, ReportableBug, Unsupported};

    // Whatever a panic leaves behind is not used again: the caller gives the journal up.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error @ (Corruption { .. } | ReportableBug(_)))) => {
            Err(damaged(directory, doing, error.into()))
        }
        Ok(Err(error @ (CollectionNotFound(_) | Io(_) | Unsupported(_)))) => {
            Err(JournalError::Store {
                told: format!("sled cannot {doing} its files in {}", directory.display()),
                source: Some(error.into()),
            })
        }
        Err(panic) => {
            let said = format!("sled panicked: {}", message(&*panic));
            Err(damaged(directory, doing, said.into()))
        }
    }
}

fn damaged(
    directory: &Path,
    doing: &'static str,
    source: Box<dyn Error + Send + Sync>,
) -> JournalError {
    let directory = directory.display();
    let told =
        format!("sled cannot {doing} its files in {directory}, they are damaged: restore a backup");
    JournalError::Store { told, source: Some(source) }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_means_damage_is_called_damage() {
        let corruption = shielded(Path::new("/j"), "read", || {
            Err::<(), _>(sled::Error::Corruption { at: None, bt: () })
        });
        let text = shielded::<()>(Path::new("/j"), "read", || panic!("a {}", "text"));
        let word = shielded::<()>(Path::new("/j"), "read", || panic!("word"));

        for (outcome, source) in
            [(corruption, "Read corrupted"), (text, "sled panicked: a text"), (word, "word")]
        {
            let error = outcome.unwrap_err();
            assert!(error.to_string().contains("cannot read its files in /j, they are damaged"));
            assert!(error.source().unwrap().to_string().contains(source), "{error:?}");
        }
    }

    #[test]
    fn what_the_system_refused_is_not_called_damage() {
        let refused = || Err::<(), _>(sled::Error::Io(io::ErrorKind::StorageFull.into()));

        let error = shielded(Path::new("/j"), "append to", refused).unwrap_err();

        assert_eq!(error.to_string(), "sled cannot append to its files in /j");
        assert_eq!(shielded(Path::new("/j"), "read", || Ok(7)).unwrap(), 7);
    }
}
