//! All files of a directory, in memory.
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

const PAGE: usize = 4096;

static ZEROS: [u8; PAGE] = [0; PAGE];

/// All files below a directory: the bytes of each, and none for directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<String, Option<Vec<u8>>>);

impl Image {
    /// Reads a directory.
    ///
    /// # Errors
    ///
    /// Fails if something in it cannot be read, or is neither file nor directory.
    pub fn of(root: &Path) -> io::Result<Self> {
        let mut image = Self::default();
        image.read(root, "")?;
        Ok(image)
    }

    fn read(&mut self, root: &Path, below: &str) -> io::Result<()> {
        for entry in fs::read_dir(root.join(below))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.file_type()?.is_dir() {
                self.0.insert(path.clone(), None);
                self.read(root, &path)?;
            } else {
                self.0.insert(path, Some(fs::read(entry.path())?));
            }
        }
        Ok(())
    }

    /// Writes it into a directory that is empty, private to this user.
    ///
    /// # Errors
    ///
    /// Fails if something cannot be written.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for (path, bytes) in &self.0 {
            let path = root.join(path);
            match bytes {
                None => DirBuilder::new().recursive(true).mode(0o700).create(path)?,
                Some(bytes) => {
                    let mut options = File::options();
                    options.write(true).create_new(true).mode(0o600);
                    write(&options.open(path)?, bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Returns a name that the two do not have alike, if there is one.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differs = |path: &&String| self.0.get(*path) != other.0.get(*path);
        self.0.keys().chain(other.0.keys()).find(differs).cloned()
    }
}

/// Leaves out what is zero: most of a file that was given room beforehand.
fn write(file: &File, bytes: &[u8]) -> io::Result<()> {
    for (at, page) in (0_u64..).step_by(PAGE).zip(bytes.chunks(PAGE)) {
        if *page != ZEROS[..page.len()] {
            file.write_all_at(page, at)?;
        }
    }
    file.set_len(bytes.len() as u64)
}
