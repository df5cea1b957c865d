//! The directory a journal lives in: whose it is, whether it was made completely, who has it open.
use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{Digest, Position};
use edge_ledger_journal::{JournalError, Link};

const READY: &str = "READY";
const READY_NEW: &str = "READY.new";
const LAYOUT: &str = "edge-ledger journal in sled, layout 2, reached position ";
/// How markers began before other stores did, and how they begin now.
const MARKERS: [&str; 2] = ["edge-ledger journal, layout 1", "edge-ledger journal in sled, "];

/// How long to wait for whoever is just closing it. sled lets go of its files a moment after it is
/// dropped.
const PATIENCE: Duration = Duration::from_secs(2);

/// A directory that this process alone has open.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    locked: File,
}

/// What is in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing, or a journal whose creation was cut short.
    Nothing,
    /// A journal.
    Journal {
        /// Where its chain had come.
        known: Link,
    },
}

impl Directory {
    /// Whether a directory has a marker as a store of this kind writes it.
    pub(crate) fn is_marked(path: &Path) -> bool {
        [READY, READY_NEW]
            .iter()
            .filter_map(|name| fs::read(path.join(name)).ok())
            .any(|marker| MARKERS.iter().any(|begin| marker.starts_with(begin.as_bytes())))
    }

    /// Makes the directory if need be and locks it for this process.
    pub(crate) fn hold(path: &Path) -> Result<Self, JournalError> {
        create(path)?;
        let path = fs::canonicalize(path).map_err(io_error("find", path))?;
        let locked = File::open(&path).map_err(io_error("open", &path))?;
        let directory = Self { path, locked };
        directory.lock(&directory.locked)?;
        Ok(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads its marker, if it has one.
    pub(crate) fn marker(&self) -> Result<Option<String>, JournalError> {
        let path = self.path.join(READY);
        match fs::read(&path) {
            Ok(marker) => Ok(Some(String::from_utf8_lossy(&marker).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    /// Looks what is in it, changing nothing.
    pub(crate) fn content(&self) -> Result<Content, JournalError> {
        match self.marker()? {
            Some(marker) => self.journal(&marker),
            None => self.is_to_be_made().map(|()| Content::Nothing),
        }
    }

    /// Refuses a directory without a marker that holds more than a creation that was cut short.
    pub(crate) fn is_to_be_made(&self) -> Result<(), JournalError> {
        let names = self.names()?;
        let foreign = if names.iter().any(|name| name == READY_NEW) {
            names.iter().find(|name| !is_ours(name))
        } else {
            // sled's files without a marker are another's: ours comes before them.
            names.first()
        };
        match foreign {
            None => Ok(()),
            Some(entry) => {
                Err(JournalError::NotOurs { directory: self.path.clone(), entry: entry.clone() })
            }
        }
    }

    /// Begins what will have a marker: removes what a cut creation left, and says that one is under
    /// way.
    pub(crate) fn begin(&self, marker: &str) -> Result<(), JournalError> {
        set_mode(&self.path, 0o700)?;
        self.write_marker(marker)?;
        for name in self.names()?.iter().filter(|name| *name != READY_NEW) {
            let path = self.path.join(name);
            let remove = if path.is_dir() { fs::remove_dir } else { fs::remove_file };
            remove(&path).map_err(io_error("remove", &path))?;
        }
        self.sync()
    }

    /// Says that there is a journal, complete, whose chain has come to a link. Everything else must
    /// be durable before.
    pub(crate) fn finish(&self, reached: Link) -> Result<(), JournalError> {
        self.mark(&marker(reached))
    }

    /// Gives the directory its marker: durably, and after all that is there.
    pub(crate) fn mark(&self, marker: &str) -> Result<(), JournalError> {
        self.write_marker(marker)?;
        let (from, to) = (self.path.join(READY_NEW), self.path.join(READY));
        fs::rename(&from, &to).map_err(io_error("rename", &from))?;
        self.sync()
    }

    /// Makes the creation durable: sled's files, the directories, and the way to them.
    pub(crate) fn sync_all(&self) -> Result<(), JournalError> {
        for name in ["conf", "blobs"] {
            sync(&self.path.join(name))?;
        }
        self.sync()?;
        sync(parent(&self.path))
    }

    /// Removes what an interrupted snapshot of sled's left: it would keep sled from opening.
    pub(crate) fn remove_cut_snapshots(&self) -> Result<(), JournalError> {
        let names = self.names()?;
        for name in names.iter().filter(|n| n.starts_with("snap.") && n.ends_with(".generating")) {
            let path = self.path.join(name);
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(())
    }

    /// Waits until sled has let go of its file, if it was open in this process a moment ago.
    pub(crate) fn wait_for_sled(&self) -> Result<(), JournalError> {
        match File::open(self.path.join("db")) {
            Ok(db) => self.lock(&db),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("open", &self.path.join("db"))(error)),
        }
    }

    /// Takes everybody else's permissions away.
    pub(crate) fn make_private(&self) -> Result<(), JournalError> {
        set_mode(&self.path, 0o700)?;
        for name in self.names()? {
            let path = self.path.join(name);
            set_mode(&path, if path.is_dir() { 0o700 } else { 0o600 })?;
        }
        Ok(())
    }

    fn journal(&self, marker: &str) -> Result<Content, JournalError> {
        for name in ["db", "conf"] {
            let path = self.path.join(name);
            if !path.exists() {
                return Err(JournalError::FileMissing { path });
            }
        }
        match marker.strip_prefix(LAYOUT).and_then(link) {
            Some(known) => Ok(Content::Journal { known }),
            None => Err(self.other_layout(marker, LAYOUT)),
        }
    }

    /// Tells of a marker that this build does not write.
    pub(crate) fn other_layout(&self, marker: &str, expected: &'static str) -> JournalError {
        let found = marker.chars().take(80).collect();
        JournalError::Layout { path: self.path.join(READY), found, expected }
    }

    fn write_marker(&self, marker: &str) -> Result<(), JournalError> {
        let path = self.path.join(READY_NEW);
        fs::write(&path, marker).map_err(io_error("write", &path))?;
        sync(&path)?;
        self.sync()
    }

    fn names(&self) -> Result<Vec<String>, JournalError> {
        let names = || {
            fs::read_dir(&self.path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<_>>()
        };
        names().map_err(io_error("list", &self.path))
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.locked.sync_all().map_err(io_error("sync", &self.path))
    }

    fn lock(&self, file: &File) -> Result<(), JournalError> {
        let asked = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if asked.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(JournalError::InUse { directory: self.path.clone() });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(io_error("lock", &self.path)(error));
                }
            }
        }
    }
}

/// Writes what a marker says was reached.
pub(crate) fn marker(Link { position, hash }: Link) -> String {
    format!("{LAYOUT}{position}, hash {hash}\n")
}

/// Reads what a marker says was reached.
fn link(text: &str) -> Option<Link> {
    let (position, hash) = text.trim_end().split_once(", hash ")?;
    Some(Link {
        position: Position::new(position.parse().ok()?),
        hash: hash.parse::<Digest>().ok()?,
    })
}

/// Whether a name in the directory is one that a journal writes.
fn is_ours(name: &str) -> bool {
    [READY, READY_NEW, "db", "conf", "blobs"].contains(&name) || name.starts_with("snap.")
}

/// Makes a directory and those above it, private and durable.
fn create(path: &Path) -> Result<(), JournalError> {
    if path.is_dir() {
        return Ok(());
    }
    create(parent(path))?;
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync(parent(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(io_error("create directory", path)(error)),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), JournalError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error("make private", path))
}

fn sync(path: &Path) -> Result<(), JournalError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io_error("sync", path))
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::Io { doing, path: path.to_path_buf(), source }
}
