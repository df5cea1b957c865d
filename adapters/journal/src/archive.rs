//! The archive: what has left the live store, word for word, many blocks to a frame.
//!
//! A directory of sealed files, each named after the first and the last position in it, in the
//! format of [`segment`]. Each says what it follows, so that one that is missing, or
//! another log's, is seen.
use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use edge_ledger_core::{Position, contacts::Contacts};

use crate::{
    Beats, Block, Damage, Frame, JournalError, Link, Linked, Packing, RESOLUTION, StoreReader,
    directory::{self, NEW},
    error::io_error,
    segment::{self, Frames, HEADER, Segment, spoilt},
};

const SUFFIX: &str = ".archive";
const BEATS: &str = ".beats";

/// How many bytes of blocks a frame packs, before they are packed: zstd finds little more in a
/// larger one, and a reader unpacks one for each core.
pub const ARCHIVE_FRAME: usize = 8 * 1024 * 1024;

/// How hard zstd tries.
const PACKING: Packing = Packing::Zstd(9);

/// How large a file may become before the next one is begun.
const FULL: u64 = 256 * 1024 * 1024;

/// A directory of archived files. Cheap to clone; clones see what one of them adds.
#[derive(Clone, Debug)]
pub struct Archive {
    directory: PathBuf,
    files: Arc<RwLock<Vec<Arc<Sealed>>>>,
}

/// A file of the archive.
#[derive(Debug)]
struct Sealed {
    segment: Arc<Segment>,
    last: Link,
    bytes: u64,
}

impl Archive {
    /// Reads which files there are. The directory is made when the first one is written.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be read, or does not follow the one before it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let directory = directory.into();
        let mut files: Vec<Arc<Sealed>> = Vec::new();
        let names = if directory.is_dir() { directory::names(&directory)? } else { Vec::new() };
        for name in names.iter().filter(|name| name.ends_with(SUFFIX)) {
            let file = Sealed::open(directory.join(name))?;
            if let Some(before) = files.last() {
                follows(before, &file)?;
            }
            files.push(Arc::new(file));
        }
        Ok(Self { directory, files: Arc::new(RwLock::new(files)) })
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns where the chain stands before the first frame.
    #[must_use]
    pub fn begin(&self) -> Option<Link> {
        self.files().first().map(|file| file.segment.before)
    }

    /// Returns where the chain stands after the last one.
    #[must_use]
    pub fn end(&self) -> Option<Link> {
        self.files().last().map(|file| file.last)
    }

    /// Returns how many bytes it takes on disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.files().iter().map(|file| file.bytes).sum()
    }

    /// Reads frames, oldest first, from the one that holds the event after a position on, or from
    /// the first there is. An error ends the reading.
    pub fn frames(
        &self,
        after: Position,
    ) -> impl Iterator<Item = Result<Frame, JournalError>> + Send + use<> {
        let files: Vec<_> =
            self.files().iter().filter(|file| file.last.position > after).cloned().collect();
        let mut ended = false;
        files
            .into_iter()
            .flat_map(move |file| match file.segment.frames(after, file.segment.end()) {
                Ok(frames) => Reading::Frames(frames),
                Err(error) => Reading::Failed(Some(error)),
            })
            .take_while(move |frame| !std::mem::replace(&mut ended, frame.is_err()))
            .filter(move |frame| frame.as_ref().map_or(true, |frame| frame.head() > after))
    }

    /// Writes the summaries that files of the archive lack, each beside its file.
    ///
    /// # Errors
    ///
    /// The archive is as it was then; some of the summaries may be there.
    pub fn summarise(&self) -> Result<(), JournalError> {
        let files: Vec<_> = self.files().clone();
        for file in files {
            let path = file.beats_path();
            if !path.exists() {
                directory::put(&path, &file.beats()?.to_bytes())?;
            }
        }
        Ok(())
    }

    /// Reads the summaries, oldest first: who was heard of, without reading the files themselves.
    /// A file without one, or with one that cannot be read, is summarised anew, in memory.
    pub fn beats(&self) -> impl Iterator<Item = Result<Beats, JournalError>> + use<> {
        let files: Vec<_> = self.files().clone();
        files.into_iter().map(|file| match file.read_beats() {
            Some(beats) => Ok(beats),
            None => file.beats(),
        })
    }

    /// Reads the summaries that remain of files that were moved away: those that lead without a gap
    /// to where the chain stands before a log, oldest first; the last one may tell of its beginning too.
    /// Of a log without a begin, nothing being left of it, those that lead to the newest.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be read. A summary that cannot be read is a gap.
    pub fn beats_left(&self, begin: Option<Link>) -> Result<Vec<Beats>, JournalError> {
        let directory = &self.directory;
        let names = if directory.is_dir() { directory::names(directory)? } else { Vec::new() };
        let beats = names.iter().filter(|name| name.ends_with(BEATS));
        let read =
            beats.filter_map(|name| Beats::parse(&fs::read(directory.join(name)).ok()?).ok());
        let mut all: Vec<_> = read.collect();
        all.sort_by_key(|beats| beats.last.position);
        let holds = |beats: &&Beats, link: Link| {
            beats.before.position < link.position && link.position <= beats.last.position
        };
        let mut end = match begin {
            Some(begin) => all.iter().find(|beats| holds(beats, begin)).map(|beats| beats.last),
            None => all.last().map(|newest| newest.last),
        };
        let mut left: Vec<Beats> = Vec::new();
        while let Some(at) = all.iter().rposition(|beats| Some(beats.last) == end) {
            let beats = all.remove(at);
            end = Some(beats.before);
            left.push(beats);
        }
        left.reverse();
        Ok(left)
    }

    /// Returns how many bytes the summaries take on disk.
    #[must_use]
    pub fn beats_bytes(&self) -> u64 {
        let paths = self.files().iter().map(|file| file.beats_path()).collect::<Vec<_>>();
        paths.iter().filter_map(|path| fs::metadata(path).ok()).map(|found| found.len()).sum()
    }

    /// Begins a file that follows a link.
    pub(crate) fn begin_file(&self, before: Link) -> Result<Packer, JournalError> {
        directory::create(&self.directory)?;
        Packer::begin(&self.directory, before)
    }

    /// Gives a file its name, and with it its place in the archive. It is durable then, and was read
    /// back.
    pub(crate) fn finish_file(&self, packer: Packer) -> Result<(), JournalError> {
        let path = packer.seal(&self.directory)?;
        let file = Arc::new(Sealed::open(path)?);
        file.verify()?;
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = files.last() {
            follows(before, &file)?;
        }
        files.push(file);
        Ok(())
    }

    /// Removes files that a cut left half written.
    pub(crate) fn remove_halves(&self) -> Result<(), JournalError> {
        if !self.directory.is_dir() {
            return Ok(());
        }
        let names = directory::names(&self.directory)?;
        for name in names.iter().filter(|name| name.ends_with(NEW)) {
            let path = self.directory.join(name);
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(())
    }

    fn files(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Sealed>>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreReader for Archive {
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send {
        Self::frames(self, after)
    }

    fn last(&self) -> Result<Option<Frame>, JournalError> {
        let Some(end) = self.end() else { return Ok(None) };
        Self::frames(self, Position::new(end.position.get() - 1)).next().transpose()
    }

    fn disk_bytes(&self) -> Result<u64, JournalError> {
        Ok(Self::disk_bytes(self))
    }
}

impl Sealed {
    fn open(path: PathBuf) -> Result<Self, JournalError> {
        let bytes = fs::metadata(&path).map_err(io_error("look at", &path))?.len();
        let (segment, last) = Segment::open(path)?;
        let last = last.ok_or_else(|| spoilt(&segment.path, "its end is not what was written"))?;
        let expected = name(segment.before.position, last.position);
        if segment.path.ends_with(&expected) {
            Ok(Self { segment: Arc::new(segment), last, bytes })
        } else {
            Err(spoilt(&segment.path, &format!("what is in it belongs into {expected}")))
        }
    }
}

impl Sealed {
    fn beats_path(&self) -> PathBuf {
        self.segment.path.with_extension("beats")
    }

    /// Summarises what is in the file.
    fn beats(&self) -> Result<Beats, JournalError> {
        let mut contacts = Contacts::new(RESOLUTION);
        let before = self.segment.before;
        for frame in self.segment.frames(before.position, self.segment.end())? {
            let frame = frame?;
            let position = frame.before().position;
            let commits = frame.commits();
            let (commits, _) =
                commits.map_err(|damage| JournalError::Frame { position, damage })?;
            commits.iter().for_each(|commit| contacts.apply(commit));
        }
        Ok(Beats { before, last: self.last, contacts })
    }

    /// Reads its summary; none if there is none of this very file that can be read.
    fn read_beats(&self) -> Option<Beats> {
        let beats = Beats::parse(&fs::read(self.beats_path()).ok()?).ok()?;
        (beats.before == self.segment.before && beats.last == self.last).then_some(beats)
    }

    /// Reads every frame, and sees that each follows the one before it.
    fn verify(&self) -> Result<(), JournalError> {
        let mut link = self.segment.before;
        for frame in self.segment.frames(link.position, self.segment.end())? {
            let (frame, position) = (frame?, link.position);
            let damaged = |damage| JournalError::Frame { position, damage };
            if frame.before() != link {
                let (expected, found) = (frame.before().hash, link.hash);
                return Err(damaged(Damage::Unchained { expected, found }));
            }
            link = frame.link().map_err(damaged)?;
        }
        if link == self.last {
            return Ok(());
        }
        Err(spoilt(&self.segment.path, "it ends elsewhere than it says"))
    }
}

fn follows(before: &Sealed, file: &Sealed) -> Result<(), JournalError> {
    let (ended, begins) = (before.last, file.segment.before);
    if ended == begins {
        return Ok(());
    }
    let path = file.segment.path.display();
    let told = if ended.position < begins.position {
        format!(
            "positions {} to {} are missing from the archive, before {path}: put their files back",
            ended.position.plus(1),
            begins.position,
        )
    } else if ended.position > begins.position {
        format!("{path} holds positions that {} holds too", before.segment.path.display())
    } else {
        format!(
            "{path} follows a block with hash {}, {} ends with {}: one of them is another log's",
            begins.hash,
            before.segment.path.display(),
            ended.hash,
        )
    };
    Err(JournalError::Store { told, source: None })
}

enum Reading {
    Frames(Frames),
    Failed(Option<JournalError>),
}

impl Iterator for Reading {
    type Item = Result<Frame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Frames(frames) => frames.next(),
            Self::Failed(error) => error.take().map(Err),
        }
    }
}

/// Packs blocks into a file that has no name yet.
#[derive(Debug)]
pub(crate) struct Packer {
    path: PathBuf,
    file: File,
    segment: Segment,
    /// Where the chain stands after the last frame written.
    written: Link,
    /// The blocks of the next frame.
    blocks: Vec<Block>,
    bytes: usize,
    link: Link,
}

impl Packer {
    fn begin(directory: &Path, before: Link) -> Result<Self, JournalError> {
        let path = directory.join(format!("{:020}{NEW}", before.position.plus(1).get()));
        let begin = || {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&path)?;
            file.write_all(&segment::header(before))?;
            Ok(file)
        };
        let file = begin().map_err(io_error("write", &path))?;
        let segment = Segment::new(path.clone(), before);
        Ok(Self {
            path,
            file,
            segment,
            written: before,
            blocks: Vec::new(),
            bytes: 0,
            link: before,
        })
    }

    /// Returns where the chain stands after what it was given.
    pub(crate) const fn link(&self) -> Link {
        self.link
    }

    /// Whether the next block should go into another file.
    pub(crate) fn is_full(&self) -> bool {
        self.segment.end() >= FULL
    }

    /// Takes the next block.
    pub(crate) fn push(&mut self, next: Linked) -> Result<(), JournalError> {
        if next.before != self.link {
            let damage = Damage::Unchained { expected: next.before.hash, found: self.link.hash };
            return Err(JournalError::Frame { position: self.link.position, damage });
        }
        if !self.blocks.is_empty() && self.bytes + next.block.bytes().len() > ARCHIVE_FRAME {
            self.write()?;
        }
        self.bytes += next.block.bytes().len();
        self.blocks.push(next.block);
        self.link = next.link;
        Ok(())
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let frame = Frame::pack(self.written, &self.blocks, PACKING);
        let bytes = segment::append(&[frame]);
        self.file.write_all(&bytes).map_err(io_error("write", &self.path))?;
        self.segment.publish(self.written.position, self.segment.end() + bytes.len() as u64);
        self.written = self.link;
        self.blocks.clear();
        self.bytes = 0;
        Ok(())
    }

    fn seal(mut self, directory: &Path) -> Result<PathBuf, JournalError> {
        if !self.blocks.is_empty() {
            self.write()?;
        }
        assert!(self.segment.end() > HEADER, "an archived file has a frame");
        let footer = self.segment.footer(self.link).to_bytes();
        let sealed = self.file.write_all(&footer).and_then(|()| self.file.sync_all());
        sealed.map_err(io_error("write", &self.path))?;
        let path = directory.join(name(self.segment.before.position, self.link.position));
        fs::rename(&self.path, &path).map_err(io_error("rename", &self.path))?;
        directory::sync(directory)?;
        Ok(path)
    }
}

/// What a file is called that begins after a position and ends with another.
fn name(after: Position, last: Position) -> String {
    format!("{:020}-{:020}{SUFFIX}", after.plus(1).get(), last.get())
}
