//! Journals as lines of text: a header that names the format, then a commit a line.
//!
//! A line between brackets is the body of a block, so it is read by the very code that reads a
//! journal, in whatever format the header names.
use edge_ledger_core::{
    Commit,
    codec::{self, DecodeError},
};
use serde::{Deserialize, Serialize};

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
    /// A commit does not decode.
    #[error("line {0} does not decode")]
    Commit(usize, #[source] DecodeError),
}

/// Writes a log in the current format.
///
/// # Panics
///
/// Never: headers and commits are JSON.
#[must_use]
pub fn write(about: &str, log: &[Commit]) -> String {
    let header = Header { format: codec::FORMAT, about: about.to_owned() };
    let header = serde_json::to_string(&header).expect("a header is JSON");
    let commits = log.iter().map(|commit| {
        let block = codec::encode(std::slice::from_ref(commit));
        let list = std::str::from_utf8(&block[1..]).expect("a block's body is text");
        let commit = list.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        format!("{}\n", commit.expect("a block's body is a list"))
    });
    [format!("{header}\n")].into_iter().chain(commits).collect()
}

/// Reads a log of any format.
///
/// # Errors
///
/// Fails at the first line that does not decode.
pub fn read(text: &str) -> Result<(Header, Vec<Commit>), GoldenError> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(GoldenError::Header(None))?;
    let header: Header =
        serde_json::from_str(header).map_err(|fault| GoldenError::Header(Some(fault)))?;
    let mut log = Vec::new();
    for (number, line) in (2..).zip(lines) {
        let block = [&[header.format][..], b"[", line.as_bytes(), b"]"].concat();
        log.extend(codec::decode(&block).map_err(|fault| GoldenError::Commit(number, fault))?);
    }
    Ok((header, log))
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
    }
}
