//! The directory a store lives in: who has it open, and writing to it so that it survives a cut.
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{JournalError, error::io_error};

/// What the name of a file ends with until it is whole.
pub(crate) const NEW: &str = ".new";

/// How long to wait for whoever is just closing it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A directory that this process alone has open, and nobody else may read.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    locked: File,
}

impl Directory {
    /// Makes the directory if need be, and locks it for this process.
    pub(crate) fn hold(path: &Path) -> Result<Self, JournalError> {
        create(path)?;
        let path = fs::canonicalize(path).map_err(io_error("find", path))?;
        let locked = File::open(&path).map_err(io_error("open", &path))?;
        let directory = Self { path, locked };
        directory.lock()?;
        Ok(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lists what is in it, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, JournalError> {
        names(&self.path)
    }

    /// Writes a file whole: after a cut there is the old one, or none, or the new one.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        put(&self.path.join(name), bytes)
    }

    /// Removes a file, for good.
    pub(crate) fn remove(&self, name: &str) -> Result<(), JournalError> {
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
        self.sync()
    }

    /// Takes everybody else's permissions away.
    pub(crate) fn make_private(&self) -> Result<(), JournalError> {
        set_mode(&self.path, 0o700)?;
        for name in self.names()? {
            set_mode(&self.path.join(name), 0o600)?;
        }
        Ok(())
    }

    /// Makes durable which files are in it.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.locked.sync_all().map_err(io_error("sync", &self.path))
    }

    fn lock(&self) -> Result<(), JournalError> {
        let asked = Instant::now();
        loop {
            match self.locked.try_lock() {
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

/// Makes a directory and those above it, as far as they are not there: private and durable.
///
/// # Errors
///
/// Some of those above it may have been made.
pub fn create(path: &Path) -> Result<(), JournalError> {
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

/// Lists what is in a directory, sorted.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, JournalError> {
    let names = || {
        fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()
    };
    let mut names = names().map_err(io_error("list", path))?;
    names.sort_unstable();
    Ok(names)
}

/// Makes durable what a file holds, or which files a directory does.
pub(crate) fn sync(path: &Path) -> Result<(), JournalError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io_error("sync", path))
}

/// Writes a private file whole: after a cut there is the old one, or none, or the new one.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut new = path.as_os_str().to_owned();
    new.push(NEW);
    let new = PathBuf::from(new);
    write(&new, bytes)?;
    fs::rename(&new, path).map_err(io_error("rename", &new))?;
    sync(parent(path))
}

/// Writes a private file and makes durable what it holds, but not yet that it is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(io_error("write", path))
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
