//! Data directories that are there whole or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Error, Result};
use edge_ledger_journal::make_directory;
use tempfile::TempDir;

use crate::exit::{Exit, Failure};

/// A data directory that has no name yet. Dropped before it has, it is removed.
#[derive(Debug)]
pub(crate) struct HalfDirectory(TempDir);

impl HalfDirectory {
    /// Makes one beside where it will be. Until then it is called after what is being done.
    ///
    /// # Errors
    ///
    /// Refuses if there is something where it will be.
    pub(crate) fn create(data: &Path, doing: &str) -> Result<Self> {
        refuse_if_taken(data)?;
        let parent = parent(data);
        make_directory(parent)?;
        let half = tempfile::Builder::new()
            .prefix(&format!(".{doing}-"))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent);
        let half = half.map(Self).with_context(|| cannot("write to", parent))?;
        // So that a cut during the renaming leaves it under one of its names, with all in it.
        sync(parent).with_context(|| cannot("write to", parent))?;
        Ok(half)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Gives the directory its name, durably. Nobody may have anything in it open.
    pub(crate) fn finish(self, data: &Path) -> Result<()> {
        let told = || cannot("make", data);
        sync(self.path()).with_context(told)?;
        fs::rename(self.path(), data).with_context(told)?;
        // It is not there any more, so nothing is removed.
        drop(self.0.keep());
        sync(parent(data)).with_context(told)
    }
}

fn refuse_if_taken(data: &Path) -> Result<()> {
    match fs::read_dir(data).map(|mut entries| entries.next().is_some()) {
        Ok(false) => Ok(()),
        Ok(true) => {
            let told = format!("{} is not empty", data.display());
            let next = "name a directory that is empty or not there";
            Err(Failure::new(Exit::Refused, told).next(next).into())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::new(error).context(cannot("look into", data))),
    }
}

/// Returns the directory that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Makes durable which files a directory has.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Says what could not be done.
pub(crate) fn cannot(doing: &str, path: &Path) -> String {
    format!("cannot {doing} {}", path.display())
}
