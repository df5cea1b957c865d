//! The store's one writer.
use std::{
    fs::File,
    path::Path,
    sync::{Arc, Weak},
};

use edge_ledger_core::Position;
use edge_ledger_journal::{Frame, JournalError, Link, Remover, Store, StoreReader};

use crate::{
    SledReader,
    bounds::SEGMENT,
    directory::{Content, Directory, io_error, marker},
    kept::Kept,
    parts::{self, Key},
    shield::shielded,
};

/// What sled aims to keep in memory, in bytes.
const CACHE: u64 = 64 * 1024 * 1024;

/// How many keys are removed at once, and a frame's others.
const SLICE: usize = 1_024;

/// Keeps a journal's frames in sled.
#[derive(Debug)]
pub struct SledStore {
    kept: Arc<Kept>,
}

impl SledStore {
    /// Opens the store in a directory, and makes it first if there is none.
    ///
    /// # Errors
    ///
    /// Fails if another process has it open, if the directory holds something else, or if what is
    /// there cannot be relied on. Nothing that was appended is changed or removed then, but sled
    /// may have cut off what it could not read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let directory = Directory::hold(path.as_ref())?;
        match directory.content()? {
            Content::Nothing => Self::create(directory),
            Content::Journal { known } => Self::reopen(directory, known),
        }
    }

    /// Returns whether a directory holds a store of this kind, whole or damaged, as far as its
    /// marker says.
    #[must_use]
    pub fn is_at(path: impl AsRef<Path>) -> bool {
        Directory::is_marked(path.as_ref())
    }

    fn create(directory: Directory) -> Result<Self, JournalError> {
        directory.begin(&marker(Link::START))?;
        let store = Self::start(directory, Link::START)?;
        let directory = store.kept.directory();
        directory.sync_all()?;
        directory.finish(Link::START)?;
        directory.make_private()?;
        store.kept.vouch();
        Ok(store)
    }

    fn reopen(directory: Directory, known: Link) -> Result<Self, JournalError> {
        directory.wait_for_sled()?;
        directory.remove_cut_snapshots()?;
        let store = Self::start(directory, known)?;
        store.compare(known)?;
        let kept = &store.kept;
        kept.vouch();
        kept.mark(&mut kept.writing())?;
        kept.directory().make_private()?;
        Ok(store)
    }

    /// Starts sled and syncs what it found, so that its end can be relied on.
    fn start(directory: Directory, marked: Link) -> Result<Self, JournalError> {
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
        let store = Self { kept: Arc::new(Kept::new(tree, db, marked, directory)) };
        store.kept.publish(store.end()?);
        Ok(store)
    }

    /// Returns where the chain stands after the last frame.
    fn end(&self) -> Result<Link, JournalError> {
        // As far as the keys go: nothing is appended yet.
        let everything = Link { position: Position::new(u64::MAX), ..Link::START };
        self.kept.publish(everything);
        match self.reader().last()? {
            None => Ok(Link::START),
            Some(frame) => {
                let position = frame.before().position;
                let link = frame.link();
                link.map_err(|damage| JournalError::Frame { position, damage })
            }
        }
    }

    /// Sees that what was known of the journal is so.
    fn compare(&self, known: Link) -> Result<(), JournalError> {
        let directory = || self.kept.path().to_path_buf();
        let position = known.position;
        let end = self.kept.end();
        let found = if end.position == position {
            end
        } else if end.position < position {
            let (directory, found) = (directory(), end.position);
            return Err(JournalError::CutShort { directory, found, known: position });
        } else if position == Position::START {
            // Just made, or made to go on from elsewhere.
            return Ok(());
        } else {
            let frame = self.reader().frames(position).next().transpose()?;
            frame.map_or(end, |frame| frame.before())
        };
        if found == known {
            return Ok(());
        }
        let (directory, found, known) = (directory(), found.hash, known.hash);
        Err(JournalError::Altered { directory, position, found, known })
    }
}

impl Store for SledStore {
    type Reader = SledReader;

    fn append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError> {
        let mut batch = sled::Batch::default();
        for (key, value) in frames.iter().flat_map(parts::of) {
            batch.insert(key, value);
        }
        self.kept.append(batch, link)
    }

    fn reader(&self) -> SledReader {
        SledReader::new(Arc::clone(&self.kept))
    }

    fn remover(&self) -> Remover {
        // It does not keep the directory in use: once the store is gone there is nothing to do.
        let kept = Arc::downgrade(&self.kept);
        Arc::new(move |position| {
            Weak::upgrade(&kept).map_or(Ok(()), |kept| remove(&kept, position))
        })
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.kept.close();
    }
}

/// Removes the frames that end at or before a position, but for the last, a slice at a time.
fn remove(kept: &Kept, position: Position) -> Result<(), JournalError> {
    loop {
        let keys = slice(kept, position)?;
        if keys.is_empty() {
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for key in keys {
            batch.remove(key);
        }
        kept.remove(batch)?;
    }
}

/// Lists the keys of the oldest frames that end at or before a position: of whole frames only.
fn slice(kept: &Kept, position: Position) -> Result<Vec<sled::IVec>, JournalError> {
    // A frame ends where the next one begins; the last frame has none behind it.
    let end = position.min(kept.durable());
    kept.ask(|tree| {
        let mut whole = Vec::new();
        let mut frame = Vec::new();
        for key in tree.range(..=Key { position: end, part: u16::MAX }.to_bytes()).keys() {
            let key = key?;
            if Key::parse(&key).is_some_and(|key| key.part == 0) {
                whole.append(&mut frame);
                if whole.len() >= SLICE {
                    break;
                }
            }
            frame.push(key);
        }
        Ok(whole)
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, slice};

    use edge_ledger_core::{
        AppendError, Cause, CommandId, Commit, Event, Journal, JournalReader, Principal, Timestamp,
        lifecycle,
    };
    use edge_ledger_journal::{Block, Packing, in_one_line};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_not_synced_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(dir.path()).unwrap();
        let (first, link) = frame(Link::START);
        store.append(slice::from_ref(&first), link).unwrap();
        let (second, _) = frame(link);
        let mut batch = sled::Batch::default();
        parts::of(&second).for_each(|(key, value)| batch.insert(key, value));

        store.kept.tree().apply_batch(batch).unwrap(); // as an append does before its sync

        let reader = store.reader();
        let read: Vec<_> = reader.frames(Position::START).map(Result::unwrap).collect();
        assert_eq!(read, slice::from_ref(&first));
        assert_eq!(reader.last().unwrap(), Some(first));
        assert_eq!(store.kept.tree().iter().count(), 2);
    }

    #[test]
    fn a_failed_sync_poisons_the_journal_until_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(dir.path()).unwrap();
        let kept = Arc::clone(&store.kept);
        let mut journal = crate::SledJournal::open(store).unwrap();
        journal.append(&[tick(0)]).unwrap();
        let db = kept.replace_db(File::open("/dev/null").unwrap());

        let fault = journal.append(&[tick(1)]).unwrap_err();
        drop(kept.replace_db(db));
        let later = journal.append(&[tick(1)]).unwrap_err();

        assert!(matches!(fault, AppendError::Fault(JournalError::Io { doing: "sync", .. })));
        let later = in_one_line(&later);
        assert!(later.contains("an earlier append failed (cannot sync "), "{later}");
        assert!(later.contains("Invalid argument"), "{later}");
        let read: Vec<_> = journal.reader().read(Position::START).map(Result::unwrap).collect();
        assert_eq!(read, [tick(0)]);
        drop((journal, kept));
        let mut journal = crate::open(dir.path()).unwrap();
        let end = journal.link().position;
        journal.append(&[tick(end.get())]).unwrap();
    }

    #[test]
    fn a_journal_that_only_reads_does_not_move_its_marker() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = crate::open(dir.path()).unwrap();
        journal.append(&[tick(0)]).unwrap();
        drop(journal);
        let marker = || fs::metadata(dir.path().join("READY")).unwrap().modified().unwrap();
        let before = marker();

        drop(crate::open(dir.path()).unwrap());

        assert_eq!(before, marker());
    }

    fn frame(before: Link) -> (Frame, Link) {
        let block = Block::of(&[tick(before.position.get())]).expect("there is a commit");
        let link = block.link(before);
        (Frame::pack(before, &[block], Packing::Plain), link)
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
}
