//! The directory of an archive of tasks: one that was not made completely is made anew.
use std::{fs::File, path::Path, sync::Mutex};

use edge_ledger_journal::JournalError;

use super::{CACHE, SEGMENT, SledTasks, Writing};
use crate::{
    directory::{Directory, io_error},
    shield::shielded,
};

/// What the marker `READY` says.
const MARKER: &str = "edge-ledger tasks in sled, layout 1\n";

/// Opens the archive in a directory, and makes it first if need be.
pub(super) fn open(path: &Path) -> Result<SledTasks, JournalError> {
    let directory = Directory::hold(path)?;
    match directory.marker()?.as_deref() {
        Some(MARKER) => {
            directory.wait_for_sled()?;
            directory.remove_cut_snapshots()?;
            start(directory)
        }
        Some(other) => Err(directory.other_layout(other, MARKER.trim_ascii_end())),
        None => {
            directory.is_to_be_made()?;
            create(directory)
        }
    }
}

fn create(directory: Directory) -> Result<SledTasks, JournalError> {
    directory.begin(MARKER)?;
    let tasks = start(directory)?;
    let directory = &tasks.directory;
    directory.sync_all()?;
    directory.mark(MARKER)?;
    directory.make_private()?;
    Ok(tasks)
}

/// Starts sled and syncs what it found, so that it can be relied on.
fn start(directory: Directory) -> Result<SledTasks, JournalError> {
    let path = directory.path().to_path_buf();
    let config = sled::Config::new()
        .path(&path)
        .segment_size(SEGMENT)
        .cache_capacity(CACHE)
        .flush_every_ms(None);
    let tree = shielded(&path, "open", || {
        let db = config.open()?;
        db.flush()?;
        Ok((*db).clone())
    })?;
    let file = path.join("db");
    let db = File::options().read(true).write(true).open(&file);
    let db = db.map_err(io_error("open", &file))?;
    db.sync_all().map_err(io_error("sync", &file))?;
    let writing = Mutex::new(Writing { db, unsynced: 0, failed: None });
    Ok(SledTasks { tree: Some(tree), writing, path, directory })
}
