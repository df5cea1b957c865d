//! Other processes under the recorder, and what it wrote down of them.
use std::{
    env,
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use crate::Record;

const ROOT: &str = "EDGE_LEDGER_POWER_ROOT";
const LOG: &str = "EDGE_LEDGER_POWER_LOG";
const FAULTS: &str = "EDGE_LEDGER_POWER_FAULTS";
const LIBRARY: &str = "libedge_ledger_power_recorder.so";

/// What the recorder does in a process.
#[derive(Clone, Debug)]
pub struct Preload {
    /// Below which directory it looks at files.
    pub root: PathBuf,
    /// To which file it writes its records, if to any. Nothing is really synced then.
    pub log: Option<PathBuf>,
    /// From which file it reads what is to fail, if from any: see the recorder's crate.
    pub faults: Option<PathBuf>,
}

/// There is no recorder to preload.
#[derive(Debug, thiserror::Error)]
pub enum PreloadError {
    /// This system cannot preload one.
    #[error("the recorder stands in for functions of Linux's libc; this is {0}")]
    System(&'static str),
    /// It is not where cargo puts it.
    #[error(
        "there is no {LIBRARY} beside {program} nor in deps: build it with `cargo build -p \
         edge-ledger-power-recorder`, in the same profile"
    )]
    Missing {
        /// Who looked for it.
        program: PathBuf,
    },
    /// The system refused something.
    #[error("cannot look at {path}")]
    Io {
        /// At what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Preload {
    /// Has a command preload the recorder.
    ///
    /// # Errors
    ///
    /// Fails if this is not Linux, or if the recorder has not been built.
    pub fn prepare(&self, command: &mut Command) -> Result<(), PreloadError> {
        let root = fs::canonicalize(&self.root)
            .map_err(|source| PreloadError::Io { path: self.root.clone(), source })?;
        let mut libraries = OsString::from(recorder()?);
        if let Some(others) = env::var_os("LD_PRELOAD") {
            libraries.push(":");
            libraries.push(others);
        }
        command.env("LD_PRELOAD", libraries).env(ROOT, root);
        for (name, path) in [(LOG, &self.log), (FAULTS, &self.faults)] {
            match path {
                Some(path) => command.env(name, path),
                None => command.env_remove(name),
            };
        }
        Ok(())
    }
}

/// Finds the library: cargo builds it beside the dependencies of whoever depends on this crate.
fn recorder() -> Result<PathBuf, PreloadError> {
    if !cfg!(target_os = "linux") {
        return Err(PreloadError::System(env::consts::OS));
    }
    let program = env::current_exe()
        .map_err(|source| PreloadError::Io { path: PathBuf::from("/proc/self/exe"), source })?;
    let mut directories = program.ancestors().skip(1).take(3);
    directories
        .find_map(|directory| {
            [directory.join(LIBRARY), directory.join("deps").join(LIBRARY)]
                .into_iter()
                .find(|path| path.exists())
        })
        .ok_or(PreloadError::Missing { program })
}

/// Says something in the order of the records, if this process is being recorded.
///
/// # Errors
///
/// Fails if the log cannot be written.
pub fn say(line: &str) -> io::Result<()> {
    let Some(log) = env::var_os(LOG) else { return Ok(()) };
    let record = Record::<&[u8]>::Say { line: line.to_owned() };
    OpenOptions::new().append(true).open(log)?.write_all(&record.encode())
}

/// What a recorder wrote down.
#[derive(Debug)]
pub struct Recording(Vec<u8>);

impl Recording {
    /// Reads the log of a process that has ended.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn read(log: &Path) -> io::Result<Self> {
        fs::read(log).map(Self)
    }

    /// Lists the records. The last one is left out if the process was killed while writing it.
    #[must_use]
    pub fn records(&self) -> Vec<Record<&[u8]>> {
        let mut records = vec![];
        let mut rest = &self.0[..];
        while let Some((record, behind)) = Record::decode(rest) {
            records.push(record);
            rest = behind;
        }
        records
    }
}
