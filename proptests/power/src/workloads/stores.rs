//! Where journals are kept.

mod flushed;

use std::{marker::PhantomData, path::Path};

use edge_ledger_core::{Journal, Ledger, Millis, Position, Timestamp};
use edge_ledger_journal::{
    Archive, Archived, BlockJournal, BlockReader, JournalError, Keeper, Link, Retention,
    SegmentStore, Snapshots, Store as Frames, StoreReader,
};
use edge_ledger_sled::SledStore;
pub(crate) use flushed::Flushed;

/// A journal, or why there is none.
pub(crate) type Opened<J> = Result<J, <J as Journal>::Error>;

/// A kind of journal that is opened in a directory.
pub(crate) trait Store {
    /// The journal.
    type Journal: Journal;

    /// Opens it, and makes it first if there is none.
    fn open(at: &Path) -> Opened<Self::Journal>;

    /// Archives what stands up to a position, if there is an archive.
    fn archive(_at: &Path, _journal: &Self::Journal, _upto: Position) -> Result<(), JournalError> {
        Ok(())
    }

    /// Reads the summaries of what is archived, if there is an archive.
    fn summarised(_at: &Path) -> Result<(), JournalError> {
        Ok(())
    }

    /// Writes a snapshot of the whole journal, if there are snapshots.
    fn snapshot(_at: &Path, _journal: &Self::Journal, _of: &Ledger) -> Result<(), JournalError> {
        Ok(())
    }

    /// Reads the newest snapshot that belongs to the journal.
    fn newest(_at: &Path, _journal: &Self::Journal) -> Option<Ledger> {
        None
    }
}

/// Something that keeps frames.
pub(crate) trait Live {
    /// The store.
    type Frames: Frames;

    /// Opens it.
    fn open(at: &Path) -> Result<Self::Frames, JournalError>;
}

/// sled.
pub(crate) struct Sled;

impl Live for Sled {
    type Frames = SledStore;

    fn open(at: &Path) -> Result<SledStore, JournalError> {
        SledStore::open(at)
    }
}

/// Plain files, sealed so early that there are several.
pub(crate) struct Segments;

impl Live for Segments {
    type Frames = SegmentStore;

    fn open(at: &Path) -> Result<SegmentStore, JournalError> {
        SegmentStore::open_with(at, 16 * 1024)
    }
}

/// A journal on a live store and nothing else.
pub(crate) struct Plain<L>(PhantomData<L>);

impl<L: Live> Store for Plain<L> {
    type Journal = BlockJournal<L::Frames>;

    fn open(at: &Path) -> Opened<Self::Journal> {
        BlockJournal::open(L::open(at)?)
    }
}

/// A journal on a live store, with an archive and snapshots beside it.
pub(crate) struct Kept<L>(PhantomData<L>);

impl<L: Live> Store for Kept<L> {
    type Journal = BlockJournal<Archived<L::Frames>>;

    fn open(at: &Path) -> Opened<Self::Journal> {
        let archive = Archive::open(at.with_file_name("archive"))?;
        BlockJournal::open(Archived::new(L::open(at)?, archive))
    }

    fn archive(_at: &Path, journal: &Self::Journal, upto: Position) -> Result<(), JournalError> {
        let reader = journal.reader();
        let merged = reader.store();
        let archive = merged.archive().clone();
        let mut keeper = Keeper::new(merged.live().clone(), journal.remover(), archive)?;
        // As a gateway's housekeeping: all is too old, but the younger half is still needed.
        let retention = Retention { age: Millis(0), batch: 1, ..Retention::default() };
        let tomorrow = Timestamp::EPOCH.after(Millis::from_secs(24 * 60 * 60));
        keeper.run(&retention, Some(upto.plus(1)), tomorrow).map(drop)
    }

    fn summarised(at: &Path) -> Result<(), JournalError> {
        let archive = Archive::open(at.with_file_name("archive"))?;
        archive.beats().try_for_each(|beats| beats.map(drop))
    }

    fn snapshot(at: &Path, journal: &Self::Journal, of: &Ledger) -> Result<(), JournalError> {
        Snapshots::at(at.with_file_name("snapshots")).write(journal.link(), of).map(drop)
    }

    fn newest(at: &Path, journal: &Self::Journal) -> Option<Ledger> {
        let reader = journal.reader();
        let newest = Snapshots::at(at.with_file_name("snapshots"))
            .newest(|position| link_at(&reader, position))?;
        Some(newest.into_ledger())
    }
}

/// Returns where the chain stands at a position, if a block ends there.
fn link_at<R: StoreReader>(
    reader: &BlockReader<R>,
    position: Position,
) -> Result<Option<Link>, JournalError> {
    let before = Position::new(position.get().saturating_sub(1));
    for linked in reader.blocks(before) {
        let link = linked?.link;
        if link.position >= position {
            return Ok((link.position == position).then_some(link));
        }
    }
    Ok(None)
}
