//! What the harness asks of a program that has workloads.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::workloads::Workload;

/// Does what this process was started for, if that is to run or to check one of some workloads:
/// `run NAME DIRECTORY`, or `check NAME DIRECTORY --said FILE`. Whoever [explores](crate::explore)
/// workloads of its own calls this first.
pub fn perform(workloads: &[Workload]) -> Option<Result<()>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", name, directory] => Some(run(workloads, name, directory.as_ref())),
        ["check", name, directory, "--said", said] => {
            Some(check(workloads, name, directory.as_ref(), PathBuf::from(said)))
        }
        _ => None,
    }
}

fn run(workloads: &[Workload], name: &str, directory: &Path) -> Result<()> {
    Ok((named(workloads, name)?.run)(directory)?)
}

fn check(workloads: &[Workload], name: &str, directory: &Path, said: PathBuf) -> Result<()> {
    let said = fs::read_to_string(&said).with_context(|| said.display().to_string())?;
    let said: Vec<_> = said.lines().map(str::to_owned).collect();
    Ok((named(workloads, name)?.check)(directory, &said)?)
}

/// Finds a workload by its name.
fn named(workloads: &[Workload], name: &str) -> Result<Workload> {
    match workloads.iter().find(|workload| workload.name == name) {
        Some(workload) => Ok(*workload),
        None => {
            let names: Vec<_> = workloads.iter().map(|workload| workload.name).collect();
            bail!("there is no workload {name:?}, but {}", names.join(", "))
        }
    }
}
