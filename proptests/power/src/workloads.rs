//! What is being done when the power is cut, and what it promises.

mod appends;
mod plan;
mod stores;

use std::{error::Error, path::Path};

use appends::Appends;
use plan::Plan;
use stores::{Flushed, Sled};

/// Something that is done in a directory, in a process of its own.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called.
    pub name: &'static str,
    /// How large a share of the cuts it gets, among the others.
    pub share: usize,
    /// Does it, or goes on with it where a cut has left it; [says](crate::say) what it promises.
    pub run: fn(&Path) -> Result<(), Broken>,
    /// Holds what a cut has left against all that was said until then, then goes on with it.
    pub check: fn(&Path, &[String]) -> Result<(), Broken>,
}

/// Every workload that must lose nothing.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "sled/create", share: 3, run: create::<Sled>, check: check_create::<Sled> },
    Workload { name: "sled/append", share: 4, run: append::<Sled>, check: check_append::<Sled> },
    Workload { name: "sled/large", share: 1, run: large::<Sled>, check: check_large::<Sled> },
    Workload { name: "sled/reopen", share: 4, run: reopen::<Sled>, check: check_reopen::<Sled> },
];

/// sled as its manual has it, with its own `flush` and nothing else: must be found to lose data,
/// else the harness finds nothing.
pub const CONTROL: Workload =
    Workload { name: "control", share: 0, run: append::<Flushed>, check: check_append::<Flushed> };

/// Finds a workload by its name.
#[must_use]
pub fn named(name: &str) -> Option<Workload> {
    WORKLOADS.iter().chain([&CONTROL]).find(|workload| workload.name == name).copied()
}

/// What was kept is not what was promised.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// What a cut left does not open.
    #[error("it does not open: {0}")]
    Unopenable(String),
    /// It opens, and cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Something that was promised is gone.
    #[error("{promised} appends were answered, {found} are there")]
    Lost {
        /// How many appends were answered.
        promised: usize,
        /// How many are there.
        found: usize,
    },
    /// Something is there that nobody asked for.
    #[error("{begun} appends were begun, {found} are there")]
    Unasked {
        /// How many appends were begun.
        begun: usize,
        /// How many are there.
        found: usize,
    },
    /// An append is there in part.
    #[error("append {append} is there in part, up to commit {commits} of the journal")]
    Torn {
        /// Which append.
        append: usize,
        /// How many commits are there in all.
        commits: usize,
    },
    /// Something is not as it was appended.
    #[error("commit {0} of the journal is not the one that was appended")]
    Altered(usize),
    /// It is all there, but it cannot go on.
    #[error("it cannot go on: {0}")]
    Stuck(String),
}

fn create<S: stores::Store>(at: &Path) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::create()).run()
}

fn check_create<S: stores::Store>(at: &Path, said: &[String]) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::create()).check(said)
}

fn append<S: stores::Store>(at: &Path) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::append()).run()
}

fn check_append<S: stores::Store>(at: &Path, said: &[String]) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::append()).check(said)
}

fn large<S: stores::Store>(at: &Path) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::large()).run()
}

fn check_large<S: stores::Store>(at: &Path, said: &[String]) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::large()).check(said)
}

fn reopen<S: stores::Store>(at: &Path) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::reopen()).run()
}

fn check_reopen<S: stores::Store>(at: &Path, said: &[String]) -> Result<(), Broken> {
    Appends::<S>::new(at, Plan::reopen()).check(said)
}

/// Writes an error and all that is behind it in one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
