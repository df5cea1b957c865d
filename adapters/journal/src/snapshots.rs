//! The directory of a log's snapshots.
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use edge_ledger_core::{Ledger, Position};

use crate::{JournalError, Link, Snapshot, Unfit, directory, error::io_error, in_one_line};

const SUFFIX: &str = ".snapshot";
const HALF: &str = ".snapshot.half";

/// How many are kept: the newest, and one to fall back on.
const KEPT: usize = 2;

/// Snapshots of one log, each in a file that is named after its position.
///
/// They are a cache: whatever is wrong with one, the log says the same and more.
#[derive(Clone, Debug)]
pub struct Snapshots {
    directory: PathBuf,
}

impl Snapshots {
    /// Names the directory. It is made when the first snapshot is written.
    #[must_use]
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads the newest snapshot that is whole and belongs to a log, of which `log` says where its
    /// chain stands at a position, if a block ends there. What is passed over is logged, and why.
    pub fn newest<E: Error>(
        &self,
        mut log: impl FnMut(Position) -> Result<Option<Link>, E>,
    ) -> Option<Snapshot> {
        let positions = self.positions().unwrap_or_else(|error| {
            let directory = self.directory.display();
            tracing::warn!(%directory, error = in_one_line(&error), "the snapshots cannot be listed");
            Vec::new()
        });
        positions.into_iter().rev().find_map(|position| {
            let path = self.path(position);
            match read(&path).and_then(|snapshot| belonging(snapshot, &mut log)) {
                Ok(snapshot) => Some(snapshot),
                Err(unfit) => {
                    let path = path.display();
                    tracing::warn!(%path, reason = in_one_line(&unfit), "a snapshot is passed over");
                    None
                }
            }
        })
    }

    /// Writes a ledger as it was where a block ended, and keeps of the older snapshots the newest.
    ///
    /// The file has its name only once it is whole and durable. Any that stand past it are removed:
    /// the log had not come so far.
    ///
    /// # Errors
    ///
    /// The snapshots are as they were then, but more than are kept may be there.
    ///
    /// # Panics
    ///
    /// If the ledger's head is not there.
    pub fn write(&self, link: Link, ledger: &Ledger) -> Result<PathBuf, JournalError> {
        let bytes = Snapshot::encode(link, ledger);
        directory::create(&self.directory)?;
        self.remove_halves()?;
        let (path, half) = (self.path(link.position), self.file(link.position, HALF));
        directory::write(&half, &bytes)?;
        fs::rename(&half, &path).map_err(io_error("rename", &half))?;
        directory::sync(&self.directory)?;
        self.prune(link.position)?;
        Ok(path)
    }

    fn prune(&self, newest: Position) -> Result<(), JournalError> {
        let mut before = self.positions()?;
        let past = before.split_off(before.partition_point(|found| *found <= newest));
        let old = before.len().saturating_sub(KEPT);
        for position in before.drain(..old).chain(past) {
            remove(&self.path(position))?;
        }
        Ok(())
    }

    fn remove_halves(&self) -> Result<(), JournalError> {
        for name in self.names()?.iter().filter(|name| name.ends_with(HALF)) {
            remove(&self.directory.join(name))?;
        }
        Ok(())
    }

    /// Lists the positions that have a file, in order.
    fn positions(&self) -> Result<Vec<Position>, JournalError> {
        let names = self.names()?;
        let mut positions: Vec<_> = names.iter().filter_map(|name| position(name)).collect();
        positions.sort_unstable();
        Ok(positions)
    }

    fn names(&self) -> Result<Vec<String>, JournalError> {
        if self.directory.exists() { directory::names(&self.directory) } else { Ok(Vec::new()) }
    }

    fn path(&self, position: Position) -> PathBuf {
        self.file(position, SUFFIX)
    }

    fn file(&self, position: Position, suffix: &str) -> PathBuf {
        self.directory.join(format!("{:020}{suffix}", position.get()))
    }
}

fn position(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 20)?;
    digits.parse().ok().map(Position::new)
}

fn read(path: &Path) -> Result<Snapshot, Unfit> {
    Snapshot::decode(&fs::read(path).map_err(Unfit::Unreadable)?)
}

/// Passes on a snapshot that was made of this log.
fn belonging<E: Error>(
    snapshot: Snapshot,
    log: impl FnOnce(Position) -> Result<Option<Link>, E>,
) -> Result<Snapshot, Unfit> {
    let Link { position, hash: said } = snapshot.link();
    match log(position).map_err(|error| Unfit::Unchecked(in_one_line(&error)))? {
        Some(here) if here.hash == said => Ok(snapshot),
        Some(here) => Err(Unfit::Foreign { position, said, found: here.hash }),
        None => Err(Unfit::Nowhere(position)),
    }
}

fn remove(path: &Path) -> Result<(), JournalError> {
    fs::remove_file(path).map_err(io_error("remove", path))
}
