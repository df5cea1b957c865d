//! How a command ends, for scripts and for people.

use std::process::ExitCode;

use anyhow::Error;

use crate::output::{Unsaid, note, plain};

/// How a command ends. The numbers are documented and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok,
    /// It could not, or found a difference.
    Failure,
    /// It was asked in a way it does not understand.
    Usage,
    /// What was named is not there.
    NotFound,
    /// What was asked is refused as things are.
    Refused,
    /// Whoever would have to answer does not.
    Unavailable,
    /// It was interrupted.
    Interrupted,
}

/// What `--help` and the book say of exit codes.
pub(crate) const CODES: &str = "\
Exit codes:
  0    done
  1    failed, or a difference was found
  2    not understood: a flag, a setting or a file
  3    not found
  4    refused: it may not be, or not as things are
  5    unavailable: the gateway does not answer, or another process has the data
  130  interrupted";

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unavailable => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that knows how the command ends, with what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    next: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), next: None }
    }

    /// Makes the failure of a command that was not understood.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Says what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Tells people of an error, and returns how the command ends.
pub(crate) fn report(error: &Error) -> Exit {
    let exit = exit_of(error);
    if exit == Exit::Ok {
        return exit;
    }
    let told = chain(error.as_ref());
    let lines: Vec<_> = told.lines().map(plain).collect();
    note(&format!("error: {}", lines.join("\n")));
    if let Some(next) = error.downcast_ref::<Failure>().and_then(|failure| failure.next.as_ref()) {
        note(&format!("  next: {}", plain(next)));
    }
    exit
}

/// Returns how a command ends that came to an error.
pub(crate) fn exit_of(error: &Error) -> Exit {
    match (error.downcast_ref::<Unsaid>(), error.downcast_ref::<Failure>()) {
        (Some(unsaid), _) if unsaid.is_closed_pipe() => Exit::Ok,
        (_, Some(failure)) => failure.exit,
        (_, None) => Exit::Failure,
    }
}

/// Says an error with all that is behind it, each only once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes_each_once() {
        let io = std::io::Error::other("no such device");

        let error = Error::new(io).context("cannot open the data directory");

        assert_eq!(chain(error.as_ref()), "cannot open the data directory: no such device");
        let repeated = anyhow!("a: b").context("x: a: b");
        assert_eq!(chain(repeated.as_ref()), "x: a: b");
    }

    #[test]
    fn a_failure_says_how_the_command_ends_even_under_context() {
        let failure = Failure::new(Exit::NotFound, "task x is not in the ledger");

        let error = Err::<(), _>(failure).context("cannot show the task").unwrap_err();

        assert_eq!(exit_of(&error), Exit::NotFound);
        assert_eq!(exit_of(&anyhow!("anything else")), Exit::Failure);
    }
}
