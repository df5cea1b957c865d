//! A log, and what commands make of it.
use std::{
    error::Error,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use edge_ledger_core::{Digest, Journal as _, Ledger};
use edge_ledger_engine::replay;
use edge_ledger_journal::{
    BackupWriter, BlockJournal, BlockReader, Link, SegmentStore, Snapshots, StoreReader,
};
use edge_ledger_power::workloads::{Broken, groups};
use edge_ledger_sled::SledStore;
use tempfile::TempDir;

use crate::workloads::succeed;

/// What keeps a log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    Sled,
    Segments,
}

impl Store {
    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Sled => Self::Segments,
            Self::Segments => Self::Sled,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Segments => "segments",
        }
    }
}

/// A data directory where no power is cut, and a backup of it.
pub(crate) struct Source {
    place: TempDir,
    pub(crate) head: Link,
    pub(crate) digest: Digest,
}

impl Source {
    pub(crate) fn new(store: Store) -> Result<Self, Broken> {
        let place = tempfile::tempdir().map_err(|error| stuck(&error))?;
        let data = place.path().join("data/journal");
        match store {
            Store::Sled => Self::fill(SledStore::open(data).map_err(|it| stuck(&it))?, place),
            Store::Segments => {
                Self::fill(SegmentStore::open(data).map_err(|it| stuck(&it))?, place)
            }
        }
    }

    fn fill(store: impl edge_ledger_journal::Store, place: TempDir) -> Result<Self, Broken> {
        let mut journal = BlockJournal::open(store).map_err(|error| stuck(&error))?;
        journal.append(&groups().concat()).map_err(|error| stuck(&error))?;
        let digest = replay(&journal.reader()).map_err(|error| stuck(&error))?.digest();
        let source = Self { head: journal.link(), place, digest };
        source.write_backup(journal.reader())?;
        Ok(source)
    }

    fn write_backup<R: StoreReader>(&self, log: BlockReader<R>) -> Result<(), Broken> {
        let mut file = File::create(self.backup()).map_err(|error| stuck(&error))?;
        for bytes in BackupWriter::new(log, None, None).map_err(|error| stuck(&error))? {
            let bytes = bytes.map_err(|error| stuck(&error))?;
            file.write_all(&bytes).map_err(|error| stuck(&error))?;
        }
        Ok(())
    }

    /// Has it backed up from its directory: no gateway answers.
    pub(crate) fn back_up(&self, file: &Path) -> Result<(), Broken> {
        let mut command = edge_ledger(&["backup", "--url", "http://127.0.0.1:1", "--data"]);
        succeed(command.arg(self.data()).arg(file))
    }

    pub(crate) fn restore(&self, data: &Path, store: Store) -> Result<(), Broken> {
        let mut command = edge_ledger(&["restore", "--store", store.word(), "--data"]);
        succeed(command.arg(data).arg(self.backup()))
    }

    pub(crate) fn convert(&self, into: &Path, store: Store) -> Result<(), Broken> {
        let mut command = edge_ledger(&["log", "convert", "--to", store.word(), "--data"]);
        succeed(command.arg(self.data()).arg("--into").arg(into))
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn backup(&self) -> PathBuf {
        self.place.path().join("backup")
    }
}

/// A data directory that a command has made.
pub(crate) struct Made {
    pub(crate) head: Link,
    pub(crate) ledger: Ledger,
    /// Where the chain stands at a position that was asked for.
    links: Box<dyn Fn(edge_ledger_core::Position) -> Option<Link>>,
    snapshots: Snapshots,
}

impl Made {
    pub(crate) fn open(data: &Path, store: Store) -> Result<Self, String> {
        let journal = data.join("journal");
        match store {
            Store::Sled => {
                let store = SledStore::open(journal).map_err(|error| chain(&error))?;
                Self::of(BlockJournal::open(store).map_err(|error| chain(&error))?, data)
            }
            Store::Segments => {
                let store = SegmentStore::open(journal).map_err(|error| chain(&error))?;
                Self::of(BlockJournal::open(store).map_err(|error| chain(&error))?, data)
            }
        }
    }

    fn of<S>(journal: BlockJournal<S>, data: &Path) -> Result<Self, String>
    where
        S: edge_ledger_journal::Store,
        S::Reader: 'static,
    {
        let (head, log) = (journal.link(), journal.reader());
        let ledger = replay(&log).map_err(|error| chain(&error))?;
        let links = Box::new(move |position| log.link_at(position).ok().flatten());
        Ok(Self { head, ledger, links, snapshots: Snapshots::at(data.join("snapshots")) })
    }

    /// Whether its log is that up to a link, and more.
    pub(crate) fn goes_on_from(&self, link: Link) -> Result<(), String> {
        match (self.links)(link.position) {
            Some(found) if found == link => Ok(()),
            found => Err(format!("its chain has {found:?} where {link} was")),
        }
    }

    /// Returns the digest of the newest snapshot that belongs to its log.
    pub(crate) fn newest_snapshot(&self) -> Option<Digest> {
        let link = |position| Ok::<_, std::convert::Infallible>((self.links)(position));
        Some(self.snapshots.newest(link)?.ledger().digest())
    }
}

/// Prepares the binary, unmoved by the settings of whoever runs the tests but recorded as this is.
fn edge_ledger(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-ledger"));
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("EDGE_LEDGER_") && !name.starts_with("EDGE_LEDGER_POWER_") {
            command.env_remove(&variable);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn stuck(error: &dyn Error) -> Broken {
    Broken::Stuck(chain(error))
}

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
