//! `log verify`: can every word of the log be vouched for.

use std::{error::Error, path::Path};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Commit, Digest, Journal, JournalReader, Ledger, Position};
use edge_ledger_journal::{
    BlockJournal, BlockReader, Damage, JournalError, Link, Linked, Store, StoreReader,
};
use serde_json::json;

use crate::{
    exit::{Exit, chain},
    journal,
    output::{Cell, Output, Progress, Table, note, plain},
};

/// Read every block of the log, check it and its place in the chain, and fold it.
///
/// Ends with exit code 1 and the first position that cannot be vouched for if anything is wrong.
/// Two logs with the same digest make the same ledger; two with the same hash at a position are the
/// same up to there. Keep position and hash elsewhere, and a later `--from POSITION --hash HASH`
/// shows that nothing up to there has been altered since, without reading it again.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Go on from this position, of which the hash is known: check the chain behind it, fold
    /// nothing.
    #[arg(long, value_name = "POSITION", requires = "hash")]
    from: Option<u64>,
    /// The hash that the log had there.
    #[arg(long, value_name = "HASH", requires = "from")]
    hash: Option<Digest>,
}

pub(super) fn run(args: VerifyArgs, data: &Path, output: Output) -> Result<Exit> {
    let checkpoint = args.from.zip(args.hash);
    let checkpoint =
        checkpoint.map(|(position, hash)| Link { position: Position::new(position), hash });
    let verified = match journal::open_there(data)? {
        Ok(journal) => Verified::of(&journal, checkpoint),
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
    /// Where the reading began, if not at the start: what is before is known by its hash only.
    base: Option<Link>,
    head: Position,
    /// The hash of the chain there; none if anything is wrong.
    hash: Option<Digest>,
    /// How many commits were read, if they were counted.
    commits: Option<u64>,
    /// The whole ledger, if it was folded; or what is wrong.
    outcome: Result<Option<Box<Ledger>>, String>,
}

impl Verified {
    /// What a log is that cannot even be opened, because of its last block.
    fn only_up_to(head: Position, damage: &Damage) -> Self {
        let outcome = Err(chain(damage));
        Self { base: None, head, hash: None, commits: None, outcome }
    }

    /// Reads all of a journal, or what is behind a checkpoint.
    fn of<S: Store>(journal: &BlockJournal<S>, checkpoint: Option<Link>) -> Self {
        let reader = journal.reader();
        let base = match checkpoint {
            Some(checkpoint) => Some(checkpoint),
            // If even that cannot be read, the reading comes to the same error.
            None => reader.begin().ok().flatten().filter(|base| base.position > Position::START),
        };
        let verified = match base {
            Some(base) => Self::chained(&reader, base),
            None => Self::folded(reader.read_ahead(Position::START)),
        };
        let hash = verified.outcome.is_ok().then(|| journal.link().hash);
        Self { base, hash, ..verified }
    }

    fn folded<E: Error>(log: impl Iterator<Item = Result<Commit, E>>) -> Self {
        let mut ledger = Box::<Ledger>::default();
        let (mut head, mut commits) = (Position::START, 0);
        let mut progress = Progress::new("commits");
        let ends = |head, commits, outcome| {
            let commits = Some(commits);
            Self { base: None, head, hash: None, commits, outcome }
        };
        for commit in log {
            let folded = commit
                .map_err(|error| chain(&error))
                .and_then(|commit| ledger.apply(&commit).map_err(|fault| fault.to_string()));
            if let Err(fault) = folded {
                return ends(head, commits, Err(fault));
            }
            head = ledger.head();
            commits += 1;
            progress.add(1);
        }
        ends(head, commits, Ok(Some(ledger)))
    }

    /// Follows the chain from a link on.
    fn chained<R: StoreReader>(reader: &BlockReader<R>, base: Link) -> Self {
        let mut head = Position::START;
        let mut commits = 0;
        let outcome = stands_at(reader, base).and_then(|()| {
            head = base.position;
            let mut progress = Progress::new("commits");
            for block in reader.blocks(base.position) {
                let Linked { block, link, .. } = block.map_err(|error| chain(&error))?;
                if link.position <= base.position {
                    continue;
                }
                let more = block.decode().map_err(|damage| chain(&damage))?.len() as u64;
                head = link.position;
                commits += more;
                progress.add(more);
            }
            Ok(None)
        });
        Self { base: Some(base), head, hash: None, commits: Some(commits), outcome }
    }

    fn json(&self) -> serde_json::Value {
        let Self { base, head, hash, commits, outcome } = self;
        let base = base.map(|base| json!({ "position": base.position, "hash": base.hash }));
        match outcome {
            Ok(ledger) => {
                let mut json = json!({
                    "ok": true,
                    "head": head,
                    "hash": hash,
                    "commits": commits,
                    "knownByHashOnly": base,
                });
                if let Some(ledger) = ledger {
                    json["recordedAt"] = ledger.recorded_at().to_string().into();
                    json["epoch"] = json!(ledger.epoch());
                    json["closed"] = (!ledger.is_open()).into();
                    json["counts"] = json!(ledger.counts());
                    json["digest"] = json!(ledger.digest());
                }
                json
            }
            Err(fault) => json!({
                "ok": false,
                "head": head,
                "commits": commits,
                "knownByHashOnly": base,
                "firstUnknown": head.plus(1),
                "fault": fault,
            }),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::facts([("head", Cell::new(self.head))]);
        if let Some(base) = self.base {
            let known = format!("1 to {}, known by their hash only: {}", base.position, base.hash);
            table.fact("not read", Cell::new(known).fair());
        }
        table.fact("commits", Cell::maybe(self.commits));
        match &self.outcome {
            Ok(Some(ledger)) => {
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
            Ok(None) => {}
            Err(_) => table.fact("digest", Cell::new("unknown").bad()),
        }
        if let Some(hash) = self.hash {
            table.fact("hash", Cell::new(hash).good());
        }
        table
    }
}

/// Sees that the chain stands where a link says.
fn stands_at<R: StoreReader>(reader: &BlockReader<R>, link: Link) -> Result<(), String> {
    let Link { position, hash } = link;
    match reader.link_at(position) {
        Ok(Some(found)) if found == link => Ok(()),
        Ok(Some(Link { hash: found, .. })) => Err(format!(
            "the log has hash {found} at position {position}, not {hash}: something up to there \
             was altered, removed or reordered"
        )),
        Ok(None) => Err(format!("no block ends at position {position}")),
        Err(error) => Err(chain(&error)),
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

        let json = Verified::folded(log.into_iter()).json();

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
            let json = Verified::folded(log.into_iter()).json();

            assert_eq!((&json["ok"], &json["firstUnknown"]), (&false.into(), &2.into()));
            assert!(json["fault"].as_str().unwrap().starts_with(fault), "{json}");
            assert_eq!(json.get("digest"), None);
        }
    }
}
