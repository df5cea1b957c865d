//! How a team tests what it builds on the core. Copy this file into `tests/` of yours, and put your
//! own journal and your own view in the place of these two.
//!
//! `cargo test -p edge-ledger-core --example team`
#![cfg_attr(not(test), expect(dead_code, reason = "there is nothing here but tests"))]
#![expect(clippy::disallowed_types, reason = "a team's journal is outside of core")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a team's view looks at what it shows")]
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use edge_ledger_core::{
    AppendError, Commit, Event, Journal, JournalReader, Position, TaskId, codec, task,
};

/// Nothing runs here: this is a file of tests.
fn main() {}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{Millis, Timestamp, task::TaskStatus};
    use edge_ledger_testkit::{
        SimulatedClock, given, golden_logs, history,
        proptest::{prop_assert_eq, proptest},
        scenario,
    };

    use super::*;

    #[test]
    fn a_worker_that_comes_too_late_is_told_so() {
        let mut story = given(
            "ledger open
             token site create uses 2
             rack registers D1 by site
             shelf registers D2 by site
             submit job lease 30s backoff 0s
             rack polls",
        );

        story.when("at 31s");
        story.when("due").happens(&["task.went_stale"]);
        story.when("shelf polls").happens(&["task.leased"]);
        story.when("rack completes job 1/1").is_refused("task_lease_lost");
        story.when("shelf sends job c1").happens(&["task.results_stored"]);
        story.then(|ledger, _| assert_eq!(ledger.tasks().next().unwrap().1.row_count(), 1));
    }

    #[test]
    fn a_task_without_a_word_from_its_workers_fails_in_time() {
        let script = "ledger open\ntoken site create\nrack registers D1 by site\n\
                      submit job lease 30s attempts 1\nrack polls";
        let mut book = scenario::run(script).book;
        let clock = SimulatedClock::at(Timestamp::EPOCH);

        clock.pass_for(&mut book, Millis::from_secs(60));

        let status = book.ledger().tasks().next().unwrap().1.status();
        assert_eq!(status, TaskStatus::Failed);
    }

    proptest! {
        /// Random histories of everything that can happen to a ledger, against a view of ours.
        #[test]
        fn our_view_counts_the_rows_that_the_ledger_counts(log in history::logs(60)) {
            let mut view = RowsByTask::default();
            log.iter().for_each(|commit| view.follow(commit));

            let mut ledger = edge_ledger_core::Ledger::default();
            log.iter().for_each(|commit| ledger.apply(commit).unwrap());
            for (id, task) in ledger.tasks() {
                prop_assert_eq!(view.0.get(id).copied().unwrap_or(0), task.row_count());
            }
        }
    }

    mod our_journal {
        edge_ledger_testkit::journal_contract!(crate::OneFile::open);
    }

    #[test]
    fn the_logs_of_yesterday_mean_what_they_meant() {
        golden_logs::assert_unchanged(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/golden"));
    }
}

/// A view of ours: how many rows each task has in its present run.
#[derive(Debug, Default)]
struct RowsByTask(BTreeMap<TaskId, usize>);

impl RowsByTask {
    fn follow(&mut self, commit: &Commit) {
        for event in &commit.events {
            let Event::Task { id, what } = event else { continue };
            match what {
                task::Event::ResultsStored(stored) => {
                    *self.0.entry(id.clone()).or_default() += stored.rows.len();
                }
                task::Event::LateResultsAdopted { config_ids, .. } => {
                    *self.0.entry(id.clone()).or_default() += config_ids.len();
                }
                task::Event::Retried { .. } => {
                    self.0.remove(id);
                }
                _ => {} // says nothing of rows
            }
        }
    }
}

/// A journal of ours: one file, in which every append is its length and a block.
#[derive(Debug)]
struct OneFile {
    file: File,
    head: Position,
    /// Whether an append failed: nobody knows then where the file ends.
    failed: bool,
    reader: OneFileReader,
}

/// Reads it, up to where it is durable.
#[derive(Clone, Debug)]
struct OneFileReader {
    path: PathBuf,
    durable: Arc<AtomicU64>,
}

impl OneFile {
    /// Opens it in a directory. Half an append at its end was never answered, so it goes.
    fn open(directory: &Path) -> Self {
        Self::try_open(directory).expect("the directory can be used")
    }

    fn try_open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("journal");
        let mut file = File::options().create(true).append(true).read(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (commits, whole) = blocks(&bytes)?;
        file.set_len(whole)?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        let head = commits.last().map_or(Position::START, Commit::head);
        let reader = OneFileReader { path, durable: Arc::new(AtomicU64::new(whole)) };
        Ok(Self { file, head, failed: false, reader })
    }
}

impl Journal for OneFile {
    type Error = io::Error;
    type Reader = OneFileReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<io::Error>> {
        let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return Ok(()) };
        if first.after != self.head {
            return Err(AppendError::Conflict { expected: first.after, actual: self.head });
        }
        if self.failed {
            return Err(AppendError::Fault(io::Error::other("an append failed before this one")));
        }
        let block = codec::encode(commits);
        let record = [&(block.len() as u64).to_le_bytes()[..], &block].concat();
        self.failed = true;
        self.file.write_all(&record).map_err(AppendError::Fault)?;
        self.file.sync_data().map_err(AppendError::Fault)?;
        self.failed = false;
        self.reader.durable.fetch_add(record.len() as u64, Ordering::Release);
        self.head = last.head();
        Ok(())
    }

    fn append_max(&self) -> usize {
        usize::MAX
    }

    fn reader(&self) -> OneFileReader {
        self.reader.clone()
    }
}

impl JournalReader for OneFileReader {
    type Error = io::Error;

    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, io::Error>> + Send {
        let read = || {
            let mut bytes = Vec::new();
            let durable = self.durable.load(Ordering::Acquire);
            File::open(&self.path)?.take(durable).read_to_end(&mut bytes)?;
            blocks(&bytes).map(|(commits, _)| commits)
        };
        let (commits, fault) = read().map_or_else(|fault| (vec![], Some(fault)), |it| (it, None));
        let past = move |commit: &Commit| commit.head() > after;
        commits.into_iter().filter(past).map(Ok).chain(fault.map(Err))
    }
}

/// Reads whole blocks; returns their commits, and where the last of them ends.
fn blocks(mut bytes: &[u8]) -> io::Result<(Vec<Commit>, u64)> {
    let (mut commits, mut whole) = (Vec::new(), 0);
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u64::from_le_bytes(*length) as usize;
        let Some((block, rest)) = rest.split_at_checked(length) else { break };
        commits.extend(codec::decode(block).map_err(io::Error::other)?);
        whole += 8 + length as u64;
        bytes = rest;
    }
    Ok((commits, whole))
}
