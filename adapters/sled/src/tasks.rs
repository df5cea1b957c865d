//! The tasks that have left the ledger, on disk.
//!
//! ```text
//! key    n, the task's number, u64 big-endian      what left nth, counted from 1
//! value  the digest of the first n tasks, 32 bytes, and the task's id
//!
//! key    t, its id, 0, the part's number, u16 big-endian
//! value  a part of its own number, u64 big-endian, and the task in its stored form
//!
//! key    k, its dedupe key
//! value  its id
//! ```
//!
//! It lasts as the journal does: each write is followed by sled's flush and by a sync of its file
//! before it counts, all it takes to be opened is durable before the marker `READY` is there, and
//! after a failed sync it takes nothing more.

mod place;

use std::{
    fmt,
    fs::File,
    mem,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use edge_ledger_core::{
    Archived, Digest, TaskArchive, TaskId, archive::ArchiveFault, snapshot, task::Task,
};
use edge_ledger_journal::{JournalError, in_one_line};

use crate::{
    bounds::PART,
    directory::{Directory, io_error},
    shield::shielded,
};

/// What sled aims to keep in memory, in bytes.
const CACHE: u64 = 8 * 1024 * 1024;

/// The size of sled's segments, in bytes. It can never change for a directory that exists.
const SEGMENT: usize = 2 * 1024 * 1024;

/// How many bytes may be written and not yet synced, but for one task that has more.
const UNSYNCED: usize = SEGMENT / 4;

/// sled's pages stay inline.
const _: () = assert!(17 * (PART + 64) < SEGMENT / 4);

/// An archive of tasks in a directory of sled's.
///
/// A cache of the log: as long as the log has its beginning, the directory can be moved away, and the
/// next start makes it anew.
pub struct SledTasks {
    /// None only while it is dropped: before the directory, so that sled has let go of its files.
    tree: Option<sled::Tree>,
    writing: Mutex<Writing>,
    path: PathBuf,
    directory: Directory,
}

/// What is written and not yet durable.
#[derive(Debug)]
struct Writing {
    /// sled's file, on a handle of our own: what it syncs is durable.
    db: File,
    /// How many bytes were written since they last were synced.
    unsynced: usize,
    /// Why something could not be written, so that nobody knows what is there.
    failed: Option<String>,
}

/// The archive does not have what it should.
#[derive(Debug, thiserror::Error)]
enum Doubt {
    #[error("the archive of tasks in {path} does not reach task {number}: {ANEW}")]
    Short { path: PathBuf, number: u64 },
    #[error("the archive of tasks in {path} has another task {id} than the one that left: {ANEW}")]
    Other { path: PathBuf, id: TaskId },
    #[error("the archive of tasks in {path} holds what no build has written: {ANEW}")]
    Foreign { path: PathBuf },
    #[error(
        "the archive of tasks in {path} takes nothing until the next start, because an earlier \
         write failed ({cause}): find the cause, then start again"
    )]
    Poisoned { path: PathBuf, cause: String },
}

const ANEW: &str = "move the directory away, and the next start makes it anew of the log; if that \
                    has lost its beginning, restore a backup";

impl SledTasks {
    /// Opens the archive in a directory, and makes it first if there is none, or none that was made
    /// completely.
    ///
    /// # Errors
    ///
    /// Fails if another process has it open, or sled cannot read it. What it has kept is still
    /// there then.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        place::open(path.as_ref()).map_err(|error| {
            if matches!(error, JournalError::InUse { .. }) {
                return error;
            }
            let path = path.as_ref().display();
            let told = format!("the archive of tasks in {path} cannot be opened: {ANEW}");
            JournalError::Store { told, source: Some(Box::new(error)) }
        })
    }

    fn ask<T>(
        &self,
        doing: &'static str,
        ask: impl FnOnce(&sled::Tree) -> sled::Result<T>,
    ) -> Result<T, JournalError> {
        shielded(&self.path, doing, || ask(self.tree()))
    }

    const fn tree(&self) -> &sled::Tree {
        self.tree.as_ref().expect("nobody asks for it while it is dropped")
    }

    /// Returns what the first tasks add up to, and the last of them.
    fn entry(&self, number: u64) -> Result<Option<(Archived, TaskId)>, ArchiveFault> {
        let Some(value) = self.ask("read", |tree| tree.get(key_of_number(number)))? else {
            return Ok(None);
        };
        let foreign = || Doubt::Foreign { path: self.path.clone() };
        let (digest, id) = value.split_first_chunk().ok_or_else(foreign)?;
        let id = std::str::from_utf8(id)?.parse().map_err(|_| foreign())?;
        Ok(Some((Archived::new(number, Digest::from_bytes(*digest)), id)))
    }

    fn sum(&self, number: u64) -> Result<Archived, ArchiveFault> {
        if number == 0 {
            return Ok(Archived::default());
        }
        let found = self.entry(number)?.map(|(sum, _)| sum);
        Ok(found.ok_or_else(|| Doubt::Short { path: self.path.clone(), number })?)
    }

    /// Reads a task with its number, whether or not they fit together.
    fn read(&self, id: &TaskId) -> Result<Option<(u64, Task)>, ArchiveFault> {
        let parts: Result<Vec<_>, _> =
            self.ask("read", |tree| Ok(tree.scan_prefix(prefix(id)).values().collect()))?;
        let bytes = parts.map_err(ArchiveFault::from)?.concat();
        if bytes.is_empty() {
            return Ok(None);
        }
        let foreign = || Doubt::Foreign { path: self.path.clone() };
        let (number, task) = bytes.split_first_chunk().ok_or_else(foreign)?;
        Ok(Some((u64::from_be_bytes(*number), snapshot::decode_task(task)?)))
    }

    /// Drops what left after the first tasks.
    fn cut(&self, mut number: u64, batch: &mut sled::Batch) -> Result<(), ArchiveFault> {
        while let Some((_, id)) = self.entry(number + 1)? {
            number += 1;
            if let Some(key) = self.read(&id)?.and_then(|(_, task)| task.dedupe_key().map(key_of)) {
                batch.remove(key);
            }
            for part in self.tree().scan_prefix(prefix(&id)).keys() {
                batch.remove(part?);
            }
            batch.remove(key_of_number(number));
        }
        Ok(())
    }

    /// Writes a batch of so many bytes, whole or not at all. It is durable at the next sync, which
    /// is at once if too much waits for it.
    fn write(&self, batch: sled::Batch, size: usize) -> Result<(), ArchiveFault> {
        let mut writing = self.writing();
        self.attempt(&mut writing, |_| self.ask("append to", |tree| tree.apply_batch(batch)))?;
        writing.unsynced += size;
        if writing.unsynced > UNSYNCED { self.flush(&mut writing) } else { Ok(()) }
    }

    fn flush(&self, writing: &mut Writing) -> Result<(), ArchiveFault> {
        self.attempt(writing, |writing| {
            self.ask("append to", sled::Tree::flush)?;
            writing.db.sync_data().map_err(io_error("sync", &self.path.join("db")))
        })?;
        writing.unsynced = 0;
        Ok(())
    }

    /// Writes or syncs, unless an earlier attempt has failed: nobody knows what another one would
    /// leave.
    fn attempt(
        &self,
        writing: &mut Writing,
        attempt: impl FnOnce(&Writing) -> Result<(), JournalError>,
    ) -> Result<(), ArchiveFault> {
        if let Some(cause) = writing.failed.clone() {
            return Err(Doubt::Poisoned { path: self.path.clone(), cause }.into());
        }
        attempt(writing).map_err(|error| {
            writing.failed = Some(in_one_line(&error));
            error.into()
        })
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskArchive for SledTasks {
    fn keep(&self, before: Archived, tasks: &[(&TaskId, &Task)]) -> Result<(), ArchiveFault> {
        if !self.reaches(before)? {
            return Err(Doubt::Short { path: self.path.clone(), number: before.tasks() }.into());
        }
        let mut batch = sled::Batch::default();
        self.cut(before.tasks(), &mut batch)?;
        let (mut sum, mut size) = (before, 0);
        for (id, task) in tasks {
            sum = sum.and(id, task);
            let number = sum.tasks().to_be_bytes();
            let bytes = [&number, snapshot::encode_task(task).as_slice()].concat();
            for (part, bytes) in (0_u16..).zip(bytes.chunks(PART)) {
                batch.insert([prefix(id).as_slice(), &part.to_be_bytes()].concat(), bytes);
            }
            if let Some(key) = task.dedupe_key() {
                batch.insert(key_of(key), id.to_string().as_bytes());
            }
            let value = [sum.digest().as_bytes().as_slice(), id.to_string().as_bytes()].concat();
            batch.insert(key_of_number(sum.tasks()), value);
            size += bytes.len();
            if size > UNSYNCED {
                // It has all tasks up to this one then, which is as good as fewer.
                self.write(mem::take(&mut batch), mem::take(&mut size))?;
            }
        }
        self.write(batch, size)
    }

    fn sync(&self) -> Result<(), ArchiveFault> {
        self.flush(&mut self.writing())
    }

    fn reaches(&self, archived: Archived) -> Result<bool, ArchiveFault> {
        Ok(archived == Archived::default()
            || self.entry(archived.tasks())?.is_some_and(|(sum, _)| sum == archived))
    }

    fn nth(&self, number: u64) -> Result<Option<(TaskId, Task)>, ArchiveFault> {
        let Some((_, id)) = self.entry(number)? else { return Ok(None) };
        let found = self.read(&id)?.filter(|(found, _)| *found == number);
        Ok(found.map(|(_, task)| (id, task)))
    }

    fn task(&self, id: &TaskId) -> Result<Option<Task>, ArchiveFault> {
        let Some((number, task)) = self.read(id)? else { return Ok(None) };
        let other = || Doubt::Other { path: self.path.clone(), id: id.clone() };
        let before = self.sum(number.checked_sub(1).ok_or_else(other)?)?;
        if before.and(id, &task) == self.sum(number)? {
            Ok(Some(task))
        } else {
            Err(other().into())
        }
    }

    fn task_of_dedupe_key(&self, key: &str) -> Result<Option<TaskId>, ArchiveFault> {
        let Some(id) = self.ask("read", |tree| tree.get(key_of(key)))? else { return Ok(None) };
        let foreign = || Doubt::Foreign { path: self.path.clone() };
        let id = std::str::from_utf8(&id)?.parse().map_err(|_| foreign())?;
        Ok(Some(id))
    }
}

impl Drop for SledTasks {
    /// Keeps sled's panic in: it syncs when it is dropped, and takes a failure badly.
    fn drop(&mut self) {
        let tree = self.tree.take();
        let closed = shielded(&self.path, "close", || {
            drop(tree);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(error = in_one_line(&error), "the archive of tasks did not close well");
        }
    }
}

impl fmt::Debug for SledTasks {
    /// Leaves the tree out: sled prints all of its pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledTasks").field("path", &self.path).finish_non_exhaustive()
    }
}

fn key_of_number(number: u64) -> Vec<u8> {
    [b"n".as_slice(), &number.to_be_bytes()].concat()
}

fn key_of(dedupe_key: &str) -> Vec<u8> {
    [b"k", dedupe_key.as_bytes()].concat()
}

/// How the keys of a task begin. No id has a zero byte, so that none begins another.
fn prefix(id: &TaskId) -> Vec<u8> {
    [b"t", id.to_string().as_bytes(), &[0]].concat()
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{
        Cause, Command, CommandId, Commit, Decision, Ledger, Principal, Timestamp,
        lifecycle::{self, Epoch},
        task::{self, OperatorCommand, Payload, Spec, Submission, Terms},
    };
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn another_task_than_the_one_that_left_is_not_shown() {
        let place = tempfile::tempdir().unwrap();
        let ledger = cancelled(&["one", "two"]);
        let tasks: Vec<_> = ledger.tasks().collect();
        let archive = SledTasks::open(place.path()).unwrap();
        archive.keep(Archived::default(), &tasks).unwrap();
        let [one, two] = [0, 1].map(|nth: usize| [prefix(tasks[nth].0), vec![0, 0]].concat());

        let put = archive.tree().get(&two).unwrap().unwrap();
        archive.tree().insert(&one, put).unwrap();

        let refused = archive.task(tasks[0].0).unwrap_err().to_string();
        assert!(refused.contains("has another task one than the one that left"), "{refused}");
        assert!(refused.contains("move the directory away"), "{refused}");
        assert_eq!(archive.task(tasks[1].0).unwrap().as_ref(), Some(tasks[1].1));
    }

    #[test]
    fn a_task_is_found_by_its_dedupe_key_for_as_long_as_it_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let ledger = cancelled(&["one", "two"]);
        let tasks: Vec<_> = ledger.tasks().collect();
        let archive = SledTasks::open(place.path()).unwrap();
        archive.keep(Archived::default(), &tasks).unwrap();
        archive.sync().unwrap();
        drop(archive);

        let archive = SledTasks::open(place.path()).unwrap();

        assert_eq!(archive.task_of_dedupe_key("key of two").unwrap().as_ref(), Some(tasks[1].0));
        assert_eq!(archive.task_of_dedupe_key("key of").unwrap(), None);
        archive.keep(Archived::default(), &tasks[..1]).unwrap();
        assert_eq!(archive.task_of_dedupe_key("key of one").unwrap().as_ref(), Some(tasks[0].0));
        assert_eq!(archive.task_of_dedupe_key("key of two").unwrap(), None);
    }

    #[test]
    fn a_task_larger_than_a_page_comes_back_whole() {
        let place = tempfile::tempdir().unwrap();
        let reason = "because ".repeat(4 * PART);
        let ledger = cancelled_because(&["one"], &reason);
        let tasks: Vec<_> = ledger.tasks().collect();
        let archive = SledTasks::open(place.path()).unwrap();

        archive.keep(Archived::default(), &tasks).unwrap();

        assert_eq!(archive.task(tasks[0].0).unwrap().as_ref(), Some(tasks[0].1));
    }

    fn cancelled(ids: &[&str]) -> Ledger {
        cancelled_because(ids, "enough")
    }

    fn cancelled_because(ids: &[&str], reason: &str) -> Ledger {
        let mut ledger = Ledger::default();
        let open = lifecycle::Command::Open { epoch: Epoch(0) };
        execute(&mut ledger, Principal::System, Command::Ledger(open));
        for id in ids {
            let payload = Payload::new(RawValue::from_string("{}".to_owned()).unwrap());
            let dedupe_key = Some(format!("key of {id}").into());
            let spec = Spec { name: (*id).into(), payload, dedupe_key, terms: Terms::default() };
            let (id, spec) = (TaskId::new(id).unwrap(), Box::new(spec));
            let submission = Submission { id: id.clone(), spec, archived: None };
            let operator = Principal::Operator { name: "op".into() };
            execute(&mut ledger, operator.clone(), Command::Submit(vec![submission]));
            let cancel = OperatorCommand::Cancel { reason: reason.into() };
            execute(&mut ledger, operator, Command::Task(id, task::Command::Operator(cancel)));
        }
        ledger
    }

    fn execute(ledger: &mut Ledger, principal: Principal, command: Command) {
        let cause =
            Cause { command: CommandId::from_uuid(Uuid::nil()), principal, idempotency: None };
        let decided = ledger.decide(command, &cause, Timestamp::EPOCH).unwrap();
        let Decision::Events(events) = decided else { panic!("it changes something") };
        let after = ledger.head();
        let recorded_at = Timestamp::EPOCH;
        ledger.apply(&Commit { after, recorded_at, cause, events }).unwrap();
    }
}
