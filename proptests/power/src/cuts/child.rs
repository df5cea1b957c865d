//! Workloads in processes of their own: they may hang, panic or abort.
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{Image, Preload};

/// How long one may take before it is held to hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program that runs and checks a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'a> {
    pub(crate) program: &'a Path,
    pub(crate) workload: &'a str,
}

impl Child<'_> {
    /// Runs the workload in a directory, and records it.
    pub(crate) fn run(self, root: &Path, log: &Path) -> Result<()> {
        let mut command = self.command("run", root);
        unsynced(&mut command, root, log, None)?;
        end(command).with_context(|| format!("{} does not run", self.workload))
    }

    /// The same with calls that fail, as a file says.
    pub(crate) fn run_with_faults(self, root: &Path, log: &Path, faults: &Path) -> Result<()> {
        let mut command = self.command("run", root);
        unsynced(&mut command, root, log, Some(faults))?;
        end(command)
    }

    /// Checks what a cut has left. It is recorded too, into nothing, so that nothing is synced.
    pub(crate) fn check(self, left: &Image, said: &[String]) -> Result<()> {
        let place = tempfile::tempdir()?;
        let root = place.path().join("left");
        fs::create_dir(&root)?;
        left.write(&root)?;
        let promises = place.path().join("said");
        fs::write(&promises, said.join("\n"))?;
        let mut command = self.command("check", &root);
        command.arg("--said").arg(promises);
        unsynced(&mut command, &root, Path::new("/dev/null"), None)?;
        end(command)
    }

    fn command(self, verb: &str, root: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args([verb, self.workload]).arg(root).env("RUST_BACKTRACE", "0");
        command
    }
}

fn unsynced(command: &mut Command, root: &Path, log: &Path, faults: Option<&Path>) -> Result<()> {
    let [log, faults] = [Some(log), faults].map(|path| path.map(Path::to_path_buf));
    Ok(Preload { root: root.to_path_buf(), log, faults }.prepare(command)?)
}

/// Runs a command to its end; an error has its last words.
fn end(mut command: Command) -> Result<()> {
    let words = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words.reopen()?);
    let mut child = command.spawn()?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("it does not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    if status.success() {
        return Ok(());
    }
    let words = fs::read_to_string(words.path())?;
    bail!("{status}: {}", words.trim())
}
