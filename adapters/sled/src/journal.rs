//! The journal's one writer.
use std::{fs::File, path::Path, sync::Arc};

use edge_ledger_core::{AppendError, Commit, Journal, Position};

use crate::{
    JournalError, SledReader, block,
    bounds::{APPEND_MAX, SEGMENT},
    directory::{Content, Directory, io_error},
    error::chain,
    reader,
    shield::shielded,
    store::Store,
};

/// After how many positions the marker is renewed. It costs a few syncs, and bounds what damage can
/// take from a journal that was not closed without anybody noticing.
const MARK_EVERY: u64 = 256;

/// What sled aims to keep in memory, in bytes.
const CACHE: u64 = 64 * 1024 * 1024;

/// A journal on disk.
#[derive(Debug)]
pub struct SledJournal {
    store: Arc<Store>,
    /// sled's file, on a handle of our own: what it syncs is durable.
    db: File,
    head: Position,
    /// The position that the marker says was reached.
    marked: Position,
    /// Why nothing can be appended any more.
    poison: Option<String>,
}

impl SledJournal {
    /// Opens the journal in a directory, and makes it first if there is none.
    ///
    /// # Errors
    ///
    /// Fails if another process has it open, if the directory holds something else, or if what is
    /// there cannot be relied on. Nothing that a journal appended is changed or removed then, but
    /// sled may have cut off what it could not read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let directory = Directory::hold(path.as_ref())?;
        match directory.content()? {
            Content::Nothing => Self::create(directory),
            Content::Journal { known } => Self::reopen(directory, known),
        }
    }

    fn create(directory: Directory) -> Result<Self, JournalError> {
        directory.begin()?;
        let journal = Self::start(directory, Position::START)?;
        let directory = &journal.store.directory;
        directory.sync_all()?;
        directory.finish(Position::START)?;
        directory.make_private()?;
        Ok(journal)
    }

    fn reopen(directory: Directory, known: Position) -> Result<Self, JournalError> {
        directory.wait_for_sled()?;
        directory.remove_cut_snapshots()?;
        let mut journal = Self::start(directory, known)?;
        if journal.head < known {
            let directory = journal.store.directory.path().to_path_buf();
            return Err(JournalError::CutShort { directory, found: journal.head, known });
        }
        journal.mark()?;
        journal.store.directory.make_private()?;
        Ok(journal)
    }

    /// Starts sled and syncs what it found, so that its end can be relied on.
    fn start(directory: Directory, marked: Position) -> Result<Self, JournalError> {
        let path = directory.path();
        let config = sled::Config::new()
            .path(path)
            .segment_size(SEGMENT)
            .cache_capacity(CACHE)
            .flush_every_ms(None);
        let tree = shielded(path, "open", || {
            let db = config.open()?;
            db.flush()?;
            Ok((*db).clone())
        })?;
        let file = path.join("db");
        let db = File::options().read(true).write(true).open(&file);
        let db = db.map_err(io_error("open", &file))?;
        db.sync_all().map_err(io_error("sync", &file))?;
        let store = Store::new(tree, directory);
        let store = Arc::new(store);
        let head = reader::end(&store)?;
        store.publish(head);
        Ok(Self { store, db, head, marked, poison: None })
    }

    /// Hands blocks to the operating system, all or none.
    fn write(&self, blocks: &[block::Block]) -> Result<(), JournalError> {
        let mut batch = sled::Batch::default();
        for (key, value) in blocks.iter().flat_map(block::Block::parts) {
            batch.insert(key, value);
        }
        let tree = self.store.tree();
        shielded(self.store.directory.path(), "append to", || {
            tree.apply_batch(batch)?;
            tree.flush()
        })?;
        Ok(())
    }

    /// Makes durable what was written.
    fn sync(&self) -> Result<(), JournalError> {
        let file = self.store.directory.path().join("db");
        self.db.sync_data().map_err(io_error("sync", &file))
    }

    /// Renews the marker, or says that it could not be: what was appended is durable either way.
    fn remark(&mut self) {
        if let Err(error) = self.mark() {
            tracing::warn!(error = chain(&error), "the journal's marker could not be renewed");
        }
    }

    /// Notes in the marker how far the journal has come.
    fn mark(&mut self) -> Result<(), JournalError> {
        if self.marked < self.head {
            self.store.directory.finish(self.head)?;
            self.marked = self.head;
        }
        Ok(())
    }
}

impl Journal for SledJournal {
    type Error = JournalError;
    type Reader = SledReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<JournalError>> {
        if let Some(cause) = &self.poison {
            return Err(AppendError::Fault(JournalError::Poisoned { cause: cause.clone() }));
        }
        let head = follow(self.head, commits)?;
        let blocks = block::encode(commits);
        let size = blocks.iter().map(|block| block.bytes.len()).sum();
        if size > APPEND_MAX {
            return Err(AppendError::TooLarge { size, max: APPEND_MAX });
        }
        if let Err(error) = self.write(&blocks).and_then(|()| self.sync()) {
            self.poison = Some(chain(&error));
            return Err(AppendError::Fault(error));
        }
        self.head = head;
        self.store.publish(head);
        if self.marked.plus(MARK_EVERY) <= head {
            self.remark();
        }
        Ok(())
    }

    fn append_max(&self) -> usize {
        APPEND_MAX
    }

    fn reader(&self) -> SledReader {
        SledReader::new(Arc::clone(&self.store))
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        if self.poison.is_none() {
            self.remark();
        }
    }
}

/// Returns where a journal that ends at `head` ends after these commits.
fn follow(head: Position, commits: &[Commit]) -> Result<Position, AppendError<JournalError>> {
    let mut end = head;
    for commit in commits {
        if commit.after != end {
            return Err(AppendError::Conflict { expected: commit.after, actual: end });
        }
        assert!(!commit.events.is_empty(), "a commit is never empty");
        end = commit.head();
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{
        Cause, CommandId, Event, JournalReader, Principal, Timestamp, lifecycle,
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_not_synced_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = SledJournal::open(dir.path()).unwrap();
        journal.append(&[tick(0)]).unwrap();

        journal.write(&block::encode(&[tick(1)])).unwrap(); // as an append does before its sync

        assert_eq!(read(&journal), [tick(0)]);
        assert_eq!(journal.store.tree().iter().count(), 2);
    }

    #[test]
    fn a_failed_sync_poisons_the_journal_until_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = SledJournal::open(dir.path()).unwrap();
        journal.append(&[tick(0)]).unwrap();
        let db = std::mem::replace(&mut journal.db, File::open("/dev/null").unwrap());

        let fault = journal.append(&[tick(1)]).unwrap_err();
        journal.db = db;
        let later = journal.append(&[tick(1)]).unwrap_err();

        assert!(matches!(fault, AppendError::Fault(JournalError::Io { doing: "sync", .. })));
        let later = chain(&later);
        assert!(later.contains("an earlier append failed (cannot sync "), "{later}");
        assert!(later.contains("Invalid argument"), "{later}");
        assert_eq!(read(&journal), [tick(0)]);
        drop(journal);
        let mut journal = SledJournal::open(dir.path()).unwrap();
        let end = journal.head;
        journal.append(&[tick(end.get())]).unwrap();
    }

    #[test]
    fn a_journal_that_only_reads_does_not_move_its_marker() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = SledJournal::open(dir.path()).unwrap();
        journal.append(&[tick(0)]).unwrap();
        drop(journal);
        let marker = || std::fs::metadata(dir.path().join("READY")).unwrap().modified().unwrap();
        let before = marker();

        drop(SledJournal::open(dir.path()).unwrap());

        assert_eq!(before, marker());
    }

    fn tick(after: u64) -> Commit {
        Commit {
            after: Position::new(after),
            recorded_at: Timestamp::EPOCH,
            cause: Cause {
                command: CommandId::from_uuid(Uuid::nil()),
                principal: Principal::System,
                idempotency: None,
            },
            events: vec![Event::Ledger(lifecycle::Event::Ticked)],
        }
    }

    fn read(journal: &SledJournal) -> Vec<Commit> {
        journal.reader().read(Position::START).map(Result::unwrap).collect()
    }
}
