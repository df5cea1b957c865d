//! A program and all of its children.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::{Job, Process};

/// A running program with its children. Dropping it kills them all.
#[derive(Debug)]
pub(super) struct Group {
    leader: Box<dyn ChildWrapper>,
    exited: Option<ExitStatus>,
}

/// The three streams of a program.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Group {
    /// Starts a program in a group of its own.
    pub(super) fn spawn(process: &Process, job: &Job) -> io::Result<(Self, Pipes)> {
        let mut command = CommandWrap::with_new(&process.program, |command| {
            command
                .args(&process.arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            if let Some(directory) = &process.directory {
                command.current_dir(directory);
            }
            // What configures the agent, its credentials among it, is none of the program's
            // business.
            for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
                command.env_remove(name);
            }
            command
                .env("EDGE_LEDGER_TASK_ID", &job.task_id)
                .env("EDGE_LEDGER_LEASE_TOKEN", job.lease_token.to_string())
                .env("EDGE_LEDGER_ATTEMPT", job.attempt.to_string());
        });
        command.wrap(KillOnDrop);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);

        let mut leader = command.spawn()?;
        let pipes = Pipes {
            stdin: leader.stdin().take().expect("stdin is piped"),
            stdout: leader.stdout().take().expect("stdout is piped"),
            stderr: leader.stderr().take().expect("stderr is piped"),
        };
        Ok((Self { leader, exited: None }, pipes))
    }

    /// Waits for the program to exit by itself and returns how it did, if it did in time.
    pub(super) async fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let exited = tokio::time::timeout(limit, self.leader.wait()).await.ok()?.ok();
        self.exited = exited;
        exited
    }

    /// Kills whatever still runs, and waits until it is gone.
    pub(super) async fn end(mut self) {
        self.kill();
        if self.exited.is_none() {
            // A killed process exits; only its status is unknown if waiting fails.
            let _ = self.leader.wait().await;
        }
    }

    fn kill(&mut self) {
        // Fails where nobody is left to kill.
        let _ = self.leader.start_kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.exited.is_none() {
            self.kill();
        }
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().to_ascii_uppercase().starts_with("EDGE_LEDGER_")
}
