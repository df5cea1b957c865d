//! What is being done when the power is cut, and what it promises.

mod appends;
mod leaving;
mod plan;
mod stores;

use std::{error::Error, path::Path};

use appends::Appends;
use edge_ledger_core::{Commit, TaskId};
use plan::{Append, Archive, Create, Large, Plan, Reopen};
use stores::{Flushed, Kept, Plain, Segments, Sled, Store};

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
    of::<Plain<Sled>, Create>("sled/create", 3),
    of::<Plain<Sled>, Append>("sled/append", 3),
    of::<Plain<Sled>, Large>("sled/large", 1),
    of::<Plain<Sled>, Reopen>("sled/reopen", 3),
    of::<Kept<Sled>, Archive>("sled/archive", 3),
    of::<Plain<Segments>, Create>("segments/create", 3),
    of::<Plain<Segments>, Append>("segments/append", 3),
    of::<Plain<Segments>, Large>("segments/large", 1),
    of::<Plain<Segments>, Reopen>("segments/reopen", 3),
    of::<Kept<Segments>, Archive>("segments/archive", 3),
    Workload { name: "tasks", share: 4, run: leaving::run, check: leaving::check },
];

/// sled as its manual has it, with its own `flush` and nothing else: must be found to lose data,
/// else the harness finds nothing.
pub const CONTROL: Workload = of::<Flushed, Append>("control", 0);

/// Finds a workload by its name.
#[must_use]
pub fn named(name: &str) -> Option<Workload> {
    WORKLOADS.iter().chain([&CONTROL]).find(|workload| workload.name == name).copied()
}

/// Lists groups of commits that fold, the same ones each time: a log for workloads elsewhere.
#[must_use]
pub fn groups() -> Vec<Vec<Commit>> {
    plan::groups(&Archive::steps())
}

/// Lists commits that leave 600 tasks finished since 1970, the same ones each time: any gateway
/// lets them go.
#[must_use]
pub fn finished_long_ago() -> Vec<Commit> {
    leaving::past()
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
    /// A snapshot is gone, or is not of what was appended.
    #[error(
        "the newest snapshot stands at {found:?}, it was answered that one stands at {promised}"
    )]
    Snapshot {
        /// Where the newest stood of which it was answered that it is there.
        promised: u64,
        /// Where the newest stands that is as it should be.
        found: Option<u64>,
    },
    /// The log says that tasks have left, and the archive of tasks does not have them.
    #[error("{left} tasks have left by the log, the archive of tasks does not have all of them")]
    Unarchived {
        /// How many have left.
        left: u64,
    },
    /// What was said to be made is not there.
    #[error("{0} was said to be there, and is not")]
    Missing(&'static str),
    /// Something has its name, and is not what it should be.
    #[error("{what} is there, but not whole: {why}")]
    Half {
        /// What.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A task that was told of is not there as it was.
    #[error("task {0} is neither in the ledger nor in the archive of tasks as it was told of")]
    Gone(TaskId),
    /// Something is not as it was appended.
    #[error("commit {0} of the journal is not the one that was appended")]
    Altered(usize),
    /// It is all there, but it cannot go on.
    #[error("it cannot go on: {0}")]
    Stuck(String),
}

const fn of<S: Store, P: Plan>(name: &'static str, share: usize) -> Workload {
    Workload {
        name,
        share,
        run: |at| Appends::<S>::new(at, P::steps()).run(),
        check: |at, said| Appends::<S>::new(at, P::steps()).check(said),
    }
}

fn say(line: &str) -> Result<(), Broken> {
    crate::say(line).map_err(|error| Broken::Stuck(chain(&error)))
}

/// Writes an error and all that is behind it in one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
