//! Coming back: the newest snapshot and what was appended since, and snapshots for the next time.

use std::{io, num::NonZero, path::Path};

use anyhow::{Error, Result};
use edge_ledger_core::{Ledger, Position};
use edge_ledger_engine::{Duty, Handle, OpenError, replay, replay_from};
use edge_ledger_journal::{
    BlockReader, JournalError, Rhythm, Snapshot, Snapshots, Snapshotter, SnapshotterError,
    StoreReader, in_one_line,
};

use crate::{
    exit::{Exit, Failure, chain},
    journal,
};

/// After how many events a snapshot is written, unless somebody says otherwise: to fold so many
/// takes about a quarter of a second.
pub(super) const SNAPSHOT_EVERY: u64 = 500_000;

/// What a start goes on from.
#[derive(Debug)]
pub(super) struct Back {
    /// The ledger of the newest snapshot, or the empty one that every log begins with.
    pub(super) ledger: Ledger,
    /// When the next snapshot is due, if any are to be written.
    pub(super) rhythm: Option<Rhythm>,
}

/// Writes snapshots while a gateway serves, and one when it has closed its ledger.
#[derive(Debug)]
pub(super) struct Keeping<R> {
    log: BlockReader<R>,
    snapshots: Snapshots,
    snapshotter: Option<Snapshotter>,
}

impl Back {
    /// Finds the newest snapshot that belongs to the log of a data directory.
    pub(super) fn of<R: StoreReader>(
        data: &Path,
        log: &BlockReader<R>,
        every: u64,
        verify: bool,
    ) -> Result<Self> {
        let snapshots = journal::snapshots(data);
        let rhythm = NonZero::new(every).map(Rhythm::new);
        let Some(found) = snapshots.newest(|position| log.link_at(position)) else {
            return Ok(Self { ledger: Ledger::default(), rhythm });
        };
        if verify {
            verify_snapshot(&snapshots, &found, log)?;
        }
        let rhythm = rhythm.map(|rhythm| rhythm.after(found.ledger()));
        Ok(Self { ledger: found.into_ledger(), rhythm })
    }

    /// Returns the position that the start goes on from.
    pub(super) fn from(&self) -> Position {
        self.ledger.head()
    }
}

/// The beginning of a log, if it was taken away: up to which position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost(Option<Position>);

impl Lost {
    /// Looks where a log begins.
    pub(super) fn of<R: StoreReader>(log: &BlockReader<R>) -> Result<Self> {
        let begin = log.begin().map_err(|error| journal::explain(&error))?;
        Ok(Self(begin.map(|begin| begin.position).filter(|begin| *begin > Position::START)))
    }

    /// Refuses to start from a position after which the log does not have all.
    pub(super) fn may_begin_at(self, data: &Path, from: Position) -> Result<()> {
        match self.0 {
            Some(lost) if from < lost => {
                let told = format!(
                    "the log begins after position {lost}, and no snapshot in {} stands for what \
                     came before",
                    journal::snapshots(data).directory().display(),
                );
                Err(Failure::new(Exit::Failure, told).next(put_back(data)).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses to fold the log from its beginning if that is gone, since the start from a snapshot
    /// went wrong.
    pub(super) fn may_begin_anew(self, data: &Path, error: &OpenError) -> Result<()> {
        let Some(lost) = self.0 else { return Ok(()) };
        let told = format!(
            "{}; the log begins after position {lost}, so nothing can be made anew of it",
            chain(error)
        );
        Err(Failure::new(Exit::Failure, told).next(put_back(data)).into())
    }
}

fn put_back(data: &Path) -> String {
    let (archive, tasks) = (journal::archive_place(data), journal::tasks_place(data));
    format!(
        "put back what was moved away of {} and {}, or restore a backup",
        archive.display(),
        tasks.display()
    )
}

/// Returns whether a start that went wrong may do without its snapshot: what the log says is right.
pub(super) fn may_do_without_snapshot(error: &OpenError) -> bool {
    match error {
        OpenError::Corrupt(_) | OpenError::Unarchived(_) => true,
        OpenError::Unreadable(_) | OpenError::Unopened(_) => false,
    }
}

impl<R: StoreReader> Keeping<R> {
    /// Begins to write snapshots, if any are to be written.
    pub(super) fn begin(
        data: &Path,
        handle: &Handle<BlockReader<R>>,
        rhythm: Option<Rhythm>,
    ) -> io::Result<Self> {
        let (log, snapshots) = (handle.reader().clone(), journal::snapshots(data));
        let engine = handle.clone();
        let told = move |outcome: Result<(), &SnapshotterError>| {
            engine.upkeep().note(Duty::Snapshots, engine.now(), outcome);
        };
        let start = |rhythm| Snapshotter::start(log.clone(), snapshots.clone(), rhythm, told);
        let snapshotter = rhythm.map(start).transpose()?;
        Ok(Self { log, snapshots, snapshotter })
    }

    /// Writes a last snapshot, of a ledger that is closed, if that makes the next start quicker.
    pub(super) fn end(self, handle: &Handle<BlockReader<R>>) {
        let Some(rhythm) = self.snapshotter.and_then(Snapshotter::stop) else { return };
        let end = match self.log.end() {
            Ok(Some(end)) if rhythm.is_worth_it(end.position) => end,
            Ok(_) => return,
            Err(error) => return warn(&error),
        };
        let written = handle.glance(|ledger, _| self.snapshots.write(end, ledger));
        if let Ok(Err(error)) = written {
            warn(&error);
        }
    }
}

fn warn(error: &JournalError) {
    tracing::warn!(error = in_one_line(error), "no snapshot could be written");
}

/// Refuses a snapshot from which on the log comes to another ledger than from its beginning.
fn verify_snapshot<R: StoreReader>(
    snapshots: &Snapshots,
    found: &Snapshot,
    log: &BlockReader<R>,
) -> Result<()> {
    let from = found.link().position;
    let whole = replay(log).map_err(unfolded)?.digest();
    // That it does not go on at all is no smaller difference.
    let quick = match replay_from(log, found.ledger().clone()) {
        Ok(ledger) if ledger.digest() == whole => return Ok(()),
        Ok(ledger) => format!("to {}", ledger.digest()),
        Err(error) => format!("to nothing: {}", chain(&error)),
    };
    let told = format!(
        "the log folds to digest {whole}; from the snapshot at position {from} on, {quick}"
    );
    let next = format!("remove {}, and start again", snapshots.directory().display());
    Err(Failure::new(Exit::Failure, told).next(next).into())
}

fn unfolded(error: OpenError) -> Error {
    Failure::new(Exit::Failure, chain(&error)).next(super::VERIFY).into()
}
