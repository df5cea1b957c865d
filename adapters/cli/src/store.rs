//! The stores a journal may be in, and either of them behind one type.

use std::{fmt, path::Path};

use clap::ValueEnum;
use edge_ledger_core::Position;
use edge_ledger_journal::{
    Archive, Archived, BlockJournal, BlockReader, Frame, JournalError, Link, Merged, Remover,
    SegmentReader, SegmentStore, Store, StoreReader,
};
use edge_ledger_sled::{SledReader, SledStore};
use serde::{Deserialize, Serialize};

/// What keeps a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// sled, an embedded database.
    Sled,
    /// Plain files, appended to one after the other.
    Segments,
}

/// A journal in whatever keeps it, with its archive.
pub(crate) type AnyJournal = BlockJournal<Archived<AnyStore>>;

/// Reads a journal in whatever keeps it, with its archive.
pub(crate) type AnyJournalReader = BlockReader<Merged<AnyReader>>;

/// A store of any kind.
#[derive(Debug)]
pub(crate) enum AnyStore {
    Sled(SledStore),
    Segments(SegmentStore),
}

/// Reads a store of any kind.
#[derive(Clone, Debug)]
pub(crate) enum AnyReader {
    Sled(SledReader),
    Segments(SegmentReader),
}

impl Kind {
    /// Returns what keeps the journal in a directory, if there is one.
    pub(crate) fn of(place: &Path) -> Option<Self> {
        match () {
            () if SledStore::is_at(place) => Some(Self::Sled),
            () if SegmentStore::is_at(place) => Some(Self::Segments),
            () => None,
        }
    }

    /// Opens a journal in a directory with its archive in another, and makes it first if there is
    /// none.
    pub(crate) fn open(self, place: &Path, archive: &Path) -> Result<AnyJournal, JournalError> {
        self.open_after(place, archive, Link::START)
    }

    /// Opens a journal as [`Self::open`] does; if there is nothing in it, what is appended first
    /// follows this link.
    pub(crate) fn open_after(
        self,
        place: &Path,
        archive: &Path,
        base: Link,
    ) -> Result<AnyJournal, JournalError> {
        let store = match self {
            Self::Sled => AnyStore::Sled(SledStore::open(place)?),
            Self::Segments => AnyStore::Segments(SegmentStore::open_after(place, base)?),
        };
        BlockJournal::open_after(Archived::new(store, Archive::open(archive)?), base)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sled => "sled",
            Self::Segments => "segments",
        })
    }
}

impl Store for AnyStore {
    type Reader = AnyReader;

    fn append(&mut self, frames: &[Frame], link: Link) -> Result<(), JournalError> {
        match self {
            Self::Sled(store) => store.append(frames, link),
            Self::Segments(store) => store.append(frames, link),
        }
    }

    fn reader(&self) -> AnyReader {
        match self {
            Self::Sled(store) => AnyReader::Sled(store.reader()),
            Self::Segments(store) => AnyReader::Segments(store.reader()),
        }
    }

    fn remover(&self) -> Remover {
        match self {
            Self::Sled(store) => store.remover(),
            Self::Segments(store) => store.remover(),
        }
    }
}

impl StoreReader for AnyReader {
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send {
        let (sled, segments) = match self {
            Self::Sled(reader) => (Some(reader.frames(after)), None),
            Self::Segments(reader) => (None, Some(reader.frames(after))),
        };
        sled.into_iter().flatten().chain(segments.into_iter().flatten())
    }

    fn last(&self) -> Result<Option<Frame>, JournalError> {
        match self {
            Self::Sled(reader) => reader.last(),
            Self::Segments(reader) => reader.last(),
        }
    }

    fn disk_bytes(&self) -> Result<u64, JournalError> {
        match self {
            Self::Sled(reader) => reader.disk_bytes(),
            Self::Segments(reader) => reader.disk_bytes(),
        }
    }
}
