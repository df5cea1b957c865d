//! `log verify`: can every word of the log be vouched for.

use std::{error::Error, path::Path};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Commit, Journal, JournalReader, Ledger, Position};
use edge_ledger_journal::{Damage, JournalError};
use serde_json::json;

use crate::{
    exit::{Exit, chain},
    journal,
    output::{Cell, Output, Progress, Table, note, plain},
};

/// Read every block of the log, check it and fold it.
///
/// Ends with exit code 1 and the first position that cannot be vouched for if anything is wrong.
/// Two logs with the same digest make the same ledger.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {}

pub(super) fn run(_: VerifyArgs, data: &Path, output: Output) -> Result<Exit> {
    let verified = match journal::open_there(data)? {
        Ok(journal) => Verified::of(journal.reader().read(Position::START)),
        Err(JournalError::Frame { position, damage }) => Verified::only_up_to(position, &damage),
        Err(error) => return Err(journal::explain(&error)),
    };
    match output.is_json() {
        true => output.json(&verified.json())?,
        false => output.table(&verified.table(), "")?,
    }
    match &verified.outcome {
        Ok(_) => Ok(Exit::Ok),
        Err(fault) => {
            let first = verified.head.plus(1);
            note(&format!("error: position {first} cannot be vouched for: {}", plain(fault)));
            note("  next: copy the directory before trying anything, then restore a backup");
            Ok(Exit::Failure)
        }
    }
}

/// What the log is, as far as it can be vouched for.
#[derive(Debug)]
struct Verified {
    head: Position,
    /// How many commits it has up to there, if they were counted.
    commits: Option<u64>,
    /// The whole ledger, or why there is none.
    outcome: Result<Ledger, String>,
}

impl Verified {
    /// What a log is that cannot even be opened, because of its last block.
    fn only_up_to(head: Position, damage: &Damage) -> Self {
        Self { head, commits: None, outcome: Err(chain(damage)) }
    }

    fn of<E: Error>(log: impl Iterator<Item = Result<Commit, E>>) -> Self {
        let mut ledger = Ledger::default();
        let (mut head, mut commits) = (Position::START, 0);
        let mut progress = Progress::new("commits");
        for commit in log {
            let folded = commit
                .map_err(|error| chain(&error))
                .and_then(|commit| ledger.apply(&commit).map_err(|fault| fault.to_string()));
            if let Err(fault) = folded {
                return Self { head, commits: Some(commits), outcome: Err(fault) };
            }
            head = ledger.head();
            commits += 1;
            progress.add(1);
        }
        Self { head, commits: Some(commits), outcome: Ok(ledger) }
    }

    fn json(&self) -> serde_json::Value {
        let Self { head, commits, outcome } = self;
        match outcome {
            Ok(ledger) => json!({
                "ok": true,
                "head": head,
                "commits": commits,
                "recordedAt": ledger.recorded_at().to_string(),
                "epoch": ledger.epoch(),
                "closed": !ledger.is_open(),
                "counts": ledger.counts(),
                "digest": ledger.digest(),
            }),
            Err(fault) => json!({
                "ok": false,
                "head": head,
                "commits": commits,
                "firstUnknown": head.plus(1),
                "fault": fault,
            }),
        }
    }

    fn table(&self) -> Table {
        let facts = [("head", Cell::new(self.head)), ("commits", Cell::maybe(self.commits))];
        let mut table = Table::facts(facts);
        match &self.outcome {
            Ok(ledger) => {
                let counts = ledger.counts();
                let ended = if ledger.is_open() { "without a close" } else { "with a close" };
                table.fact("last recorded", Cell::new(ledger.recorded_at()));
                table.fact("ended", Cell::new(ended));
                table.fact("epoch", Cell::new(ledger.epoch()));
                table.fact("tokens", Cell::new(counts.tokens));
                table.fact("edges", Cell::new(counts.edges));
                table.fact("tasks", Cell::new(counts.tasks));
                table.fact("archived tasks", Cell::new(counts.archived));
                table.fact("digest", Cell::new(ledger.digest()).good());
            }
            Err(_) => table.fact("digest", Cell::new("unknown").bad()),
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{Cause, CommandId, Event, Principal, Timestamp, lifecycle};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("block 3 is damaged")]
    struct Damaged;

    fn commit(after: u64, what: lifecycle::Event) -> Commit {
        Commit {
            after: Position::new(after),
            recorded_at: Timestamp::from_millis(1_000),
            cause: Cause {
                command: CommandId::from_uuid(uuid()),
                principal: Principal::System,
                idempotency: None,
            },
            events: vec![Event::Ledger(what)],
        }
    }

    fn uuid() -> uuid::Uuid {
        uuid::Uuid::nil()
    }

    fn opened() -> Commit {
        commit(0, lifecycle::Event::Opened { epoch: lifecycle::Epoch::default() })
    }

    #[test]
    fn a_whole_log_has_a_digest() {
        let log = [Ok::<_, Damaged>(opened()), Ok(commit(1, lifecycle::Event::Closed))];

        let json = Verified::of(log.into_iter()).json();

        assert_eq!(
            (&json["ok"], &json["head"], &json["closed"]),
            (&true.into(), &2.into(), &true.into())
        );
        assert_eq!(json["digest"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn the_first_position_that_cannot_be_vouched_for_is_named() {
        let damaged = [Ok(opened()), Err(Damaged)];
        let cut = [Ok::<_, Damaged>(opened()), Ok(commit(2, lifecycle::Event::Ticked))];

        for (log, fault) in
            [(damaged, "block 3 is damaged"), (cut, "expected a commit after position 1")]
        {
            let json = Verified::of(log.into_iter()).json();

            assert_eq!((&json["ok"], &json["firstUnknown"]), (&false.into(), &2.into()));
            assert!(json["fault"].as_str().unwrap().starts_with(fault), "{json}");
            assert_eq!(json.get("digest"), None);
        }
    }
}
