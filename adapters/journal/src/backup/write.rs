//! Writing a backup, from a log that may be appended to meanwhile.
use super::{header, kind, part};
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
    hasher: blake3::Hasher,
    next: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Header,
    Base,
    Frames,
    Ended,
}

impl<R: StoreReader> BackupWriter<R> {
    /// Looks from where to where the log goes: from its beginning on or, if that has been removed,
    /// from a snapshot on, which then is the base of the backup.
    ///
    /// # Errors
    ///
    /// Fails if the first or the last frame cannot be read, or the log has nothing where the backup
    /// is to begin.
    pub fn new(log: BlockReader<R>, base: Option<&Snapshot>) -> Result<Self, JournalError> {
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
                self.next = Stage::Frames;
                let base = self.base.take();
                Ok(base.map_or_else(Vec::new, |base| self.part(kind::BASE, &base)))
            }
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
