//! `log export --as cloudevents`: an event a line.

use std::{io::Write as _, path::Path};

use anyhow::Result;
use edge_ledger_core::Position;
use edge_ledger_wire::operator::CloudEvent;
use serde_json::json;

use super::Range;
use crate::{
    exit::{Exit, Failure},
    outfile::OutFile,
    output::{Cell, Output, Progress, Table, note},
    source::Source,
};

/// Exports the events of a range, as operators see them.
pub(super) fn export(
    source: &Source,
    range: Range,
    name: Option<&str>,
    mut out: OutFile,
    output: Output,
) -> Result<Exit> {
    range.within(source.begin()?, source.end()?)?;
    let name = name.map_or_else(|| first_command(source), |name| Ok(name.to_owned()))?;
    let unwritten = out.unwritten();
    let mut progress = Progress::new("commits");
    let mut events = 0_u64;
    'log: for commit in source.commits(range.after)? {
        let commit = commit?;
        progress.add(1);
        for envelope in commit.envelopes().filter(|event| event.position > range.after) {
            if envelope.position > range.to {
                break 'log;
            }
            let event = CloudEvent::new(&name, &commit, envelope);
            serde_json::to_writer(&mut out, &event).map_err(|error| unwritten(error.into()))?;
            out.write_all(b"\n").map_err(&unwritten)?;
            events += 1;
        }
    }
    drop(progress);
    let file = out.path().map(Path::to_path_buf);
    out.finish()?;
    match file {
        None => note(&format!("{events} events")),
        Some(file) if output.is_json() => {
            output.json(&json!({ "file": file, "source": name, "events": events }))?;
        }
        Some(file) => {
            let table = Table::facts([
                ("file", Cell::new(file.display())),
                ("source", Cell::new(name)),
                ("events", Cell::new(events)),
            ]);
            output.table(&table, "")?;
        }
    }
    Ok(Exit::Ok)
}

/// Names a log for ever: by the id of the command that first opened it, which no other log has.
fn first_command(source: &Source) -> Result<String> {
    let begin = source.begin()?;
    let first = source.commits(Position::START)?.next().transpose()?;
    match first.filter(|_| begin.position == Position::START) {
        Some(first) => Ok(format!("urn:uuid:{}", first.cause.command)),
        None => {
            let path = source.path().display();
            let told = format!("the log in {path} lacks its first command, which names it");
            Err(Failure::usage(told).next("name it yourself with --source URI").into())
        }
    }
}
