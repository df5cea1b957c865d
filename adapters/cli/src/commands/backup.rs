//! `backup`: the log, up to now, in one file.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_core::{Journal as _, TaskArchive};
use edge_ledger_http::secret_key_path;
use edge_ledger_journal::{BlockReader, JournalError, StoreReader, key_part};
use edge_ledger_sled::SledTasks;

use crate::{
    backup,
    client::{Client, OperatorArgs, OperatorSettings, wait},
    context::Context,
    exit::{Exit, Failure, exit_of},
    journal,
    output::{Progress, note},
};

/// Write the log into one file, from which a gateway can be restored.
///
/// A gateway that runs goes on meanwhile: the file holds all that was answered before it was
/// asked. If none answers on this machine, the data directory is read. The file is checked before
/// it gets its name: the position, the hash and the digest shown are of what is in it.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write. There must be none of that name.
    file: PathBuf,
    /// Put the key in that secrets are checked with, from the data directory on this machine.
    /// Keep such a file as you keep the data directory.
    #[arg(long)]
    with_key: bool,
    #[command(flatten)]
    operator: OperatorArgs,
}

pub(crate) fn run(args: BackupArgs, context: &Context) -> Result<Exit> {
    let settings = args.operator.settle(context);
    let file = args.file;
    if file.exists() {
        let told = format!("{} is there already", file.display());
        return Err(Failure::new(Exit::Refused, told).next("name another file").into());
    }
    let key = args.with_key.then(|| key(&settings.data.value)).transpose()?;
    let half = Half::create(&file)?;
    half.fill(&settings, key.as_deref())?;
    let contents = backup::read(&half.path, |_| Ok(()))?;
    half.finish(&file)?;
    match context.output.is_json() {
        true => context.output.json(&contents.json(&file))?,
        false => context.output.table(&contents.table(&file), "")?,
    }
    Ok(Exit::Ok)
}

fn key(data: &Path) -> Result<Vec<u8>> {
    let path = secret_key_path(data);
    fs::read(&path).map_err(|error| {
        let told = format!("cannot read {}: {error}", path.display());
        let next = "the key never leaves the gateway's machine by HTTP: run this there, and name \
                    the data directory with --data";
        Failure::new(Exit::NotFound, told).next(next).into()
    })
}

/// A file that has no name yet. Dropped before it has, it is removed.
struct Half {
    path: PathBuf,
}

impl Half {
    fn create(file: &Path) -> Result<Self> {
        let mut path = file.as_os_str().to_owned();
        path.push(".half");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path })
    }

    /// Writes the backup, from the gateway or, if none answers here, from the data directory.
    fn fill(&self, settings: &OperatorSettings, key: Option<&[u8]>) -> Result<()> {
        let told = || format!("cannot write {}", self.path.display());
        let file = OpenOptions::new().write(true).open(&self.path).with_context(told)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let asked = settings.client().and_then(|client| from_gateway(&client, &mut out));
        match asked {
            Err(error) if may_read(settings, &error) => {
                note("no gateway answers: the data directory is read");
                from_directory(&settings.data.value, &mut out)?;
            }
            asked => asked?,
        }
        if let Some(key) = key {
            out.write_all(&key_part(key)).with_context(told)?;
        }
        let file = out.into_inner().map_err(|error| error.into_error()).with_context(told)?;
        file.sync_all().with_context(told)
    }

    fn finish(&self, file: &Path) -> Result<()> {
        let told = || format!("cannot write {}", file.display());
        fs::rename(&self.path, file).with_context(told)?;
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        File::open(directory).and_then(|directory| directory.sync_all()).with_context(told)
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

fn from_gateway(client: &Client, out: &mut impl Write) -> Result<()> {
    let mut progress = Progress::new("bytes");
    wait(client.stream(&["backup"], |bytes| {
        progress.add(bytes.len() as u64);
        Ok(out.write_all(bytes)?)
    }))
}

/// Whether the data directory may be read in the place of a gateway that could not be asked: only
/// if the gateway would be the one of this directory, on this machine.
fn may_read(settings: &OperatorSettings, error: &anyhow::Error) -> bool {
    let here = settings.gateway.gateway().is_ok_and(|gateway| gateway.is_loopback());
    let unasked = matches!(exit_of(error), Exit::Unavailable | Exit::Usage);
    here && unasked && journal::place(&settings.data.value).is_dir()
}

/// Opens the archive of tasks, if the log cannot do without it and there is one.
fn tasks<R: StoreReader>(
    data: &Path,
    log: &BlockReader<R>,
) -> Result<Option<Arc<dyn TaskArchive>>, JournalError> {
    let place = journal::tasks_place(data);
    if journal::is_whole(log)? || !place.is_dir() {
        return Ok(None);
    }
    Ok(Some(Arc::new(SledTasks::open(place)?)))
}

fn from_directory(data: &Path, out: &mut impl Write) -> Result<()> {
    let journal = journal::open(data)?;
    let log = journal.reader();
    let backup = tasks(data, &log).and_then(|tasks| journal::backup(data, &log, tasks));
    let backup = backup.map_err(|error| journal::explain(&error))?;
    let mut progress = Progress::new("bytes");
    for bytes in backup {
        let bytes = bytes.map_err(|error| journal::explain(&error))?;
        progress.add(bytes.len() as u64);
        out.write_all(&bytes)?;
    }
    Ok(())
}
