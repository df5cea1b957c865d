//! `task submit`: tasks from a file.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_wire::operator::{SubmitAnswer, SubmittedTask};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Output, Progress, Table, note},
};

/// Submit tasks from a JSON file: one task, a list of tasks, or {"tasks": [...]}.
///
/// A task with an `id` or a `dedupeKey` is submitted once, however often this is repeated.
#[derive(Debug, Args)]
#[command(after_help = "\
What a task may say: id, name, dedupeKey, priority, assignedTo, requires, notBefore, leaseSeconds,
maxAttempts, deadlineSeconds, backoff; and what is to be done: the fields of an optimisation
(symbol, interval, searchStrategy, optimizationParams, optimizationMetrics, trials, startTrial,
seed, prices, startDate, endDate), or any `payload`. See docs/CLI.md.")]
pub(super) struct SubmitArgs {
    /// The file; stdin if it is `-`.
    file: PathBuf,
}

/// What goes into one request. A larger task goes alone.
const TASKS_MOST: usize = 1_000;
const BYTES_MOST: usize = 1024 * 1024;

pub(super) async fn run(args: &SubmitArgs, client: &Client, output: Output) -> Result<Exit> {
    let tasks = read(&args.file)?;
    let mut progress = Progress::new("tasks submitted");
    let mut submitted = Vec::new();
    for part in parts(&tasks) {
        let answer = client.post(&["tasks"], &Part { tasks: part }).await.inspect_err(|_| {
            if !submitted.is_empty() {
                let (done, all) = (submitted.len(), tasks.len());
                note(&format!("{done} of {all} tasks were submitted before this happened"));
            }
        })?;
        submitted.extend(answer.read::<SubmitAnswer>()?.tasks);
        progress.add(part.len() as u64);
    }
    drop(progress);
    show(&SubmitAnswer { tasks: submitted }, output)?;
    Ok(Exit::Ok)
}

fn read(file: &Path) -> Result<Vec<Box<RawValue>>> {
    let (name, text) = if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
        ("stdin".to_owned(), text)
    } else {
        let name = file.display().to_string();
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        (name, text)
    };
    let tasks = tasks_of(&text)
        .map_err(|error| Failure::usage(format!("{name} holds no tasks: {error}")))?;
    match tasks.is_empty() {
        true => Err(Failure::usage(format!("{name} holds no tasks: the list is empty")).into()),
        false => Ok(tasks),
    }
}

/// Finds the tasks in a document, byte for byte.
fn tasks_of(text: &str) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    let whole: &RawValue = serde_json::from_str(text)?;
    if whole.get().starts_with('[') {
        return serde_json::from_str(whole.get());
    }
    let list: Listed = serde_json::from_str(whole.get())?;
    Ok(list.tasks.unwrap_or_else(|| vec![whole.to_owned()]))
}

/// An object that may hold a list of tasks.
#[derive(Deserialize)]
struct Listed {
    tasks: Option<Vec<Box<RawValue>>>,
}

/// The tasks of one request.
#[derive(Serialize)]
struct Part<'a> {
    tasks: &'a [Box<RawValue>],
}

/// Cuts a list into parts that one request may hold.
fn parts(tasks: &[Box<RawValue>]) -> impl Iterator<Item = &[Box<RawValue>]> {
    let mut rest = tasks;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(TASKS_MOST).take_while(|task| {
            bytes += task.get().len() + 1;
            bytes <= BYTES_MOST
        });
        let most = fitting.count().max(1);
        let (part, left) = rest.split_at_checked(most)?;
        rest = left;
        Some(part)
    })
}

fn show(answer: &SubmitAnswer, output: Output) -> Result<()> {
    if output.is_json() {
        return output.json(answer);
    }
    let mut table = Table::new(["TASK", ""]);
    for SubmittedTask { id, created } in &answer.tasks {
        let how = if *created { "submitted" } else { "was there already" };
        table.row([Cell::new(id), Cell::new(how)]);
    }
    output.table(&table, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(document: &str) -> Vec<String> {
        tasks_of(document).unwrap().iter().map(|task| task.get().to_owned()).collect()
    }

    #[test]
    fn a_file_holds_a_task_a_list_or_a_list_under_tasks() {
        let (a, b) = (r#"{"id":"a", "z":1,"a":1.50}"#, r#"{"id":"b"}"#);

        assert_eq!(texts(&format!(" {a}\n")), [a]);
        assert_eq!(texts(&format!("[{a},\n{b}]")), [a, b]);
        assert_eq!(texts(&format!(r#"{{"tasks": [{a}, {b}]}}"#)), [a, b]);
        for document in ["", "3", r#""a""#, "{", r#"{"tasks": 3}"#] {
            assert!(tasks_of(document).is_err(), "{document}");
        }
    }

    #[test]
    fn a_request_is_bounded_in_tasks_and_bytes_and_no_task_is_lost() {
        let tasks = |count: usize, bytes: usize| {
            let one = format!("\"{}\"", "x".repeat(bytes));
            vec![RawValue::from_string(one).unwrap(); count]
        };
        for (tasks, lengths) in [
            (tasks(2_500, 10), vec![1_000, 1_000, 500]),
            (tasks(4, 600_000), vec![1, 1, 1, 1]),
            (tasks(5, 500_000), vec![2, 2, 1]),
            (tasks(2, 5_000_000), vec![1, 1]),
            (tasks(0, 0), vec![]),
        ] {
            assert_eq!(parts(&tasks).map(<[_]>::len).collect::<Vec<_>>(), lengths);
        }
    }
}
