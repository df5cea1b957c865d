//! Every row that was ever taken, by run.
use std::collections::BTreeMap;

use edge_ledger_core::{
    Command, Event, Ledger, Position, TaskId,
    task::{self, HolderCommand, Row, SystemCommand, Task},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::Taken;

/// The rows of every run, and those kept aside.
#[derive(Debug, Default)]
pub struct Rows {
    taken: BTreeMap<(TaskId, u32), BTreeMap<Box<str>, Row>>,
    kept: BTreeMap<(TaskId, Position), Vec<Row>>,
}

impl Rows {
    /// Checks that a commit takes each row once, and of those sent the first; all that are new, or
    /// none.
    ///
    /// # Errors
    ///
    /// Fails if it does not.
    pub fn first_row_wins(&mut self, commit: &Taken<'_>) -> Result<(), TestCaseError> {
        for envelope in commit.commit.envelopes() {
            let Event::Task { id, what } = envelope.event else { continue };
            let run = commit.after.task(id).map_or(0, Task::run);
            if let task::Event::ResultsStored(stored) = what {
                let new = self.new_of(id, run, sent(commit.command), &[]);
                prop_assert_eq!(&stored.rows, &new, "the first of each that is new");
                let known = sent(commit.command).len() - new.len();
                prop_assert_eq!(stored.deduplicated as usize, known);
                self.take(id, run, new);
            }
            if let task::Event::LateResultsKept(kept) = what {
                let aside = aside(commit.before, id, run);
                let new = self.new_of(id, run, sent(commit.command), &aside);
                prop_assert_eq!(&kept.rows, &new, "the first of each that is not known");
                self.kept.insert((id.clone(), envelope.position), new);
            }
            if let task::Event::LateResultsAdopted { kept_at, config_ids } = what {
                let kept = self.kept.remove(&(id.clone(), *kept_at)).unwrap_or_default();
                let new = self.new_of(id, run, &kept, &[]);
                let ids: Vec<_> = new.iter().map(|row| row.config_id.clone()).collect();
                prop_assert_eq!(&**config_ids, ids.as_slice(), "those not there yet");
                self.take(id, run, new);
            }
        }
        for (id, task) in commit.after.tasks() {
            let rows = self.taken.get(&(id.clone(), task.run())).map_or(0, BTreeMap::len);
            prop_assert_eq!(task.row_count(), rows, "rows of {:?} in run {}", id, task.run());
        }
        Ok(())
    }

    fn new_of(&self, id: &TaskId, run: u32, rows: &[Row], aside: &[Box<str>]) -> Vec<Row> {
        let taken = self.taken.get(&(id.clone(), run));
        let mut new: Vec<Row> = Vec::new();
        for row in rows {
            let is_known = taken.is_some_and(|taken| taken.contains_key(&row.config_id))
                || aside.contains(&row.config_id)
                || new.iter().any(|earlier| earlier.config_id == row.config_id);
            if !is_known {
                new.push(row.clone());
            }
        }
        new
    }

    fn take(&mut self, id: &TaskId, run: u32, rows: Vec<Row>) {
        let taken = self.taken.entry((id.clone(), run)).or_default();
        taken.extend(rows.into_iter().map(|row| (row.config_id.clone(), row)));
    }
}

/// Lists the rows of a run that are kept aside.
fn aside(ledger: &Ledger, id: &TaskId, run: u32) -> Vec<Box<str>> {
    let late = ledger.task(id).into_iter().flat_map(Task::late_results);
    let of_run = late.filter(|late| late.run == run);
    of_run.flat_map(|late| late.config_ids.iter().cloned()).collect()
}

fn sent(command: &Command) -> &[Row] {
    let Command::Task(_, command) = command else { return &[] };
    if let task::Command::Holder(_, HolderCommand::StoreResults(rows))
    | task::Command::System(SystemCommand::KeepLateResults { rows, .. }) = command
    {
        return rows;
    }
    &[]
}
