//! Writing an export, a block at a time.
use std::io::{self, Write};

use edge_ledger_core::{Commit, codec};

use super::{
    CommitLine, EXPORT, EndLine, ExportHeader, Gap, GapLine, hex, is_break, line, text, unbroken,
};
use crate::{Block, Link};

/// Writes an export. It is whole once it was finished.
#[derive(Debug)]
pub struct ExportWriter<W> {
    output: W,
    at: Link,
    commits: u64,
}

impl ExportHeader {
    /// Makes the first line of an export that this build writes, from a link on.
    #[must_use]
    pub const fn new(begin: Link) -> Self {
        Self { export: EXPORT, format: codec::FORMAT, begin, end: None, about: None, cut: None }
    }
}

impl<W: Write> ExportWriter<W> {
    /// Writes the first line.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written; so do the others.
    pub fn begin(output: W, header: &ExportHeader) -> io::Result<Self> {
        let mut writer = Self { output, at: header.begin, commits: 0 };
        writer.put(&line(header))?;
        Ok(writer)
    }

    /// Returns up to where it was written.
    #[must_use]
    pub const fn at(&self) -> Link {
        self.at
    }

    /// Returns how many commits were written, without those that gaps stand for.
    #[must_use]
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// Writes the next block: its commits, and where the chain stands after it.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written. What was, is no export then.
    ///
    /// # Panics
    ///
    /// If the block does not stand where the one before it ended, or these are not its commits.
    pub fn block(&mut self, block: &Block, commits: &[Commit]) -> io::Result<()> {
        assert_eq!(block.after(), self.at.position, "blocks come in order");
        self.at = block.link(self.at);
        let mut is_made_again = codec::encode(commits) == block.bytes();
        let (last, others) = commits.split_last().expect("a block has a commit");
        for commit in others {
            let text = text(&CommitLine { commit, hash: None, block: None });
            is_made_again &= is_one_line(&text);
            self.put(&unbroken(text))?;
        }
        let ending = |block| text(&CommitLine { commit: last, hash: Some(self.at.hash), block });
        let mut text = ending(None);
        if !is_made_again || !is_one_line(&text) {
            text = ending(Some(&hex::write(block.bytes())));
        }
        self.put(&unbroken(text))?;
        self.commits += commits.len() as u64;
        Ok(())
    }

    /// Writes what stands for what is left out.
    ///
    /// # Errors
    ///
    /// As [`Self::block`].
    ///
    /// # Panics
    ///
    /// If it does not begin where the last block ended.
    pub fn gap(&mut self, gap: Gap) -> io::Result<()> {
        assert_eq!(gap.after, self.at.position, "gaps come in order");
        let blocks = gap.commits().filter_map(|commit| Block::of(&[commit]));
        self.at = blocks.fold(self.at, |at, block| block.link(at));
        self.put(&line(&GapLine { gap, hash: self.at.hash }))
    }

    /// Writes the last line, and returns where the chain stands.
    ///
    /// # Errors
    ///
    /// As [`Self::block`].
    pub fn finish(mut self) -> io::Result<(W, Link)> {
        self.put(&line(&EndLine { end: self.at }))?;
        self.output.flush()?;
        Ok((self.output, self.at))
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.output.write_all(line)?;
        self.output.write_all(b"\n")
    }
}

fn is_one_line(text: &[u8]) -> bool {
    !text.iter().copied().any(is_break)
}
