//! Exports: a log as lines of JSON, to be read by anything, for ever.
//!
//! ```text
//! {"export":1,"format":2,"begin":{"position":0,"hash":"00…"},"end":{"position":5,"hash":"c3…"}}
//! {"commit":{"after":0,"recorded_at":0,"cause":{…},"events":[…]},"hash":"9f…"}
//! {"commit":{"after":1,…}}
//! {"commit":{"after":2,…},"hash":"c3…"}
//! {"end":{"position":5,"hash":"c3…"}}
//! ```
//!
//! The first line says how the others are to be read: the form of the file, the format whose words
//! the commits are in, where the chain stands before the first of them and, where that was known
//! when the line was written, after the last. Then a commit a line, in the very names of the types
//! of core. `hash` ends a block and is the chain's after it, so the chain that an import makes is
//! the chain of the log, and a line that was altered is found within its block. The last line says
//! that nothing is missing.
//!
//! A block that these lines do not make again as it was, because an earlier format wrote it or a
//! payload in it has line breaks, has its bytes beside its hash: `"block":"<hex>"`.
//!
//! A part of a log, as it was cut out for one task or one edge, keeps every position. What was left
//! out is a gap, `{"gap":{"after":2,"head":90,"recorded_at":…},"hash":"…"}`, and is read as that
//! many events that say nothing: `ledger.ticked`.
//!
//! A line is what this build writes for what it says, to the byte; anything else was not written
//! by it, and is refused.
mod error;
mod gap;
mod hex;
mod read;
#[cfg(feature = "schema")]
mod schema;
mod write;

use edge_ledger_core::{Commit, Digest, EdgeId, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Link;

pub use error::{ExportError, ExportFlaw, LineByte};
pub use gap::Gap;
pub use read::{ExportReader, Exported};
#[cfg(feature = "schema")]
pub use schema::export_schema;
pub use write::ExportWriter;

/// The form of the file that is written, and the newest that is read.
pub const EXPORT: u8 = 1;

/// The first line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportHeader {
    /// The form of the file.
    pub export: u8,
    /// The format whose words the commits are in.
    pub format: u8,
    /// Where the chain stands before the first block.
    pub begin: Link,
    /// Where it stands after the last, if that was known when the line was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Link>,
    /// What happens in it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Box<str>>,
    /// What it was cut out of, if it is a part of a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// What an export was cut out for, and out of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cut {
    /// What it is about.
    pub of: CutOf,
    /// Where the log it was cut out of ended, if that was known. The chain of a cut is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Link>,
    /// Whether texts were replaced by placeholders.
    pub redacted: bool,
}

/// What a cut is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CutOf {
    /// One task.
    Task(TaskId),
    /// One edge.
    Edge(EdgeId),
}

/// A line that holds a commit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CommitLine<'a> {
    commit: &'a Commit,
    /// The hash of the chain after the block that ends here.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<Digest>,
    /// The block's bytes in hex, where its lines do not make them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<&'a str>,
}

/// The same, as it is read: the commit's words depend on the format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitSaid<'a> {
    #[serde(borrow)]
    commit: &'a RawValue,
    hash: Option<Digest>,
    block: Option<String>,
}

/// A line that stands for what was left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct GapLine {
    gap: Gap,
    /// The hash of the chain after it.
    hash: Digest,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct EndLine {
    /// Where the chain stands in the end.
    end: Link,
}

/// Writes a line, without the line break at its end.
fn line(said: &impl Serialize) -> Vec<u8> {
    unbroken(text(said))
}

/// Writes what a line is to say, with the line breaks of its payloads.
fn text(said: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(said).expect("what a log says is JSON")
}

/// Puts a text on one line. Its only line breaks stand between the values of a payload, where a
/// space means the same.
fn unbroken(mut text: Vec<u8>) -> Vec<u8> {
    text.iter_mut().filter(|byte| is_break(**byte)).for_each(|byte| *byte = b' ');
    text
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
