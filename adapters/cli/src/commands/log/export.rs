//! `log export`: a log as lines of JSON.

mod events;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use edge_ledger_core::{Commit, Position};
use edge_ledger_journal::{ExportHeader, ExportWriter, Link, Linked};
use serde_json::json;

use crate::{
    exit::{Exit, Failure},
    outfile::OutFile,
    output::{Cell, Output, Progress, Table, note},
    source::Source,
};

/// Write a log as lines of JSON, to be read by anything, for ever.
///
/// As `jsonl` it is a commit a line, with the chain: `log import` makes the same log of it, and
/// every command that reads a log reads it as it is. It holds what the log holds: names, payloads,
/// and keyed hashes of secrets. As `cloudevents` it is an event a line, as operators see it, for
/// whatever takes CloudEvents 1.0; nothing is left to import.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file to write, of which there must be none; `-` is stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// What a line is.
    #[arg(long = "as", value_name = "FORM", default_value = "jsonl")]
    form: Form,
    /// Begin with the event at this position; as jsonl, with the block that holds it.
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// End with the event at this position; as jsonl, with the block that holds it.
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// What CloudEvents name as their source [default: the id of the log's first command].
    #[arg(long, value_name = "URI")]
    source: Option<String>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A commit, with the chain.
    Jsonl,
    /// An event as CloudEvents 1.0.
    Cloudevents,
}

pub(super) fn run(args: &ExportArgs, data: &Path, output: Output) -> Result<Exit> {
    let range = args.range()?;
    let source = Source::open(data)?;
    let out = OutFile::create(&args.out)?;
    match args.form {
        Form::Jsonl => export(&source, range, out, output),
        Form::Cloudevents => events::export(&source, range, args.source.as_deref(), out, output),
    }
}

/// The positions that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    /// The position before the first.
    after: Position,
    /// The last.
    to: Position,
}

impl ExportArgs {
    fn range(&self) -> Result<Range> {
        let (from, to) = (self.from.unwrap_or(1), self.to.unwrap_or(u64::MAX));
        if from == 0 || from > to {
            let told = format!("--from is {from}, --to is {to}: nothing is there");
            return Err(Failure::usage(told).next("positions count from 1 on").into());
        }
        Ok(Range { after: Position::new(from - 1), to: Position::new(to) })
    }
}

impl Range {
    /// Refuses a range that ends before the log begins, or begins after it ends.
    fn within(self, begin: Link, end: Option<Link>) -> Result<()> {
        let beyond =
            end.is_some_and(|end| end.position <= self.after && self.after > begin.position);
        if !beyond && self.to > begin.position {
            return Ok(());
        }
        let first = begin.position.plus(1);
        let told = match end {
            Some(end) => format!("the log holds positions {first} to {}", end.position),
            None => format!("the log begins at position {first}"),
        };
        let next = "name positions that are there with --from and --to";
        Err(Failure::new(Exit::NotFound, told).next(next).into())
    }
}

/// Exports the blocks that hold a range.
fn export(source: &Source, range: Range, out: OutFile, output: Output) -> Result<Exit> {
    let (begin, end) = (source.begin()?, source.end()?);
    range.within(begin, end)?;
    let mut blocks = source.blocks(range.after)?.peekable();
    let begin = match blocks.peek() {
        Some(Ok((first, _))) => first.before,
        Some(Err(_)) | None => begin,
    };
    let is_to_the_end = end.is_some_and(|end| end.position <= range.to);
    let mut header = ExportHeader::new(begin);
    header.end = end.filter(|_| is_to_the_end);
    let unwritten = out.unwritten();
    let mut writer = ExportWriter::begin(out, &header).map_err(&unwritten)?;
    let mut progress = Progress::new("commits");
    for block in blocks {
        let (Linked { before, block, .. }, commits): (Linked, Vec<Commit>) = block?;
        if before.position >= range.to {
            break;
        }
        writer.block(&block, &commits).map_err(&unwritten)?;
        progress.add(commits.len() as u64);
    }
    drop(progress);
    let commits = writer.commits();
    let (out, end) = writer.finish().map_err(&unwritten)?;
    let file = out.path().map(Path::to_path_buf);
    out.finish()?;
    match file {
        None => note(&format!("positions {} to {}", begin.position.plus(1), end.position)),
        Some(file) => report(&file, begin, end, commits, output)?,
    }
    Ok(Exit::Ok)
}

fn report(file: &Path, begin: Link, end: Link, commits: u64, output: Output) -> Result<()> {
    if output.is_json() {
        let json = json!({
            "file": file,
            "begin": begin,
            "head": end.position,
            "hash": end.hash,
            "commits": commits,
        });
        return output.json(&json);
    }
    let mut table = Table::facts([
        ("file", Cell::new(file.display())),
        ("events from", Cell::new(begin.position.plus(1))),
        ("head", Cell::new(end.position)),
        ("commits", Cell::new(commits)),
    ]);
    table.fact("hash", Cell::new(end.hash).good());
    output.table(&table, "")
}
