//! The file `READY`: how far the store had come, and whether it was closed.
use std::{fs, path::Path};

use edge_ledger_core::Position;

use crate::{JournalError, Link, directory::Directory, error::io_error};

pub(super) const NAME: &str = "READY";

/// A build that writes frames of another format writes another layout, so that this one never
/// takes them for a torn append.
const LAYOUT: &str = "edge-ledger segments, layout 1, ";

/// How every layout begins.
const OURS: &str = "edge-ledger segments, ";

/// What the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) state: State,
    /// A link that the chain had reached.
    pub(super) reached: Link,
}

/// What the store was doing when the marker was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was appended to since: the last frame may be torn.
    Open,
    /// It was not: every byte counts.
    Closed,
}

impl Marker {
    pub(super) fn write(self, directory: &Directory) -> Result<(), JournalError> {
        let state = match self.state {
            State::Open => "open",
            State::Closed => "closed",
        };
        directory.put(NAME, format!("{LAYOUT}{state} at {}\n", self.reached).as_bytes())
    }

    /// Whether there is one in a directory.
    pub(super) fn is_at(path: &Path) -> bool {
        fs::read(path.join(NAME)).is_ok_and(|marker| marker.starts_with(OURS.as_bytes()))
    }

    pub(super) fn read(directory: &Directory) -> Result<Self, JournalError> {
        let path = directory.path().join(NAME);
        let bytes = fs::read(&path).map_err(io_error("read", &path))?;
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text).ok_or_else(|| JournalError::Layout {
            path,
            found: text.chars().take(80).collect(),
            expected: LAYOUT,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let words = text.strip_prefix(LAYOUT)?.strip_suffix('\n')?;
        let (state, at) = words.split_once(" at ")?;
        let (position, hash) = at.split_once(' ')?;
        let state = match state {
            "open" => State::Open,
            "closed" => State::Closed,
            _ => return None,
        };
        let position = Position::new(position.parse().ok()?);
        Some(Self { state, reached: Link { position, hash: hash.parse().ok()? } })
    }
}
