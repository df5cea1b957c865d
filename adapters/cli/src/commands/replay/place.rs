//! Which logs there are where somebody points to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    exit::{Exit, Failure},
    journal,
    source::is_archive,
};

/// How the name of a snapshot goes on behind that of its log.
const SNAPSHOT: &str = ".snapshot.json";

/// How the name of one goes on that is packed, because it is long.
const PACKED: &str = ".snapshot.json.zst";

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) logs: Vec<PathBuf>,
    /// Snapshots beside which there is no log.
    pub(super) without_log: Vec<PathBuf>,
}

/// Returns where the snapshot of a log lies.
pub(super) fn snapshot_of(log: &Path) -> PathBuf {
    beside(log, SNAPSHOT)
}

/// Returns where the snapshot of a log lies, if it is packed.
pub(super) fn packed_snapshot_of(log: &Path) -> PathBuf {
    beside(log, PACKED)
}

fn beside(log: &Path, more: &str) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Finds every log: what is named, and what lies below a directory that is no data directory.
pub(super) fn find(named: &[PathBuf]) -> Result<Found> {
    let mut found = Found::default();
    for path in named {
        if !path.exists() {
            let told = format!("there is no log at {}", path.display());
            return Err(Failure::new(Exit::NotFound, told).into());
        }
        found.add(path)?;
    }
    if found.logs.is_empty() && found.without_log.is_empty() {
        let names: Vec<_> = named.iter().map(|path| path.display().to_string()).collect();
        let told = format!("there is no log below {}", names.join(", "));
        return Err(Failure::new(Exit::NotFound, told).into());
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, path: &Path) -> Result<()> {
        if !path.is_dir() || journal::place(path).is_dir() || is_archive(path) {
            match log_of(path) {
                None => self.logs.push(path.to_owned()),
                Some(log) if log.exists() => {}
                Some(_) => self.without_log.push(path.to_owned()),
            }
            return Ok(());
        }
        let unread = || format!("cannot read {}", path.display());
        let entries = fs::read_dir(path).with_context(unread)?;
        let entries = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
        let mut entries = entries.with_context(unread)?;
        entries.sort_unstable();
        entries.iter().try_for_each(|entry| self.add(entry))
    }
}

/// Returns the log that a snapshot is of, if that is what the file is named as.
fn log_of(path: &Path) -> Option<PathBuf> {
    let name = path.as_os_str().to_str()?;
    let log = name.strip_suffix(SNAPSHOT).or_else(|| name.strip_suffix(PACKED));
    log.map(PathBuf::from)
}
