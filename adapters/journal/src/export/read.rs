//! Reading an export, every byte of which is checked.
use std::io::{BufRead, Read};

use edge_ledger_core::{Commit, Digest, Position, codec};

use super::{
    CommitLine, CommitSaid, EXPORT, EndLine, ExportError, ExportFlaw, ExportHeader, Gap, GapLine,
    error::LineByte, hex, line,
};
use crate::{Block, Link, Linked};

/// The most bytes of a line, and of the lines of a block together: an append, each byte of which is
/// escaped and told again in hex.
const LINE_MAX: usize = 128 * 1024 * 1024;

/// The first format of which there are exports.
const FIRST: u8 = 2;

/// The blocks of an export, in order, in as much memory as one of them takes. Only one that was
/// read to its end without an error is whole.
#[derive(Debug)]
pub struct ExportReader<R> {
    lines: Lines<R>,
    header: ExportHeader,
    at: Link,
    stage: Stage,
}

/// A block of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The block, and where the chain stands before and after it.
    pub linked: Linked,
    /// Its commits.
    pub commits: Vec<Commit>,
    /// The line of its first commit, counted from one.
    pub line: u64,
}

#[derive(Debug)]
enum Stage {
    Lines,
    /// A gap is being filled; the hash is of the chain after it.
    Filling(Gap, Digest),
    Over,
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// Fails if it is none that this build can read.
    pub fn new(input: R) -> Result<Self, ExportError> {
        let mut lines = Lines { input, text: Vec::new(), number: 0 };
        let header = match lines.next() {
            Ok(Some(text)) => header(text)?,
            Ok(None) | Err(ExportError::Unsound { .. }) => return Err(ExportError::NoExport(None)),
            Err(error) => return Err(error),
        };
        let at = header.begin;
        Ok(Self { lines, header, at, stage: Stage::Lines })
    }

    /// Returns what the first line says.
    #[must_use]
    pub const fn header(&self) -> &ExportHeader {
        &self.header
    }

    /// Returns where the chain stands where it was read up to: before its first block at first.
    #[must_use]
    pub const fn at(&self) -> Link {
        self.at
    }

    fn step(&mut self) -> Result<Option<Exported>, ExportError> {
        loop {
            match &mut self.stage {
                Stage::Over => return Ok(None),
                Stage::Filling(gap, hash) => {
                    if let Some(commit) = gap.next() {
                        let (commits, line) = (vec![commit], self.lines.number);
                        let block = Block::of(&commits).expect("a commit makes a block");
                        return Ok(Some(self.link(block, commits, line)));
                    }
                    let said = *hash;
                    self.stage = Stage::Lines;
                    self.chained(said, self.lines.number)?;
                }
                Stage::Lines => match self.read()? {
                    Some(block) => return Ok(Some(block)),
                    None => continue,
                },
            }
        }
    }

    /// Reads the lines of a block, or one that is something else.
    fn read(&mut self) -> Result<Option<Exported>, ExportError> {
        let mut block = Pending::new(self.at.position, self.lines.number + 1);
        loop {
            let format = self.header.format;
            let text = self.lines.next()?;
            let said = text.ok_or(ExportFlaw::BreaksOff).and_then(|text| said(text, format));
            match said.map_err(|flaw| self.lines.unsound(flaw))? {
                Said::Commit { commit, length, ending } => {
                    let added = block.add(commit, length);
                    added.map_err(|flaw| self.lines.unsound(flaw))?;
                    let Some(Ending { hash, stored }) = ending else { continue };
                    let first = block.first;
                    let made = block.finish(stored.as_deref());
                    let (block, commits) = made.map_err(|flaw| self.lines.unsound(flaw))?;
                    let block = self.link(block, commits, first);
                    self.chained(hash, first)?;
                    return Ok(Some(block));
                }
                Said::Gap(_, _) | Said::End(_) if !block.commits.is_empty() => {
                    return Err(self.lines.unsound(ExportFlaw::Unended { first: block.first }));
                }
                Said::Gap(gap, hash) => {
                    self.begins(gap)?;
                    self.stage = Stage::Filling(gap, hash);
                    return Ok(None);
                }
                Said::End(end) => {
                    self.end(end)?;
                    self.stage = Stage::Over;
                    return Ok(None);
                }
            }
        }
    }

    fn begins(&self, gap: Gap) -> Result<(), ExportError> {
        let (expected, found) = (self.at.position, gap.after);
        let flaw = match () {
            () if expected != found => ExportFlaw::Misplaced { field: "after", found, expected },
            () if gap.head <= gap.after => ExportFlaw::Empty { field: "gap" },
            () => return Ok(()),
        };
        Err(self.lines.unsound(flaw))
    }

    fn end(&mut self, said: Link) -> Result<(), ExportError> {
        let found = self.at;
        if said != found {
            return Err(self.lines.unsound(ExportFlaw::Ends { field: "field end", said, found }));
        }
        if let Some(said) = self.header.end.filter(|said| *said != found) {
            let field = "field end of line 1";
            return Err(self.lines.unsound(ExportFlaw::Ends { field, said, found }));
        }
        match self.lines.next()? {
            None => Ok(()),
            Some(_) => Err(self.lines.unsound(ExportFlaw::GoesOn)),
        }
    }

    fn link(&mut self, block: Block, commits: Vec<Commit>, line: u64) -> Exported {
        let before = self.at;
        self.at = block.link(before);
        Exported { linked: Linked { before, block, link: self.at }, commits, line }
    }

    /// Sees that the chain stands where a line says.
    fn chained(&self, said: Digest, first: u64) -> Result<(), ExportError> {
        let made = self.at.hash;
        if said == made {
            return Ok(());
        }
        Err(self.lines.unsound(ExportFlaw::Unchained { first, said, made }))
    }
}

impl<R: BufRead> Iterator for ExportReader<R> {
    type Item = Result<Exported, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.stage = Stage::Over;
        }
        step.transpose()
    }
}

/// The lines of a file, one at a time.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    text: Vec<u8>,
    /// Which was read last, counted from one.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next one, without its line break; none at the end.
    fn next(&mut self) -> Result<Option<&[u8]>, ExportError> {
        self.text.clear();
        self.number += 1;
        let bound = LINE_MAX as u64 + 1;
        let read = self.input.by_ref().take(bound).read_until(b'\n', &mut self.text)?;
        match self.text.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(&self.text)),
            Some(_) if read as u64 == bound => {
                Err(self.unsound(ExportFlaw::TooLong { max: LINE_MAX }))
            }
            Some(_) => Err(self.unsound(ExportFlaw::BreaksOff)),
        }
    }

    const fn unsound(&self, flaw: ExportFlaw) -> ExportError {
        ExportError::Unsound { line: self.number, flaw }
    }
}

/// What a line says.
enum Said {
    Commit { commit: Commit, length: usize, ending: Option<Ending> },
    Gap(Gap, Digest),
    End(Link),
}

/// What a line says that ends a block.
struct Ending {
    hash: Digest,
    stored: Option<String>,
}

fn header(text: &[u8]) -> Result<ExportHeader, ExportError> {
    /// What is known of a first line of any form.
    #[derive(serde::Deserialize)]
    struct Form {
        export: u8,
    }
    let no_export = |error| ExportError::NoExport(Some(error));
    let Form { export } = serde_json::from_slice(text).map_err(no_export)?;
    match export {
        EXPORT => {}
        0 => return Err(ExportError::NoExport(None)),
        found => return Err(ExportError::TooNew { field: "export", found, known: EXPORT }),
    }
    let header: ExportHeader = serde_json::from_slice(text).map_err(no_export)?;
    if header.format > codec::FORMAT {
        let (found, known) = (header.format, codec::FORMAT);
        return Err(ExportError::TooNew { field: "format", found, known });
    }
    let unsound = |flaw| ExportError::Unsound { line: 1, flaw };
    if header.format < FIRST {
        return Err(unsound(ExportFlaw::Format { found: header.format, first: FIRST }));
    }
    as_written(text, &line(&header)).map_err(unsound)?;
    Ok(header)
}

fn said(text: &[u8], format: u8) -> Result<Said, ExportFlaw> {
    match () {
        () if text.starts_with(br#"{"commit":"#) => commit(text, format),
        () if text.starts_with(br#"{"gap":"#) => {
            let said: GapLine = serde_json::from_slice(text).map_err(ExportFlaw::Malformed)?;
            as_written(text, &line(&said))?;
            Ok(Said::Gap(said.gap, said.hash))
        }
        () if text.starts_with(br#"{"end":"#) => {
            let said: EndLine = serde_json::from_slice(text).map_err(ExportFlaw::Malformed)?;
            as_written(text, &line(&said))?;
            Ok(Said::End(said.end))
        }
        () => {
            let begin = text.get(..24).unwrap_or(text);
            Err(ExportFlaw::Unknown { found: String::from_utf8_lossy(begin).into_owned() })
        }
    }
}

fn commit(text: &[u8], format: u8) -> Result<Said, ExportFlaw> {
    let said: CommitSaid<'_> = serde_json::from_slice(text).map_err(ExportFlaw::Malformed)?;
    let commit = codec::decode_json(format, said.commit.get().as_bytes())
        .map_err(|source| ExportFlaw::Commit { format, source })?;
    let (hash, block) = (said.hash, said.block.as_deref());
    as_written(text, &line(&CommitLine { commit: &commit, hash, block }))?;
    let ending = match (said.hash, said.block) {
        (Some(hash), stored) => Some(Ending { hash, stored }),
        (None, Some(_)) => return Err(ExportFlaw::Block(None)),
        (None, None) => None,
    };
    Ok(Said::Commit { commit, length: text.len(), ending })
}

/// Sees that a line is what this build writes.
fn as_written(found: &[u8], expected: &[u8]) -> Result<(), ExportFlaw> {
    if found == expected {
        return Ok(());
    }
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected);
    let at = same.count();
    let shown = |line: &[u8]| LineByte(line.get(at).copied());
    Err(ExportFlaw::Edited { at: at + 1, found: shown(found), expected: shown(expected) })
}

/// A block whose lines are being read.
struct Pending {
    after: Position,
    head: Position,
    /// The line of its first commit.
    first: u64,
    commits: Vec<Commit>,
    size: usize,
}

impl Pending {
    const fn new(after: Position, first: u64) -> Self {
        Self { after, head: after, first, commits: Vec::new(), size: 0 }
    }

    fn add(&mut self, commit: Commit, length: usize) -> Result<(), ExportFlaw> {
        let (expected, found) = (self.head, commit.after);
        if expected != found {
            return Err(ExportFlaw::Misplaced { field: "after", found, expected });
        }
        if commit.events.is_empty() {
            return Err(ExportFlaw::Empty { field: "events" });
        }
        self.size += length;
        if self.size > LINE_MAX {
            return Err(ExportFlaw::Unended { first: self.first });
        }
        self.head = commit.head();
        self.commits.push(commit);
        Ok(())
    }

    /// Makes the block: of its bytes, if its lines do not make them.
    fn finish(self, stored: Option<&str>) -> Result<(Block, Vec<Commit>), ExportFlaw> {
        let Some(stored) = stored else {
            let block = Block::of(&self.commits).ok_or(ExportFlaw::Empty { field: "commit" })?;
            return Ok((block, self.commits));
        };
        let bytes = hex::read(stored).ok_or(ExportFlaw::Block(None))?;
        let block = Block::stored(self.after, self.head, bytes);
        let commits = block.decode().map_err(|damage| ExportFlaw::Block(Some(damage)))?;
        let told = |commit| line(&CommitLine { commit, hash: None, block: None });
        for (commit, said) in commits.iter().zip(&self.commits) {
            if told(commit) != told(said) {
                return Err(ExportFlaw::Otherwise { after: said.after });
            }
        }
        if commits.len() == self.commits.len() {
            Ok((block, commits))
        } else {
            Err(ExportFlaw::Block(None))
        }
    }
}
