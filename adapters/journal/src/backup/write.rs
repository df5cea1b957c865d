//! Writing a backup, from a log that may be appended to meanwhile.
use std::{fmt, sync::Arc};

use edge_ledger_core::{Archived, TaskArchive, archive::ArchiveFault};

use super::{header, kind, part, tasks};
use crate::{
    ARCHIVE_FRAME, Block, BlockReader, Damage, Frame, JournalError, Link, Packing, Snapshot,
    StoreReader,
};

const PACKING: Packing = Packing::Zstd(3);

/// The bytes of a backup, a part at a time: the log as it durably was when this was made.
///
/// It looks the log up again for each part, so neither the log's writer nor its upkeep waits for
/// whoever takes the bytes.
#[derive(Debug)]
pub struct BackupWriter<R> {
    log: BlockReader<R>,
    before: Link,
    head: Link,
    /// Up to where it was written.
    at: Link,
    base: Option<Vec<u8>>,
    /// What has left the base's ledger.
    left: Option<Left>,
    hasher: blake3::Hasher,
    next: Stage,
}

/// Tasks that have left a ledger, and where they are.
struct Left {
    archive: Arc<dyn TaskArchive>,
    tasks: Archived,
    /// How many are written.
    written: u64,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Header,
    Base,
    Tasks,
    Frames,
    Ended,
}

impl<R: StoreReader> BackupWriter<R> {
    /// Looks from where to where the log goes: from its beginning on or, if that has been removed,
    /// from a snapshot on, which then is the base of the backup. What had left the ledger of that is
    /// in the archive of tasks.
    ///
    /// # Errors
    ///
    /// Fails if the first or the last frame cannot be read, if the log has nothing where the backup
    /// is to begin, or if the archive does not have the tasks that had left by then.
    pub fn new(
        log: BlockReader<R>,
        base: Option<&Snapshot>,
        tasks: Option<Arc<dyn TaskArchive>>,
    ) -> Result<Self, JournalError> {
        let left = Left::of(base, tasks)?;
        let before = base.map_or(Link::START, Snapshot::link);
        let head = log.end()?;
        let begin = match base {
            Some(_) => log.link_at(before.position)?,
            None => log.begin()?,
        };
        if let Some(end) = head
            && begin != Some(before)
        {
            let damage = match begin {
                Some(begin) if begin.position == before.position => {
                    Damage::Unchained { expected: before.hash, found: begin.hash }
                }
                begin => Damage::Missing { found: begin.unwrap_or(end).position },
            };
            return Err(JournalError::Frame { position: before.position, damage });
        }
        Ok(Self {
            log,
            before,
            head: head.unwrap_or(before),
            at: before,
            base: base.map(|base| Snapshot::encode(base.link(), base.ledger())),
            left,
            hasher: blake3::Hasher::new(),
            next: Stage::Header,
        })
    }

    /// Returns where the log ended when this was made.
    #[must_use]
    pub const fn head(&self) -> Link {
        self.head
    }

    fn step(&mut self) -> Result<Vec<u8>, JournalError> {
        match self.next {
            Stage::Header => {
                self.next = Stage::Base;
                let bytes = header(self.before, self.head);
                self.hasher.update(&bytes);
                Ok(bytes)
            }
            Stage::Base => {
                self.next = Stage::Tasks;
                let base = self.base.take();
                Ok(base.map_or_else(Vec::new, |base| self.part(kind::BASE, &base)))
            }
            Stage::Tasks => match self.left.as_mut().map(Left::pack).transpose()?.flatten() {
                Some(body) => Ok(self.part(kind::TASKS, &body)),
                None => {
                    self.next = Stage::Frames;
                    Ok(Vec::new())
                }
            },
            Stage::Frames if self.at == self.head => {
                self.next = Stage::Ended;
                Ok(self.end())
            }
            Stage::Frames => {
                let frame = self.frame()?;
                Ok(self.part(kind::FRAME, frame.bytes()))
            }
            Stage::Ended => Ok(Vec::new()),
        }
    }

    /// Packs what comes next in the log: as much as a frame of the archive has, so that no frame of
    /// it has to be unpacked twice.
    fn frame(&mut self) -> Result<Frame, JournalError> {
        let (before, mut size) = (self.at, 0);
        let mut blocks: Vec<Block> = Vec::new();
        for linked in self.log.blocks(before.position) {
            let linked = linked?;
            if linked.link.position <= self.at.position {
                continue;
            }
            // Looked up anew, the log must go on where it was left.
            if linked.before != self.at {
                let damage =
                    Damage::Unchained { expected: linked.before.hash, found: self.at.hash };
                return Err(JournalError::Frame { position: self.at.position, damage });
            }
            size += linked.block.bytes().len();
            if size > ARCHIVE_FRAME && !blocks.is_empty() {
                break;
            }
            self.at = linked.link;
            blocks.push(linked.block);
            if self.at == self.head {
                break;
            }
        }
        if blocks.is_empty() {
            let damage = Damage::BrokenOff { head: self.head.position };
            return Err(JournalError::Frame { position: self.at.position, damage });
        }
        Ok(Frame::pack(before, &blocks, PACKING))
    }

    fn part(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = part(kind, body.len());
        bytes.extend(body);
        self.hasher.update(&bytes);
        bytes
    }

    fn end(&mut self) -> Vec<u8> {
        let mut bytes = part(kind::END, blake3::OUT_LEN);
        self.hasher.update(&bytes);
        bytes.extend(self.hasher.finalize().as_bytes());
        bytes
    }
}

impl Left {
    /// Sees that an archive has what has left the ledger of a base.
    fn of(
        base: Option<&Snapshot>,
        archive: Option<Arc<dyn TaskArchive>>,
    ) -> Result<Option<Self>, JournalError> {
        let tasks = base.map(|base| base.ledger().archived()).unwrap_or_default();
        match archive {
            _ if tasks == Archived::default() => Ok(None),
            Some(archive) if archive.reaches(tasks).map_err(unreadable)? => {
                Ok(Some(Self { archive, tasks, written: 0 }))
            }
            Some(_) | None => {
                let told = format!(
                    "the log has lost its beginning, and the archive of tasks does not have the {} \
                     tasks that had left by then: put `tasks` of the data directory back",
                    tasks.tasks()
                );
                Err(JournalError::Store { told, source: None })
            }
        }
    }

    /// Packs those that come next; none if all are written.
    fn pack(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        let mut tasks = Vec::new();
        while self.written < self.tasks.tasks() && tasks.len() < tasks::PART {
            let number = self.written + 1;
            let Some((id, task)) = self.archive.nth(number).map_err(unreadable)? else {
                let told = format!("the archive of tasks has lost its task {number}");
                return Err(JournalError::Store { told, source: None });
            };
            tasks::push(&mut tasks, &id, &task);
            self.written = number;
        }
        Ok((!tasks.is_empty()).then(|| tasks::pack(&tasks)))
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Left")
            .field("tasks", &self.tasks)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

fn unreadable(fault: ArchiveFault) -> JournalError {
    let told = "the archive of tasks cannot be read".to_owned();
    JournalError::Store { told, source: Some(fault) }
}

impl<R: StoreReader> Iterator for BackupWriter<R> {
    type Item = Result<Vec<u8>, JournalError>;

    /// Returns the next bytes. An error ends the backup, which is then worth nothing.
    fn next(&mut self) -> Option<Self::Item> {
        while !matches!(self.next, Stage::Ended) {
            match self.step() {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Some(Ok(bytes)),
                Err(error) => {
                    self.next = Stage::Ended;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
