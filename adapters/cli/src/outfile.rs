//! Files that are written whole or not at all, and stdout in their place.

use std::{
    fs::File,
    io::{self, BufWriter, Stdout, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result};
use tempfile::NamedTempFile;

use crate::{
    exit::{Exit, Failure},
    half::{cannot, parent},
    output::Unsaid,
};

/// Where something long is written to.
#[derive(Debug)]
pub(crate) enum OutFile {
    /// A file that has no name yet. Dropped before it has, it is removed.
    File { half: BufWriter<NamedTempFile>, path: PathBuf },
    /// Stdout, as it comes.
    Stdout(BufWriter<Stdout>),
}

/// How much is written at once.
const BUFFER: usize = 1 << 20;

impl OutFile {
    /// Begins a file that only its owner can read; `-` is stdout.
    ///
    /// # Errors
    ///
    /// Refuses if a file of that name is there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(BufWriter::with_capacity(BUFFER, io::stdout())));
        }
        if path.exists() {
            return Err(taken(path));
        }
        let half = tempfile::Builder::new().prefix(".writing-").tempfile_in(parent(path));
        let half = half.with_context(|| cannot("write", path))?;
        let half = BufWriter::with_capacity(BUFFER, half);
        Ok(Self::File { half, path: path.to_path_buf() })
    }

    /// Returns where the file will be; none if it is stdout.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Stdout(_) => None,
        }
    }

    /// Says what it means that something could not be written.
    pub(crate) fn unwritten(&self) -> impl Fn(io::Error) -> Error + use<> {
        let path = self.path().map(Path::to_path_buf);
        move |error| match &path {
            Some(path) => Error::new(error).context(cannot("write", path)),
            None => Unsaid(error).into(),
        }
    }

    /// Gives the file its name, once all of it will survive a power cut.
    pub(crate) fn finish(self) -> Result<()> {
        let unwritten = self.unwritten();
        match self {
            Self::Stdout(mut out) => out.flush().map_err(unwritten),
            Self::File { half, path } => {
                let half = half.into_inner().map_err(|error| unwritten(error.into_error()))?;
                half.as_file().sync_all().map_err(&unwritten)?;
                half.persist_noclobber(&path).map_err(|refused| {
                    let is_taken = refused.error.kind() == io::ErrorKind::AlreadyExists;
                    if is_taken { taken(&path) } else { unwritten(refused.error) }
                })?;
                File::open(parent(&path)).and_then(|parent| parent.sync_all()).map_err(unwritten)
            }
        }
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { half, .. } => half.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { half, .. } => half.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

fn taken(path: &Path) -> Error {
    let told = format!("{} is there already", path.display());
    Failure::new(Exit::Refused, told).next("name another file").into()
}
