//! The plain store: files of frames, one after the other, each sealed once it is large enough.

mod marker;
mod open;
mod reader;

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use edge_ledger_core::Position;

use crate::{
    Frame, JournalError, Link, Remover, Store,
    directory::{Directory, NEW},
    error::io_error,
    in_one_line,
    segment::{self, Segment},
};
use marker::{Marker, State};

pub use reader::SegmentReader;

/// How large a file is, in bytes, when it is sealed and the next one begun.
const SEGMENT: u64 = 64 * 1024 * 1024;

/// After how many appends the marker is renewed. That takes three syncs, where an append takes one.
const MARK_EVERY: u32 = 1_024;

/// Keeps frames in files of a directory.
///
/// An append is one write and one sync of one file. The next one begins only after that, so that
/// of all appends one at most can be torn: the last one.
#[derive(Debug)]
pub struct SegmentStore {
    shared: Arc<Shared>,
    /// The file that is appended to.
    file: File,
    segment: Arc<Segment>,
    /// Where the chain stands after the last frame.
    head: Link,
    marked: State,
    /// How many appends the marker does not know of yet.
    unmarked: u32,
    /// How large a file is when it is sealed.
    full: u64,
    poison: Option<String>,
}

/// What the writer shares with its readers. While it lives, so does the hold on the directory.
#[derive(Debug)]
struct Shared {
    directory: Directory,
    segments: RwLock<VecDeque<Arc<Segment>>>,
    /// Files whose frames are removed, oldest first, and which somebody may still be reading.
    removed: Mutex<VecDeque<Arc<Segment>>>,
}

impl SegmentStore {
    /// Opens the store in a directory, and makes it first if there is none.
    ///
    /// Of a store that was not closed, what may be the torn last append is cut off.
    ///
    /// # Errors
    ///
    /// Fails if another process has it open, if the directory holds something else, or if what is
    /// there cannot be relied on. Nothing that was appended is changed or removed then.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open_with(path, SEGMENT)
    }

    /// Returns whether a directory holds a store of this kind, whole or damaged, as far as its
    /// marker says.
    #[must_use]
    pub fn is_at(path: impl AsRef<Path>) -> bool {
        Marker::is_at(path.as_ref())
    }

    /// Opens the store as [`Self::open`] does; if it is made, what is appended first follows this
    /// link.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_after(path: impl AsRef<Path>, base: Link) -> Result<Self, JournalError> {
        open::open(Directory::hold(path.as_ref())?, SEGMENT, base)
    }

    /// Opens the store as [`Self::open`] does, with files that are sealed at a size of their own.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, full: u64) -> Result<Self, JournalError> {
        open::open(Directory::hold(path.as_ref())?, full, Link::START)
    }

    fn try_append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError> {
        if self.segment.end() >= self.full && !self.segment.is_empty() {
            self.rotate()?;
        }
        if self.marked == State::Closed || self.unmarked >= MARK_EVERY {
            self.mark(State::Open)?;
        }
        let (end, path) = (self.segment.end(), &self.segment.path);
        let bytes = segment::append(frames);
        self.file.write_all_at(&bytes, end).map_err(io_error("write", path))?;
        self.file.sync_data().map_err(io_error("sync", path))?;
        self.segment.publish(self.head.position, end + bytes.len() as u64);
        self.head = link;
        self.unmarked += 1;
        Ok(())
    }

    /// Seals the file and begins the next one.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let (footer, path) = (self.segment.footer(self.head), &self.segment.path);
        let sealed = self.file.write_all_at(&footer.to_bytes(), footer.end);
        sealed.map_err(io_error("write", path))?;
        self.file.sync_data().map_err(io_error("sync", path))?;
        (self.segment, self.file) = begin(&self.shared.directory, self.head)?;
        self.shared.segments_mut().push_back(Arc::clone(&self.segment));
        self.mark(State::Open)?;
        if let Err(error) = self.shared.sweep() {
            tracing::warn!(
                error = in_one_line(&error),
                "a removed file of the journal is still there"
            );
        }
        Ok(())
    }

    /// Notes how far the store has come, and whether it is being appended to.
    fn mark(&mut self, state: State) -> Result<(), JournalError> {
        Marker { state, reached: self.head }.write(&self.shared.directory)?;
        self.marked = state;
        self.unmarked = 0;
        Ok(())
    }
}

impl Store for SegmentStore {
    type Reader = SegmentReader;

    fn append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError> {
        if let Some(cause) = &self.poison {
            return Err(JournalError::Poisoned { cause: cause.clone() });
        }
        let Some(first) = frames.first() else { return Ok(()) };
        assert_eq!(first.before(), self.head, "frames follow those before them");
        let appended = self.try_append(frames, link);
        if let Err(error) = &appended {
            self.poison = Some(in_one_line(error));
        }
        appended
    }

    fn reader(&self) -> SegmentReader {
        SegmentReader::new(Arc::clone(&self.shared))
    }

    /// Removes files all of whose frames end at or before the position.
    fn remover(&self) -> Remover {
        let shared = Arc::clone(&self.shared);
        Arc::new(move |position| shared.remove_until(position))
    }
}

impl Shared {
    fn remove_until(&self, position: Position) -> Result<(), JournalError> {
        let mut segments = self.segments_mut();
        while let Some(next) = segments.get(1)
            && next.before.position <= position
            && !next.is_empty()
        {
            self.removed().extend(segments.pop_front());
        }
        drop(segments);
        self.sweep()
    }

    /// Removes, oldest first, the files that nobody reads any more. So none is ever missing between
    /// two others, whenever the power goes.
    fn sweep(&self) -> Result<(), JournalError> {
        let mut removed = self.removed();
        while let Some(oldest) = removed.front()
            && Arc::strong_count(oldest) == 1
        {
            self.directory.remove(&name(oldest.before.position))?;
            removed.pop_front();
        }
        Ok(())
    }

    fn segments(&self) -> RwLockReadGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn segments_mut(&self) -> RwLockWriteGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn removed(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SegmentStore {
    fn drop(&mut self) {
        if self.poison.is_some() || self.marked == State::Closed {
            return;
        }
        if let Err(error) = self.mark(State::Closed) {
            tracing::warn!(
                error = in_one_line(&error),
                "the journal's marker could not be renewed"
            );
        }
    }
}

/// Makes the file that follows a link. Once it has its name it is whole.
fn begin(directory: &Directory, before: Link) -> Result<(Arc<Segment>, File), JournalError> {
    let name = name(before.position);
    directory.put(&name, &segment::header(before))?;
    let path = directory.path().join(name);
    let file = for_writing(&path)?;
    Ok((Arc::new(Segment::new(path, before)), file))
}

fn for_writing(path: &Path) -> Result<File, JournalError> {
    let file = OpenOptions::new().read(true).write(true).mode(0o600).open(path);
    file.map_err(io_error("open", path))
}

/// What a file is called that begins after a position: names sort as positions do.
fn name(after: Position) -> String {
    format!("{:020}{SUFFIX}", after.get())
}

const SUFFIX: &str = ".segment";

fn paths(directory: &Directory) -> Result<Vec<PathBuf>, JournalError> {
    let names = directory.names()?;
    let segments = names.iter().filter(|name| name.ends_with(SUFFIX));
    Ok(segments.map(|name| directory.path().join(name)).collect())
}

/// Whether a name in the directory is one that a store writes.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(NEW).unwrap_or(name);
    name == marker::NAME || name.ends_with(SUFFIX)
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::{
        Cause, CommandId, Commit, Event, Principal, Timestamp, lifecycle::Event as Lifecycle,
    };
    use uuid::Uuid;

    use super::*;
    use crate::{Block, Packing, StoreReader as _};

    #[test]
    fn a_failed_sync_poisons_the_store_until_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SegmentStore::open(dir.path()).unwrap();
        let (first, link) = tick(Link::START);
        store.append(&[first], link).unwrap();
        let (next, end) = tick(link);
        let file = std::mem::replace(
            &mut store.file,
            File::options().write(true).open("/dev/null").unwrap(),
        );

        let fault = store.append(std::slice::from_ref(&next), end).unwrap_err();
        store.file = file;
        let later = store.append(std::slice::from_ref(&next), end).unwrap_err();

        assert!(matches!(fault, JournalError::Io { doing: "sync", .. }), "{fault:?}");
        assert!(in_one_line(&later).contains("an earlier append failed (cannot sync "), "{later}");
        assert_eq!(store.reader().frames(Position::START).count(), 1);
        drop(store);
        let mut store = SegmentStore::open(dir.path()).unwrap();
        store.append(std::slice::from_ref(&next), end).unwrap();
    }

    #[test]
    fn what_is_not_synced_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SegmentStore::open(dir.path()).unwrap();
        let (first, link) = tick(Link::START);
        store.append(std::slice::from_ref(&first), link).unwrap();

        let next = segment::append(&[tick(link).0]);
        store.file.write_all_at(&next, store.segment.end()).unwrap();

        assert_eq!(store.reader().last().unwrap(), Some(first));
        assert_eq!(store.reader().frames(Position::START).count(), 1);
    }

    fn tick(before: Link) -> (Frame, Link) {
        let commit = Commit {
            after: before.position,
            recorded_at: Timestamp::EPOCH,
            cause: Cause {
                command: CommandId::from_uuid(Uuid::nil()),
                principal: Principal::System,
                idempotency: None,
            },
            events: vec![Event::Ledger(Lifecycle::Ticked)],
        };
        let block = Block::of(&[commit]).unwrap();
        let link = block.link(before);
        (Frame::pack(before, &[block], Packing::Plain), link)
    }
}
