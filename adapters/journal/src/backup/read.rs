//! Reading a backup, every byte of which is checked.
use std::io::{self, ErrorKind, Read};

use edge_ledger_core::{Archived, Digest, Position, TaskId, task::Task};

use super::{FORMAT, HEADER, LINK, MAGIC, kind, link, tasks};
use crate::{Damage, Frame, Link, Linked, Snapshot, Unfit};

/// The most bytes of a key.
const KEY_MAX: u64 = 4_096;

/// The parts of a backup, in order. What it said up to an error may be looked at, and no more: only
/// a backup that was read to its end without one is whole.
#[derive(Debug)]
pub struct BackupReader<R> {
    input: Summed<R>,
    head: Link,
    /// Up to where it was read.
    at: Link,
    /// How far the parts have come.
    stage: Stage,
    /// The tasks that have left the base's ledger, as far as they were read.
    left: Archived,
    /// All of them.
    leaving: Archived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Log,
    /// Everything but a key has been read.
    Whole,
    Over,
}

/// A part of a backup.
#[derive(Debug)]
pub enum BackupPart {
    /// What stands for the beginning of the log, which had been removed.
    Base(Box<Snapshot>),
    /// Tasks that have left the base's ledger, after those of the parts before.
    Tasks(Vec<(TaskId, Task)>),
    /// Blocks, consecutive, each of which follows the one before it.
    Blocks(Vec<Linked>),
    /// The key that secrets are checked with.
    Key(Vec<u8>),
}

/// A backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is something else, or has lost its beginning.
    #[error("it is no backup, or its beginning is damaged")]
    NoBackup,
    /// A later build wrote it.
    #[error("it has format {0}, this build knows {FORMAT}: use the build that wrote it")]
    TooNew(u8),
    /// It is not as it was written.
    #[error("it cannot be relied on after position {position}")]
    Unsound {
        /// Up to where it can.
        position: Position,
        /// What is wrong there.
        #[source]
        flaw: Flaw,
    },
    /// The operating system refused.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// What is wrong with a backup.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// It has no end.
    #[error("it breaks off there, though it is to go up to {head}")]
    BreaksOff {
        /// Up to where it is to go.
        head: Position,
    },
    /// It has more than its end.
    #[error("it goes on after its end")]
    GoesOn,
    /// A part is of no kind that there is, or in no place where it may be.
    #[error("a part of kind {0} cannot be there")]
    Part(u8),
    /// The base cannot be used.
    #[error("its base cannot be used")]
    Base(#[source] Unfit),
    /// Tasks cannot be read.
    #[error("its tasks cannot be read")]
    Tasks,
    /// The tasks are not those that had left the base's ledger.
    #[error("it has {found} tasks of the {said} that had left by then, or others")]
    Left {
        /// How many had left.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// A frame cannot be used.
    #[error("the frame there cannot be used")]
    Frame(#[source] Damage),
    /// It ends elsewhere.
    #[error("the log ends at {found}, the backup says that it ends at {said}")]
    Ends {
        /// Where it says that it ends.
        said: Link,
        /// Where it does.
        found: Link,
    },
    /// Its bytes are not those that were written.
    #[error("its bytes are not those that were written")]
    Checksum,
}

impl<R: Read> BackupReader<R> {
    /// Reads how a backup begins.
    ///
    /// # Errors
    ///
    /// Fails if it is none that this build can read.
    pub fn new(input: R) -> Result<Self, BackupError> {
        let mut input = Summed { input, hasher: blake3::Hasher::new() };
        let mut bytes = [0; HEADER];
        match input.fill(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(BackupError::NoBackup);
            }
            Err(error) => return Err(error.into()),
        }
        let (summed, stored) = bytes.split_last_chunk().expect("a header ends with its checksum");
        match summed.strip_prefix(MAGIC).and_then(<[u8]>::first) {
            Some(&newer) if newer > FORMAT => return Err(BackupError::TooNew(newer)),
            Some(_) if u32::from_be_bytes(*stored) == crc32c::crc32c(summed) => {}
            Some(_) | None => return Err(BackupError::NoBackup),
        }
        let (rest, head) = summed.split_last_chunk::<LINK>().expect("a header has two links");
        let (_, before) = rest.split_last_chunk::<LINK>().expect("a header has two links");
        let (left, leaving) = (Archived::default(), Archived::default());
        Ok(Self { input, head: link(head), at: link(before), stage: Stage::Log, left, leaving })
    }

    /// Returns where the chain stands where it was read up to: before its first block at first.
    #[must_use]
    pub const fn at(&self) -> Link {
        self.at
    }

    /// Returns where the chain stands after its last block, as it says.
    #[must_use]
    pub const fn head(&self) -> Link {
        self.head
    }

    /// Reads the next part; none after the last.
    fn part(&mut self) -> Result<Option<BackupPart>, BackupError> {
        let mut kind = [0; 1];
        match (self.input.fill(&mut kind), self.stage) {
            (Ok(()), _) => {}
            (Err(error), Stage::Whole) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            (Err(error), _) => return Err(self.lost(error)),
        }
        let mut length = [0; 8];
        self.fill(&mut length)?;
        let length = u64::from_be_bytes(length);
        match (self.stage, kind[0]) {
            (Stage::Log, kind::BASE) => self.base(length).map(Some),
            (Stage::Log, kind::TASKS) => self.tasks(length).map(Some),
            (Stage::Log, kind::FRAME) => {
                self.has_all_that_left()?;
                self.frame(length).map(Some)
            }
            (Stage::Log, kind::END) => {
                self.has_all_that_left()?;
                self.end(length)?;
                self.stage = Stage::Whole;
                self.part()
            }
            (Stage::Whole, kind::KEY) if length <= KEY_MAX => self.key(length).map(Some),
            (_, other) => Err(self.unsound(Flaw::Part(other))),
        }
    }

    fn base(&mut self, length: u64) -> Result<BackupPart, BackupError> {
        let base = Snapshot::decode(&self.body(length)?);
        match base {
            Ok(base) if base.link() == self.at => {
                self.leaving = base.ledger().archived();
                Ok(BackupPart::Base(Box::new(base)))
            }
            Ok(base) => Err(self.unsound(Flaw::Base(Unfit::Nowhere(base.link().position)))),
            Err(unfit) => Err(self.unsound(Flaw::Base(unfit))),
        }
    }

    fn tasks(&mut self, length: u64) -> Result<BackupPart, BackupError> {
        let tasks = tasks::unpack(&self.body(length)?).ok_or_else(|| self.unsound(Flaw::Tasks))?;
        self.left = tasks.iter().fold(self.left, |left, (id, task)| left.and(id, task));
        if self.left.tasks() < self.leaving.tasks() || self.left == self.leaving {
            return Ok(BackupPart::Tasks(tasks));
        }
        Err(self.left_others())
    }

    fn has_all_that_left(&self) -> Result<(), BackupError> {
        if self.left == self.leaving { Ok(()) } else { Err(self.left_others()) }
    }

    fn left_others(&self) -> BackupError {
        let (said, found) = (self.leaving.tasks(), self.left.tasks());
        self.unsound(Flaw::Left { said, found })
    }

    fn frame(&mut self, length: u64) -> Result<BackupPart, BackupError> {
        let blocks = unpack(self.body(length)?, self.at);
        let blocks = blocks.map_err(|damage| self.unsound(Flaw::Frame(damage)))?;
        self.at = blocks.last().map_or(self.at, |last| last.link);
        Ok(BackupPart::Blocks(blocks))
    }

    fn end(&mut self, length: u64) -> Result<(), BackupError> {
        let computed = self.input.hasher.finalize();
        let stored = self.body(length)?;
        if self.at != self.head {
            return Err(self.unsound(Flaw::Ends { said: self.head, found: self.at }));
        }
        if stored != computed.as_bytes() {
            return Err(self.unsound(Flaw::Checksum));
        }
        Ok(())
    }

    fn key(&mut self, length: u64) -> Result<BackupPart, BackupError> {
        self.stage = Stage::Over;
        let body = self.body(length)?;
        let (key, stored) = body.split_last_chunk().ok_or_else(|| self.unsound(Flaw::Checksum))?;
        if Digest::of(key).as_bytes() != stored {
            return Err(self.unsound(Flaw::Checksum));
        }
        match self.input.fill(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Ok(BackupPart::Key(key.to_vec()))
            }
            Err(error) => Err(error.into()),
            Ok(()) => Err(self.unsound(Flaw::GoesOn)),
        }
    }

    /// Reads so many bytes, taking no more memory than there are.
    fn body(&mut self, length: u64) -> Result<Vec<u8>, BackupError> {
        let mut body = Vec::new();
        let read = self.input.by_ref().take(length).read_to_end(&mut body)?;
        if read as u64 == length { Ok(body) } else { Err(self.breaks_off()) }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.input.fill(bytes).map_err(|error| self.lost(error))
    }

    fn lost(&self, error: io::Error) -> BackupError {
        if error.kind() == ErrorKind::UnexpectedEof {
            self.breaks_off()
        } else {
            BackupError::Io(error)
        }
    }

    fn breaks_off(&self) -> BackupError {
        self.unsound(Flaw::BreaksOff { head: self.head.position })
    }

    fn unsound(&self, flaw: Flaw) -> BackupError {
        BackupError::Unsound { position: self.at.position, flaw }
    }
}

impl<R: Read> Iterator for BackupReader<R> {
    type Item = Result<BackupPart, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stage == Stage::Over {
            return None;
        }
        let part = self.part();
        if !matches!(part, Ok(Some(_))) {
            self.stage = Stage::Over;
        }
        part.transpose()
    }
}

/// Unpacks a frame that follows a link.
fn unpack(bytes: Vec<u8>, at: Link) -> Result<Vec<Linked>, Damage> {
    let frame = Frame::parse(bytes)?;
    let before = frame.before();
    if before.position != at.position {
        return Err(Damage::Misplaced { expected: at.position, found: before.position });
    }
    if before.hash != at.hash {
        return Err(Damage::Unchained { expected: before.hash, found: at.hash });
    }
    frame.blocks()
}

/// What is read through it is hashed.
#[derive(Debug)]
struct Summed<R> {
    input: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Summed<R> {
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.read_exact(bytes)
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(bytes)?;
        self.hasher.update(&bytes[..read]);
        Ok(read)
    }
}
