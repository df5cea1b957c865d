//! This very program, started again as a process of its own.

use std::{fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Result, bail};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// How long a gateway with a short past may take to answer.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(20);

/// Prepares a process of this very program, unmoved by settings that are none of its business. It
/// ends when whoever started it drops it, and what it has to say goes to a file.
pub(crate) fn child(log: &Path) -> Result<Command> {
    let log = fs::File::create(log)?;
    let mut command = this_program()?;
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("EDGE_LEDGER_") {
            command.env_remove(variable);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    // Ctrl-C is for whoever started it, who then ends it.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

/// Waits until a gateway has written its URL to its ready file.
pub(crate) async fn ready(
    file: &Path,
    gateway: &mut Child,
    log: &Path,
    within: Duration,
) -> Result<String> {
    let began = Instant::now();
    while began.elapsed() < within {
        alive("gateway", gateway, log)?;
        if let Ok(url) = fs::read_to_string(file) {
            return Ok(url.trim().to_owned());
        }
        sleep(Duration::from_millis(5)).await;
    }
    bail!("the gateway does not answer within {within:?}: {}", tail(log))
}

/// Fails if a process has ended, with its last words.
pub(crate) fn alive(name: &str, process: &mut Child, log: &Path) -> Result<()> {
    match process.try_wait()? {
        None => Ok(()),
        Some(status) => bail!("{name} has ended ({status}): {}", tail(log)),
    }
}

/// Returns this very program, even if its file was replaced since it began.
fn this_program() -> Result<Command> {
    #[cfg(target_os = "linux")]
    {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("edge-ledger");
        Ok(command)
    }
    #[cfg(not(target_os = "linux"))]
    {
        Ok(Command::new(std::env::current_exe()?))
    }
}

/// Returns the last words of a process.
fn tail(log: &Path) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
