//! The process runtime: any program, its task on stdin, its reports as lines on stdout.

mod group;
mod lines;
mod tail;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::{Job, Report, Reporter, Runtime, Stopped, Work};
use group::{Group, Pipes};
use lines::{Said, Transcript};
use tail::Tail;

/// Runs a program of the edge's own for each task.
#[derive(Debug, Clone)]
pub struct Process {
    /// The program, as its path or as a name on the search path.
    pub program: OsString,
    /// Its arguments. No shell ever sees them.
    pub arguments: Vec<OsString>,
    /// Where it runs, if not where the agent does.
    pub directory: Option<PathBuf>,
    /// What it may use.
    pub limits: ProcessLimits,
}

/// What a program may use.
#[derive(Debug, Clone)]
pub struct ProcessLimits {
    /// How long it may run.
    pub time: Option<Duration>,
    /// How long one line of its output may be, in bytes.
    pub line_bytes: usize,
    /// How much of the end of its stderr is kept, in bytes.
    pub stderr_bytes: usize,
    /// How long it may take to exit after its last line.
    pub exit_within: Duration,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self {
            time: None,
            line_bytes: 1024 * 1024,
            stderr_bytes: 16 * 1024,
            exit_within: Duration::from_secs(5),
        }
    }
}

impl Runtime for Process {
    fn start(&self, job: Job) -> Work {
        let (work, reporter) = Work::channel();
        tokio::spawn(attend(self.clone(), job, reporter));
        work
    }
}

/// Sees a program through from its start until nothing of it runs any more.
async fn attend(process: Process, job: Job, reporter: Reporter) {
    let verdict = match Group::spawn(&process, &job) {
        Ok((group, pipes)) => watch(group, pipes, &process.limits, &job, &reporter).await,
        Err(error) => Verdict::Report(failed(
            format!("cannot start {}: {error}", process.program.display()),
            true,
        )),
    };
    match verdict {
        // Whoever stopped the work in the meantime does not wait for its verdict.
        Verdict::Report(report) => drop(reporter.report(report).await),
        Verdict::Unwanted => {}
    }
}

/// How a program ended.
#[derive(Debug)]
enum Verdict {
    Report(Report),
    Unwanted,
}

impl From<Stopped> for Verdict {
    fn from(_: Stopped) -> Self {
        Self::Unwanted
    }
}

async fn watch(
    mut group: Group,
    pipes: Pipes,
    limits: &ProcessLimits,
    job: &Job,
    reporter: &Reporter,
) -> Verdict {
    let Pipes { stdin, stdout, stderr } = pipes;
    let tail = Tail::follow(stderr, limits.stderr_bytes);
    let telling = tokio::spawn(tell(stdin, job.clone()));

    let heard = tokio::select! {
        biased;
        () = reporter.unwanted() => Heard::Unwanted,
        () = over(limits.time) => Heard::TooLong,
        heard = listen(stdout, limits, reporter) => heard,
    };
    let status = match &heard {
        Heard::Verdict(_) | Heard::Nothing => group.exit_within(limits.exit_within).await,
        Heard::Malformed(_) | Heard::TooLong | Heard::Unwanted => None,
    };
    group.end().await;
    telling.abort();
    let stderr = tail.end().await;

    match heard {
        Heard::Verdict(report) => Verdict::Report(report),
        Heard::Unwanted => Verdict::Unwanted,
        Heard::Malformed(error) => Verdict::Report(failed(with_stderr(error, &stderr), false)),
        Heard::TooLong => {
            let limit = limits.time.unwrap_or_default();
            let error = format!("the program ran longer than its limit of {limit:?}");
            Verdict::Report(failed(with_stderr(error, &stderr), false))
        }
        Heard::Nothing => {
            let error = match status {
                Some(status) => format!("the program ended without a verdict ({status})"),
                None => "the program closed its output without a verdict, and ran on".to_owned(),
            };
            Verdict::Report(failed(with_stderr(error, &stderr), true))
        }
    }
}

fn failed(error: String, retryable: bool) -> Report {
    Report::Failed { error, retryable }
}

fn with_stderr(error: String, stderr: &str) -> String {
    match stderr {
        "" => error,
        stderr => format!("{error}; its stderr ends: {stderr}"),
    }
}

async fn over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Tells the program its task. One that does not care to read it may go on.
async fn tell(mut stdin: ChildStdin, job: Job) -> std::io::Result<()> {
    stdin.write_all(job.json.get().as_bytes()).await?;
    stdin.write_all(b"\n").await?;
    stdin.shutdown().await
}

/// What was heard from a program in the end.
#[derive(Debug)]
enum Heard {
    Verdict(Report),
    Malformed(String),
    Nothing,
    TooLong,
    Unwanted,
}

/// Listens to a program, and passes on what it says, until its verdict or its silence.
async fn listen(stdout: ChildStdout, limits: &ProcessLimits, reporter: &Reporter) -> Heard {
    let mut lines = FramedRead::new(stdout, LinesCodec::new_with_max_length(limits.line_bytes));
    let mut transcript = Transcript::default();
    while let Some(line) = lines.next().await {
        let said = line
            .map_err(|error| unreadable(&error, limits))
            .and_then(|line| transcript.read(&line));
        let report = match said {
            Ok(Said::Nothing) => continue,
            Ok(Said::Report(report)) => report,
            Ok(Said::Verdict(Some(progress), verdict)) => {
                return match reporter.report(Report::Progress(progress)).await {
                    Ok(()) => Heard::Verdict(verdict),
                    Err(Stopped) => Heard::Unwanted,
                };
            }
            Ok(Said::Verdict(None, verdict)) => return Heard::Verdict(verdict),
            Err(error) => return Heard::Malformed(transcript.at(&error)),
        };
        if reporter.report(report).await == Err(Stopped) {
            return Heard::Unwanted;
        }
    }
    Heard::Nothing
}

fn unreadable(error: &LinesCodecError, limits: &ProcessLimits) -> String {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            format!("longer than {} bytes", limits.line_bytes)
        }
        LinesCodecError::Io(error) => error.to_string(),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
