//! `log cut`: what of a log is about one task or one edge, as a log that folds by itself.

mod redact;
mod wanted;

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use clap::Args;
use edge_ledger_core::{Commit, Digest, EdgeId, Event, Ledger, Position, TaskId, lifecycle};
use edge_ledger_journal::{Block, Cut, CutOf, ExportHeader, ExportWriter, Gap, Link};
use serde_json::json;

use crate::{
    exit::{Exit, Failure},
    outfile::OutFile,
    output::{Cell, Output, Progress, Table, note},
    source::Source,
};
use redact::Redactor;
use wanted::Wanted;

/// Cut out what is about one task or one edge, to attach it to a report.
///
/// The cut is an export: `log import` and every command that reads a log take it. Every position,
/// fence and time is what it was; what was left out is a gap. It holds every event about the task,
/// or about the tasks that the edge had; about the edges that these name, and the tokens that let
/// them in; and when the ledger was open.
#[derive(Debug, Args)]
pub(crate) struct CutArgs {
    /// The task that it is about.
    #[arg(long, value_name = "TASK", required_unless_present = "edge", conflicts_with = "edge")]
    task: Option<TaskId>,
    /// The edge that it is about.
    #[arg(long, value_name = "EDGE")]
    edge: Option<EdgeId>,
    /// Replace every text that somebody chose, every payload and every digest by a placeholder:
    /// the same one for the same, under a key that is thrown away.
    #[arg(long)]
    redact: bool,
    /// The file to write, of which there must be none; `-` is stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

pub(super) fn run(args: &CutArgs, data: &Path, output: Output) -> Result<Exit> {
    let source = Source::open(data)?.whole()?;
    let of = match (&args.task, args.edge) {
        (Some(task), _) => CutOf::Task(task.clone()),
        (None, Some(edge)) => CutOf::Edge(edge),
        (None, None) => return Err(Failure::usage("name a task or an edge").into()),
    };
    let out = OutFile::create(&args.out)?;
    let wanted = match &of {
        CutOf::Task(task) => Wanted::of_task(task, &source)?,
        CutOf::Edge(edge) => Wanted::of_edge(*edge, &source)?,
    };
    let wanted = wanted.ok_or_else(|| unknown(&of, &source))?;
    let redactor = args.redact.then(Redactor::new).transpose()?;
    let file = out.path().map(Path::to_path_buf);
    let cut = cut(&source, of, &wanted, redactor.as_ref(), out)?;
    cut.show(file.as_deref(), output)?;
    if redactor.is_none() {
        note("it holds names and payloads as they are: --redact replaces them");
    }
    Ok(Exit::Ok)
}

/// What was cut out.
struct Done {
    of: CutOf,
    end: Link,
    digest: Digest,
    /// Commits that are in it, and commits that there are.
    commits: (u64, u64),
}

/// Writes the cut, and folds it.
fn cut(
    source: &Source,
    of: CutOf,
    wanted: &Wanted,
    redactor: Option<&Redactor>,
    out: OutFile,
) -> Result<Done> {
    let of = redactor.map_or_else(|| of.clone(), |redactor| redactor.of(&of));
    let mut header = ExportHeader::new(Link::START);
    header.cut = Some(Cut { of: of.clone(), from: source.end()?, redacted: redactor.is_some() });
    let unwritten = out.unwritten();
    let writer = ExportWriter::begin(out, &header).map_err(&unwritten)?;
    let mut cutting = Cutting { writer, ledger: Ledger::default(), gap: None };
    let mut progress = Progress::new("commits");
    let mut commits = 0;
    for commit in source.commits(Position::START)? {
        let commit = commit?;
        commits += 1;
        progress.add(1);
        let kept = match (wanted.of(&commit), redactor) {
            (Some(kept), Some(redactor)) => redactor.commit(kept),
            (Some(kept), None) => kept,
            (None, _) => {
                cutting.leave_out(&commit);
                continue;
            }
        };
        cutting.keep(kept).map_err(|error| error.or(&unwritten))?;
    }
    cutting.close_gap().map_err(|error| error.or(&unwritten))?;
    let commits = (cutting.writer.commits(), commits);
    let digest = cutting.ledger.digest();
    let (out, end) = cutting.writer.finish().map_err(&unwritten)?;
    out.finish()?;
    Ok(Done { of, end, digest, commits })
}

/// A cut that is being written.
struct Cutting {
    writer: ExportWriter<OutFile>,
    /// What it folds to.
    ledger: Ledger,
    /// What was left out since the last commit that was kept.
    gap: Option<Gap>,
}

/// Why a cut could not go on.
enum Stopped {
    Unwritten(std::io::Error),
    Unfolded(edge_ledger_core::Corruption),
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Unwritten(error)
    }
}

impl From<edge_ledger_core::Corruption> for Stopped {
    fn from(fault: edge_ledger_core::Corruption) -> Self {
        Self::Unfolded(fault)
    }
}

impl Stopped {
    fn or(self, unwritten: impl Fn(std::io::Error) -> Error) -> Error {
        match self {
            Self::Unwritten(error) => unwritten(error),
            Self::Unfolded(fault) => Error::new(fault).context("the cut does not fold"),
        }
    }
}

impl Cutting {
    fn keep(&mut self, commit: Commit) -> Result<(), Stopped> {
        self.close_gap()?;
        self.ledger.apply(&commit)?;
        let commits = [commit];
        let block = Block::of(&commits).expect("a commit makes a block");
        Ok(self.writer.block(&block, &commits)?)
    }

    fn leave_out(&mut self, commit: &Commit) {
        let after = self.gap.map_or(commit.after, |gap| gap.after);
        self.gap = Some(Gap { after, head: commit.head(), recorded_at: commit.recorded_at });
    }

    fn close_gap(&mut self) -> Result<(), Stopped> {
        let Some(gap) = self.gap.take() else { return Ok(()) };
        gap.commits().try_for_each(|commit| self.ledger.apply(&commit))?;
        Ok(self.writer.gap(gap)?)
    }
}

impl Done {
    fn show(&self, file: Option<&Path>, output: Output) -> Result<()> {
        let Self { of, end, digest, commits: (kept, all) } = self;
        let Some(file) = file else {
            note(&format!("{kept} of {all} commits, up to position {}", end.position));
            return Ok(());
        };
        if output.is_json() {
            return output.json(&json!({
                "file": file,
                "of": of,
                "commits": kept,
                "ofCommits": all,
                "head": end.position,
                "hash": end.hash,
                "digest": digest,
            }));
        }
        let about = match of {
            CutOf::Task(task) => format!("task {task}"),
            CutOf::Edge(edge) => format!("edge {edge}"),
        };
        let table = Table::facts([
            ("file", Cell::new(file.display())),
            ("about", Cell::new(about)),
            ("commits", Cell::new(format!("{kept}, of {all}"))),
            ("head", Cell::new(end.position)),
            ("digest", Cell::new(digest).good()),
            ("hash", Cell::new(end.hash).good()),
        ]);
        output.table(&table, "")
    }
}

/// What stands in a commit for an event that is left out: it changes nothing.
const NOTHING: Event = Event::Ledger(lifecycle::Event::Ticked);

fn unknown(of: &CutOf, source: &Source) -> Error {
    let path = source.path().display();
    let told = match of {
        CutOf::Task(task) => format!("task {task} is not in the log in {path}"),
        CutOf::Edge(edge) => format!("edge {edge} is not in the log in {path}"),
    };
    Failure::new(Exit::NotFound, told).next("`log grep PATTERN` finds it by its name").into()
}
