//! Opening the store: whose the directory is, and what of its end can be relied on.
//!
//! An append returns after its sync, and the next one begins after that. So after a power cut the
//! last append alone may be torn, and nobody was told of it. What cannot be read at the end of the
//! last file is cut off if it can be that append:
//!
//! - the store was not closed (the marker says so),
//! - it stands past the position that the marker says was reached,
//! - no other append was begun after it.
//!
//! Anything else that cannot be read is damage, and the store is not opened. What this cannot
//! tell apart: a last append that was torn, and one that was answered for and damaged later, in a
//! store that was not closed. The next append, the marker's renewal and the closing end that doubt.
use std::{
    collections::VecDeque,
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, RwLock},
};

use edge_ledger_core::Position;

use super::{
    SegmentStore, Shared, begin, for_writing, is_ours,
    marker::{self, Marker, State},
    name, paths,
};
use crate::{
    Damage, Frame, JournalError, Link,
    directory::{Directory, NEW},
    error::io_error,
    in_one_line,
    segment::{Frames, HEADER, Segment, is_followed, spoilt},
};

pub(super) fn open(
    directory: Directory,
    full: u64,
    base: Link,
) -> Result<SegmentStore, JournalError> {
    let names = directory.names()?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has(marker::NAME) {
        return reopen(directory, full);
    }
    // The marker comes last. Before it there is only what a cut creation left.
    let first = name(base.position);
    let half_made = |name: &String| name.strip_suffix(NEW).unwrap_or(name) == first;
    let half_marked = |name: &String| *name == format!("{}{NEW}", marker::NAME);
    match names.iter().find(|name| !half_made(name) && !half_marked(name)) {
        Some(entry) => Err(JournalError::NotOurs {
            directory: directory.path().to_path_buf(),
            entry: entry.clone(),
        }),
        None if holds_appends(&directory, &first)? => {
            Err(JournalError::FileMissing { path: directory.path().join(marker::NAME) })
        }
        None => create(directory, full, base),
    }
}

/// Returns whether the first file has more than a creation gives it: nothing is appended before the
/// marker is there.
fn holds_appends(directory: &Directory, first: &str) -> Result<bool, JournalError> {
    let path = directory.path().join(first);
    match fs::metadata(&path) {
        Ok(found) => Ok(found.len() > HEADER),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("look at", &path)(error)),
    }
}

fn create(directory: Directory, full: u64, base: Link) -> Result<SegmentStore, JournalError> {
    directory.make_private()?;
    let (segment, file) = begin(&directory, base)?;
    Marker { state: State::Closed, reached: base }.write(&directory)?;
    let segments = VecDeque::from([Arc::clone(&segment)]);
    Ok(SegmentStore {
        shared: Shared::new(directory, segments),
        file,
        segment,
        head: base,
        marked: State::Closed,
        unmarked: 0,
        full,
        poison: None,
    })
}

fn reopen(directory: Directory, full: u64) -> Result<SegmentStore, JournalError> {
    let marker = Marker::read(&directory)?;
    for name in directory.names()? {
        match name.strip_suffix(NEW) {
            Some(_) if is_ours(&name) => directory.remove(&name)?,
            Some(_) | None => {}
        }
    }
    directory.make_private()?;
    let mut paths = paths(&directory)?;
    let Some(last) = paths.pop() else {
        return Err(JournalError::FileMissing { path: directory.path().join("*.segment") });
    };
    let (mut segments, before) = sealed(paths)?;
    let (segment, ended) = segment(last)?;
    follows(before, &segment)?;
    let segment = Arc::new(segment);
    let head = match ended {
        Some(last) => last,
        None => scan(&directory, &segment, marker)?,
    };
    agree(&directory, marker, head)?;
    segments.push_back(Arc::clone(&segment));
    let (segment, file) = match ended {
        None => {
            let file = for_writing(&segment.path)?;
            (segment, file)
        }
        // A cut came between the sealing and the next file.
        Some(last) => {
            let (segment, file) = begin(&directory, last)?;
            segments.push_back(Arc::clone(&segment));
            (segment, file)
        }
    };
    let mut store = SegmentStore {
        shared: Shared::new(directory, segments),
        file,
        segment,
        head,
        marked: marker.state,
        unmarked: 0,
        full,
        poison: None,
    };
    if marker.state == State::Open {
        store.mark(State::Closed)?;
    }
    Ok(store)
}

/// Opens the files before the last one, and returns where the chain stands after them.
fn sealed(paths: Vec<PathBuf>) -> Result<(VecDeque<Arc<Segment>>, Option<Link>), JournalError> {
    let (mut segments, mut before) = (VecDeque::with_capacity(paths.len() + 2), None);
    for path in paths {
        let (segment, last) = segment(path)?;
        follows(before, &segment)?;
        let unsealed = "it is not sealed, although another file follows it";
        before = Some(last.ok_or_else(|| spoilt(&segment.path, unsealed))?);
        segments.push_back(Arc::new(segment));
    }
    Ok((segments, before))
}

fn segment(path: PathBuf) -> Result<(Segment, Option<Link>), JournalError> {
    let (segment, last) = Segment::open(path)?;
    if segment.path.ends_with(name(segment.before.position)) {
        Ok((segment, last))
    } else {
        let found = segment.before.position;
        Err(spoilt(&segment.path, &format!("it begins after position {found}")))
    }
}

fn follows(before: Option<Link>, segment: &Segment) -> Result<(), JournalError> {
    let Some(before) = before.filter(|before| *before != segment.before) else { return Ok(()) };
    let position = before.position;
    let found = segment.before;
    let damage = match found.position == position {
        true => Damage::Unchained { expected: found.hash, found: before.hash },
        false => Damage::Missing { found: found.position },
    };
    Err(JournalError::Frame { position, damage })
}

/// Reads the last file, publishes its appends, cuts off a torn one, and returns where the chain
/// stands then.
fn scan(
    directory: &Directory,
    segment: &Arc<Segment>,
    marker: Marker,
) -> Result<Link, JournalError> {
    let path = &segment.path;
    let length = fs::metadata(path).map_err(io_error("look at", path))?.len();
    let mut frames = Frames::of(Arc::clone(segment), HEADER, length)?;
    let (mut position, mut published) = (segment.before.position, segment.before.position);
    let mut last: Option<Frame> = None;
    while let Some(frame) = frames.next() {
        let frame = frame.and_then(|frame| stands(frame, position));
        match frame {
            Ok(frame) => {
                if position == marker.reached.position {
                    unchanged(directory, frame.before(), marker.reached)?;
                }
                position = frame.head();
                if let Some(end) = frames.append_ended() {
                    segment.publish(published, end);
                    published = position;
                    last = Some(frame);
                }
            }
            Err(error) if may_be_torn(segment, published, marker)? => {
                cut(segment, length, &error)?;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    match last {
        Some(frame) => {
            let position = frame.before().position;
            let damaged = |damage| JournalError::Frame { position, damage };
            frame.link().map_err(damaged)
        }
        None => Ok(segment.before),
    }
}

/// Sees that a frame stands where the one before it ended.
fn stands(frame: Frame, position: Position) -> Result<Frame, JournalError> {
    match frame.before().position {
        found if found == position => Ok(frame),
        found => Err(JournalError::Frame { position, damage: Damage::Missing { found } }),
    }
}

/// Whether what stands after the last frame that can be read can be an append that never returned.
fn may_be_torn(
    segment: &Segment,
    position: Position,
    marker: Marker,
) -> Result<bool, JournalError> {
    if marker.state == State::Closed || position < marker.reached.position {
        return Ok(false);
    }
    let followed = is_followed(&segment.path, segment.end(), position);
    Ok(!followed.map_err(io_error("read", &segment.path))?)
}

fn cut(segment: &Segment, length: u64, error: &JournalError) -> Result<(), JournalError> {
    let (path, end) = (&segment.path, segment.end());
    tracing::warn!(
        file = %path.display(),
        bytes = length - end,
        error = in_one_line(error),
        "the last append was torn and nobody was told of it: it is cut off"
    );
    let file = for_writing(path)?;
    file.set_len(end).map_err(io_error("cut", path))?;
    file.sync_all().map_err(io_error("sync", path))
}

/// Refuses a store that ends elsewhere than its marker says it may.
fn agree(directory: &Directory, marker: Marker, head: Link) -> Result<(), JournalError> {
    let (found, known) = (head.position, marker.reached.position);
    if found < known {
        let directory = directory.path().to_path_buf();
        return Err(JournalError::CutShort { directory, found, known });
    }
    match marker.state {
        State::Closed if found > known => {
            let why = format!(
                "it says that the journal was closed at position {known}, which ends at {found}"
            );
            Err(spoilt(&directory.path().join(marker::NAME), &why))
        }
        State::Open if found > known => Ok(()),
        State::Open | State::Closed => unchanged(directory, head, marker.reached),
    }
}

/// Refuses a chain that is not the one the marker saw.
fn unchanged(directory: &Directory, found: Link, known: Link) -> Result<(), JournalError> {
    if found == known {
        return Ok(());
    }
    let directory = directory.path().to_path_buf();
    let (found, known, position) = (found.hash, known.hash, known.position);
    Err(JournalError::Altered { directory, position, found, known })
}

impl Shared {
    fn new(directory: Directory, segments: VecDeque<Arc<Segment>>) -> Arc<Self> {
        let segments = RwLock::new(segments);
        Arc::new(Self { directory, segments, removed: Mutex::default() })
    }
}
