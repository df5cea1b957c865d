//! Journals as lines of text: a header that names the format, then a commit a line.
//!
//! Each line makes a block of one commit, so it is read by the very code that reads a journal, in
//! whatever format the header names. In format 1 it is the JSON between the block's brackets, from
//! format 2 on the block's body in hex.
use edge_ledger_core::{
    Commit,
    codec::{self, DecodeError},
};
use serde::{Deserialize, Serialize};

use crate::hex;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format that the commits are in.
    pub format: u8,
    /// What happens in it.
    pub about: String,
}

/// A golden log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// There is no first line, or it is no header.
    #[error("the first line is no header")]
    Header(#[source] Option<serde_json::Error>),
    /// A line is no hex.
    #[error("line {0} is no hex")]
    Hex(usize),
    /// A commit does not decode.
    #[error("line {0} does not decode")]
    Commit(usize, #[source] DecodeError),
}

/// Writes a log in the current format.
///
/// # Panics
///
/// Never: a header is JSON.
#[must_use]
pub fn write(about: &str, log: &[Commit]) -> String {
    let header = Header { format: codec::FORMAT, about: about.to_owned() };
    let header = serde_json::to_string(&header).expect("a header is JSON");
    let commits = log.iter().map(|commit| {
        let block = codec::encode(std::slice::from_ref(commit));
        format!("{}\n", hex::write(&block[1..]))
    });
    [format!("{header}\n")].into_iter().chain(commits).collect()
}

/// Reads a log of any format.
///
/// # Errors
///
/// Fails at the first line that does not decode.
pub fn read(text: &str) -> Result<(Header, Vec<Commit>), GoldenError> {
    let (header, blocks) = blocks(text)?;
    let mut log = Vec::new();
    for (number, block) in (2..).zip(blocks) {
        log.extend(codec::decode(&block).map_err(|fault| GoldenError::Commit(number, fault))?);
    }
    Ok((header, log))
}

/// Reads the blocks of a log of any format, one a commit, as a journal would hold them.
///
/// # Errors
///
/// Fails at the first line that makes no block.
pub fn blocks(text: &str) -> Result<(Header, Vec<Vec<u8>>), GoldenError> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(GoldenError::Header(None))?;
    let header: Header =
        serde_json::from_str(header).map_err(|fault| GoldenError::Header(Some(fault)))?;
    let block = |(number, line): (usize, &str)| match header.format {
        1 => Ok([&[1][..], b"[", line.as_bytes(), b"]"].concat()),
        format => {
            let body = hex::read(line).ok_or(GoldenError::Hex(number))?;
            Ok([&[format][..], &body].concat())
        }
    };
    let blocks = (2..).zip(lines).map(block).collect::<Result<_, _>>()?;
    Ok((header, blocks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn a_log_reads_back_as_it_was_written() {
        let run = scenario::run("ledger open\nsubmit job\ntask job cancel \"no\"");
        let text = write("a task that is cancelled", run.book.log());
        let (header, log) = read(&text).expect("a golden log");
        assert_eq!(header.about, "a task that is cancelled");
        assert_eq!(log, run.book.log());
        assert!(matches!(read("{}\n"), Err(GoldenError::Header(Some(_)))));
        let cut = &text[..text.len() - 3];
        assert!(matches!(read(cut), Err(GoldenError::Commit(4, _))), "{:?}", read(cut));
        let cut = &text[..text.len() - 2];
        assert!(matches!(read(cut), Err(GoldenError::Hex(4))), "{:?}", read(cut));
    }
}
