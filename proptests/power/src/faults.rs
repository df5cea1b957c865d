//! Calls that fail during a workload, and a power cut thereafter.
use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{Disk, FileSystem, Image, Loss, Record, Recording, cuts::Child, workloads::Workload};

/// Runs a workload while calls fail, as the recorder has it: `write ENOSPC 3 journal/db`. Then the
/// cause is gone, and what is there has to keep what was promised; so does what a power cut leaves
/// of it, and what the killed process would have.
///
/// Returns what the workload said of the failure, if it failed.
///
/// # Errors
///
/// Fails if a promise is broken, or if the workload cannot be recorded.
pub fn endure(program: &Path, workload: Workload, fault: &str) -> Result<Option<String>> {
    let place = tempfile::tempdir()?;
    let root = place.path().join("root");
    fs::create_dir(&root)?;
    let (log, faults) = (place.path().join("log"), place.path().join("faults"));
    fs::write(&faults, fault)?;
    let child = Child { program, workload: workload.name };
    let outcome = child.run_with_faults(&root, &log, &faults);

    let recording = Recording::read(&log)?;
    let mut disk = Disk::default();
    let mut said = vec![];
    for record in recording.records() {
        disk.apply(&record)?;
        if let Record::Say { line } = record {
            said.push(line);
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let lost = disk.cut(Loss::Everything, FileSystem::Posix, &mut rng);
    for (left, what) in [(Image::of(&root)?, "without a cut"), (lost, "after a cut")] {
        child.check(&left, &said).with_context(|| format!("{fault}, {what}"))?;
    }
    Ok(outcome.err().map(|error| error.to_string()))
}
