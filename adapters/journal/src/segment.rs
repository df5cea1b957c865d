//! The files that frames are kept in, of the plain store and of the archive alike.
//!
//! ```text
//! offset  bytes
//!      0      8  "EDGELEDG"
//!      8      1  the file's format, 1
//!      9      8  the position before the first frame
//!     17     32  the hash of the chain there
//!     49      4  CRC-32C of everything before
//!     53         appends, back to back; each:
//!                 4  how many bytes its frames have
//!                 8  the position before the first of them
//!                 4  CRC-32C of these 12 bytes
//!                    its frames, back to back
//!                once the file is sealed: its footer
//!           16 each  for some appends, about one in 64 KiB: the position before it, its offset
//!                 4  how many of these there are
//!                 8  the position of the last frame's last event
//!                32  the hash of the chain there
//!                 8  the offset of the footer
//!                 4  CRC-32C of the footer before
//!                 8  "SEALEDGE"
//! ```
//!
//! All numbers are big-endian. What stands before each append tells where it ends although its
//! frames cannot be read, and is found although the append before it cannot be read.
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use edge_ledger_core::{Digest, Position};

use crate::{Damage, Frame, JournalError, Link, error::io_error, frame};

/// Where the frames of a file begin.
pub(crate) const HEADER: u64 = 53;

const MAGIC: &[u8; 8] = b"EDGELEDG";
const SEALED: &[u8; 8] = b"SEALEDGE";
const FORMAT: u8 = 1;
pub(crate) const LINK: usize = 40;
const ENTRY: usize = 16;
/// What stands before the frames of an append.
const HEADING: usize = 16;

/// The footer but for the index.
const TAIL: usize = 4 + LINK + 8 + 4 + 8;

/// About how many bytes have to be skipped to find an append.
const STRIDE: u64 = 64 * 1024;

/// How much of a file is read at once.
const READ: usize = 256 * 1024;

/// Writes how a file begins that follows a link.
pub(crate) fn header(before: Link) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    put_link(&mut bytes, before);
    bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

/// What seals a file: where it ends, and where to find what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// Where the frames end.
    pub(crate) end: u64,
    /// Where the chain stands after the last one.
    pub(crate) last: Link,
    pub(crate) index: Index,
}

/// Where some appends of a file stand, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index(Vec<(Position, u64)>);

impl Index {
    /// Notes where an append stands, if the last one noted is far enough back.
    pub(crate) fn note(&mut self, after: Position, offset: u64) {
        match self.0.last() {
            Some((_, last)) if offset < last + STRIDE => {}
            Some(_) | None => self.0.push((after, offset)),
        }
    }

    /// Returns the offset of an append at or before the one that holds the event after a position.
    fn find(&self, after: Position) -> u64 {
        let past = self.0.partition_point(|(position, _)| *position <= after);
        past.checked_sub(1).map_or(HEADER, |at| self.0[at].1)
    }
}

impl Footer {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.index.0.len() * ENTRY + TAIL);
        for (position, offset) in &self.index.0 {
            bytes.extend(position.get().to_be_bytes());
            bytes.extend(offset.to_be_bytes());
        }
        let entries = u32::try_from(self.index.0.len()).expect("a file has a bound");
        bytes.extend(entries.to_be_bytes());
        put_link(&mut bytes, self.last);
        bytes.extend(self.end.to_be_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        bytes.extend(SEALED);
        bytes
    }

    /// Reads the footer of a file of so many bytes. None if it is not sealed, or not any more.
    fn read(file: &File, length: u64) -> io::Result<Option<Self>> {
        let Some(at) = length.checked_sub(TAIL as u64).filter(|at| *at >= HEADER) else {
            return Ok(None);
        };
        let mut tail = [0; TAIL];
        file.read_exact_at(&mut tail, at)?;
        let entries = u64::from(u32::from_be_bytes(array(&tail, 0)));
        let end = u64::from_be_bytes(array(&tail, 4 + LINK));
        if !tail.ends_with(SEALED) || end.checked_add(entries * ENTRY as u64) != Some(at) {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(length - end).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, end)?;
        let summed = bytes.len() - SEALED.len() - 4;
        if crc32c::crc32c(&bytes[..summed]) != u32::from_be_bytes(array(&bytes, summed)) {
            return Ok(None);
        }
        let entry = |bytes: &[u8]| {
            let position = Position::new(u64::from_be_bytes(array(bytes, 0)));
            (position, u64::from_be_bytes(array(bytes, 8)))
        };
        let (index, _) = bytes[..summed].split_at(bytes.len() - TAIL);
        let index = Index(index.chunks_exact(ENTRY).map(entry).collect());
        Ok(Some(Self { end, last: get_link(&tail[4..]), index }))
    }
}

/// A file of frames that can be read up to where it durably ends.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Where the chain stands before its first frame.
    pub(crate) before: Link,
    end: AtomicU64,
    index: RwLock<Index>,
}

impl Segment {
    /// Takes a file of which nothing but its header is known yet.
    pub(crate) fn new(path: PathBuf, before: Link) -> Self {
        Self { path, before, end: AtomicU64::new(HEADER), index: RwLock::default() }
    }

    /// Reads where a file begins, and if it is sealed, where it ends.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Option<Link>), JournalError> {
        let file = File::open(&path).map_err(io_error("open", &path))?;
        let length = file.metadata().map_err(io_error("look at", &path))?.len();
        let mut begin = [0; HEADER as usize];
        match file.read_exact_at(&mut begin, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(spoilt(&path, "it is shorter than the header of any such file"));
            }
            Err(error) => return Err(io_error("read", &path)(error)),
        }
        let before = parse(&path, &begin)?;
        let mut segment = Self::new(path, before);
        let footer = Footer::read(&file, length).map_err(io_error("read", &segment.path))?;
        let last = footer.map(|Footer { end, last, index }| {
            segment.end = AtomicU64::new(end);
            segment.index = RwLock::new(index);
            last
        });
        Ok((segment, last))
    }

    /// Returns where its frames end.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Whether it has no frames.
    pub(crate) fn is_empty(&self) -> bool {
        self.end() == HEADER
    }

    /// Publishes an append that is durable.
    pub(crate) fn publish(&self, after: Position, end: u64) {
        self.index.write().expect(UNPANICKED).note(after, self.end());
        self.end.store(end, Ordering::Release);
    }

    /// Returns what seals it.
    pub(crate) fn footer(&self, last: Link) -> Footer {
        let index = self.index.read().expect(UNPANICKED).clone();
        Footer { end: self.end(), last, index }
    }

    /// Reads frames up to an offset, from the one on that holds the event after a position.
    pub(crate) fn frames(
        self: &Arc<Self>,
        after: Position,
        end: u64,
    ) -> Result<Frames, JournalError> {
        let offset = self.index.read().expect(UNPANICKED).find(after);
        Frames::of(Arc::clone(self), offset, end)
    }
}

const UNPANICKED: &str = "nobody panics while an index is being noted in";

/// Writes frames as one append.
pub(crate) fn append(frames: &[Frame]) -> Vec<u8> {
    let length: usize = frames.iter().map(|frame| frame.bytes().len()).sum();
    let after = frames.first().expect("an append has a frame").before().position;
    let mut bytes = Vec::with_capacity(HEADING + length);
    bytes.extend(u32::try_from(length).expect("an append has a bound").to_be_bytes());
    bytes.extend(after.get().to_be_bytes());
    bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
    for frame in frames {
        bytes.extend(frame.bytes());
    }
    bytes
}

/// What stands before the frames of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heading {
    /// How many bytes its frames have.
    length: u64,
    after: Position,
}

impl Heading {
    fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let (stored, computed) =
            (u32::from_be_bytes(array(bytes, 12)), crc32c::crc32c(&bytes[..12]));
        if stored != computed {
            return Err(Damage::Checksum { stored, computed });
        }
        let length = u64::from(u32::from_be_bytes(array(bytes, 0)));
        Ok(Self { length, after: Position::new(u64::from_be_bytes(array(bytes, 4))) })
    }
}

/// The frames of a file.
#[derive(Debug)]
pub(crate) struct Frames {
    /// While somebody reads it the file is not removed.
    segment: Arc<Segment>,
    input: BufReader<Part>,
    /// Where the next frame or append stands; at `end` once something was wrong.
    offset: u64,
    /// Where the append ends that is being read.
    append_end: u64,
    end: u64,
    position: Position,
}

impl Frames {
    /// Reads from an offset at which an append begins up to another.
    pub(crate) fn of(segment: Arc<Segment>, offset: u64, end: u64) -> Result<Self, JournalError> {
        let file = File::open(&segment.path).map_err(io_error("open", &segment.path))?;
        let input = BufReader::with_capacity(READ, Part { file, offset, end });
        let position = segment.before.position;
        Ok(Self { segment, input, offset, append_end: offset, end, position })
    }

    /// Where the append ends whose last frame was read last.
    pub(crate) fn append_ended(&self) -> Option<u64> {
        (self.offset == self.append_end).then_some(self.append_end)
    }

    fn read(&mut self) -> Result<Frame, JournalError> {
        let position = self.position;
        if self.offset == self.append_end {
            let heading = self.fill(HEADING, self.end)?;
            let heading = Heading::parse(&heading)
                .map_err(|damage| JournalError::Frame { position, damage })?;
            self.append_end = self.offset + heading.length;
        }
        let until = self.append_end.min(self.end);
        let mut bytes = self.fill(frame::HEADER, until)?;
        let length = Frame::length(&bytes).expect("a header says how long its frame is");
        bytes.extend(self.fill(length - frame::HEADER, until)?);
        let frame =
            Frame::parse(bytes).map_err(|damage| JournalError::Frame { position, damage })?;
        self.position = frame.head();
        Ok(frame)
    }

    /// Reads so many bytes, if there are so many before an offset.
    fn fill(&mut self, whole: usize, until: u64) -> Result<Vec<u8>, JournalError> {
        let left = until.saturating_sub(self.offset);
        if whole as u64 > left {
            let found = usize::try_from(left).unwrap_or(usize::MAX);
            let damage = Damage::Incomplete { found, whole };
            return Err(JournalError::Frame { position: self.position, damage });
        }
        let mut bytes = vec![0; whole];
        self.input.read_exact(&mut bytes).map_err(io_error("read", &self.segment.path))?;
        self.offset += whole as u64;
        Ok(bytes)
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.end {
            return None;
        }
        let frame = self.read();
        if frame.is_err() {
            self.end = self.offset;
        }
        Some(frame)
    }
}

/// Part of a file, read without moving anybody's place in it.
#[derive(Debug)]
struct Part {
    file: File,
    offset: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let most = bytes.len().min(left);
        let read = self.file.read_at(&mut bytes[..most], self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Whether another append was begun after the one at an offset: what can be read of that one says
/// where it ends, and the other one's begin says what it is.
pub(crate) fn is_followed(path: &Path, offset: u64, after: Position) -> io::Result<bool> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut tail = Vec::new();
    Part { file, offset, end: length }.read_to_end(&mut tail)?;
    let heading = |at: usize| Heading::parse(tail.get(at..)?.get(..HEADING)?).ok();
    let ends_earlier = heading(0)
        .filter(|heading| heading.after == after)
        .is_some_and(|heading| HEADING as u64 + heading.length < tail.len() as u64);
    let begins = |at: usize| {
        let heading = heading(at).filter(|heading| heading.after > after)?;
        let frame = tail[at + HEADING..].first_chunk()?;
        (Frame::stands_after(frame) == heading.after).then_some(())
    };
    Ok(ends_earlier || (1..tail.len()).any(|at| begins(at).is_some()))
}

/// Says that a file is not, or no longer, one of ours.
pub(crate) fn spoilt(path: &Path, why: &str) -> JournalError {
    let told = format!("{} is damaged, {why}: restore a backup", path.display());
    JournalError::Store { told, source: None }
}

fn parse(path: &Path, begin: &[u8; HEADER as usize]) -> Result<Link, JournalError> {
    let (summed, stored) = begin.split_last_chunk::<4>().expect("a header has a checksum");
    let sound = u32::from_be_bytes(*stored) == crc32c::crc32c(summed);
    match (begin.starts_with(MAGIC), begin[MAGIC.len()]) {
        (true, FORMAT) if sound => Ok(get_link(&begin[9..])),
        (true, format) if format > FORMAT && sound => {
            let told = format!(
                "{} has format {format}, this build knows {FORMAT}: use the build that wrote it",
                path.display()
            );
            Err(JournalError::Store { told, source: None })
        }
        (true, _) => Err(spoilt(path, "its header is not what was written")),
        (false, _) => Err(spoilt(path, "it does not begin as a file of frames")),
    }
}

pub(crate) fn put_link(bytes: &mut Vec<u8>, link: Link) {
    bytes.extend(link.position.get().to_be_bytes());
    bytes.extend(link.hash.as_bytes());
}

pub(crate) fn get_link(bytes: &[u8]) -> Link {
    Link {
        position: Position::new(u64::from_be_bytes(array(bytes, 0))),
        hash: Digest::from_bytes(array(bytes, 8)),
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the caller has seen that they are there")
}
