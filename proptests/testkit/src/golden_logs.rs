//! A team's own golden logs: recorded once, folded by every build from then on.
//!
//! A directory has a `NAME.log` for each, which is one block as [`codec`] writes it, and beside it a
//! `NAME.json`, the ledger that it folded to when it was recorded. In a test of yours:
//!
//! ```no_run
//! edge_ledger_testkit::golden_logs::assert_unchanged("tests/golden");
//! ```
//!
//! [`record`] writes both, and neither is written again. If what a log folds to is not what you want
//! any more, remove it, and say why in the commit that does.
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use edge_ledger_core::{Commit, Corruption, Ledger, codec};
use serde_json::Value;

/// Folds every log of a directory, and compares each with what it folded to.
///
/// # Panics
///
/// Panics with all that differs, and if there is no log at all: a test that looks at nothing is not
/// to pass.
#[track_caller]
pub fn assert_unchanged(directory: impl AsRef<Path>) {
    let directory = directory.as_ref();
    match check(directory) {
        Err(fault) => panic!("{}: {fault}", directory.display()),
        Ok(faults) => {
            let told = faults.iter().map(|(log, fault)| format!("{}: {fault}", log.display()));
            assert!(faults.is_empty(), "{}", told.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Folds every log of a directory; returns those that do not fold to what they folded to, with how.
///
/// # Errors
///
/// Fails if the directory cannot be read, or has no log.
pub fn check(directory: &Path) -> io::Result<Vec<(PathBuf, Fault)>> {
    let mut logs = Vec::new();
    for file in fs::read_dir(directory)? {
        logs.push(file?.path());
    }
    logs.retain(|path| path.extension().is_some_and(|kind| kind == "log"));
    logs.sort();
    if logs.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no golden log"));
    }
    let faults = logs.into_iter().filter_map(|log| {
        let fault = check_one(&log).err()?;
        Some((log, fault))
    });
    Ok(faults.collect())
}

/// Records a log, with what it folds to. What is there already stays as it is.
///
/// # Errors
///
/// Fails if the log does not fold, if there is one of the name, or if it cannot be written.
pub fn record(directory: &Path, name: &str, log: &[Commit]) -> Result<(), Fault> {
    let state = folded(log)?;
    create(&directory.join(format!("{name}.log")), &codec::encode(log))?;
    create(&directory.join(format!("{name}.json")), format!("{state:#}\n").as_bytes())?;
    Ok(())
}

/// Why a log is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It, or what is beside it, could not be read or written.
    #[error("cannot be read or written: {0}")]
    File(#[from] io::Error),
    /// It is no block of any format.
    #[error("cannot be read: {0}")]
    Block(#[from] codec::DecodeError),
    /// It does not fold.
    #[error("does not fold: {0}")]
    Corrupt(#[from] Corruption),
    /// What is beside it is no JSON.
    #[error("the ledger beside it is no JSON: {0}")]
    Beside(#[from] serde_json::Error),
    /// It folds to another ledger.
    #[error("at {at} the ledger was {was}, and is {is}")]
    Differs {
        /// Where, as a JSON pointer.
        at: String,
        /// What was recorded there.
        was: Value,
        /// What is there.
        is: Value,
    },
}

fn check_one(log: &Path) -> Result<(), Fault> {
    let is = folded(&codec::decode(&fs::read(log)?)?)?;
    let was = serde_json::from_slice(&fs::read(log.with_extension("json"))?)?;
    match difference(&was, &is, String::new()) {
        Some((at, was, is)) => Err(Fault::Differs { at, was: was.clone(), is: is.clone() }),
        None => Ok(()),
    }
}

fn folded(log: &[Commit]) -> Result<Value, Fault> {
    let mut ledger = Ledger::default();
    for commit in log {
        ledger.apply(commit)?;
    }
    Ok(serde_json::to_value(&ledger)?)
}

/// Finds the first place where two values part, as deep as it can be told.
fn difference<'a>(
    was: &'a Value,
    is: &'a Value,
    at: String,
) -> Option<(String, &'a Value, &'a Value)> {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let mut fields: Vec<_> = was.keys().chain(is.keys()).collect();
            fields.sort();
            fields.dedup();
            let of = |map: &'a serde_json::Map<_, _>, field| map.get(field).unwrap_or(&Value::Null);
            fields.into_iter().find_map(|field| {
                difference(of(was, field), of(is, field), format!("{at}/{field}"))
            })
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let mut pairs = was.iter().zip(is).enumerate();
            pairs.find_map(|(nth, (was, is))| difference(was, is, format!("{at}/{nth}")))
        }
        _ => (was != is).then_some((at, was, is)),
    }
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::File::create_new(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn a_recorded_log_is_what_it_was_until_it_folds_to_something_else() {
        let directory = tempfile::tempdir().expect("makes a directory");
        assert!(check(directory.path()).is_err(), "there is nothing to check");
        let log = |id: &str| {
            let script = format!("ledger open\nsubmit {id}\ntask {id} cancel no");
            scenario::run(&script).book.log().to_vec()
        };

        record(directory.path(), "cancelled", &log("job")).expect("is recorded");
        assert_unchanged(directory.path());

        let again = record(directory.path(), "cancelled", &log("job"));
        assert!(matches!(again, Err(Fault::File(_))), "{again:?}");

        let path = directory.path().join("cancelled.log");
        fs::write(&path, codec::encode(&log("jab"))).expect("writes");
        let faults = check(directory.path()).expect("reads");
        let [(_, Fault::Differs { at, .. })] = faults.as_slice() else { panic!("{faults:?}") };
        assert!(at.starts_with("/tasks/ja"), "{at}");

        let whole = fs::read(&path).expect("reads");
        fs::write(&path, &whole[..whole.len() - 1]).expect("writes");
        let faults = check(directory.path()).expect("reads");
        assert!(matches!(faults.as_slice(), [(_, Fault::Block(_))]), "{faults:?}");
    }
}
