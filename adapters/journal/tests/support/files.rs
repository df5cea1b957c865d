//! Directories of files, to copy and to look into.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Copies the files of a directory, as they are now, to a new one.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("can be made");
    for entry in fs::read_dir(from).expect("is there") {
        let entry = entry.expect("is there");
        fs::copy(entry.path(), to.path().join(entry.file_name())).expect("copies");
    }
    to
}

/// The paths in a directory whose names end so, sorted.
pub(crate) fn files(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("is there").map(|entry| entry.expect("is there").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(suffix));
    files.sort();
    files
}
