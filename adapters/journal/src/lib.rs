//! How commits are kept, whatever keeps them.
//!
//! | unit | is |
//! |---|---|
//! | [`Block`] | some commits of one append in their stored form, and where they stand |
//! | [`Link`] | where the chain stands after a block: its last position and its hash |
//! | [`Frame`] | what a [`Store`] keeps: one block or many, packed, with a checksum |
//!
//! A [`Snapshot`] is a ledger where a block ended; [`Snapshots`] keeps the newest, so that a start
//! need not read the whole log.
//!
//! The chain is over blocks and not over frames: packing many blocks into one frame, or moving
//! them to another store, changes no hash.
//!
//! An append is one frame or more, which a store keeps all or none. Each has one block of a few
//! KiB, or of one larger commit, so that whoever looks one commit up unpacks little beside it.
mod ahead;
mod backup;
mod block;
mod chain;
mod frame;
mod journal;
mod reader;
mod snapshot;
mod snapshots;
mod snapshotter;
mod store;

mod segments;

mod archive;
mod beats;
mod keeper;
mod merged;
mod retention;

mod segment;

mod export;

mod background;
mod directory;
mod error;

pub(crate) use archive::Packer;
pub use archive::{ARCHIVE_FRAME, Archive};
pub use background::in_background;
pub use backup::{BackupError, BackupPart, BackupReader, BackupWriter, Flaw, key_part};
pub use beats::{BadBeats, Beats, RESOLUTION};
pub use block::{Block, Linked};
pub use chain::Link;
pub use directory::create as make_directory;
pub use error::{Damage, JournalError, in_one_line};
#[cfg(feature = "schema")]
pub use export::export_schema;
pub use export::{
    Cut, CutOf, EXPORT, ExportError, ExportFlaw, ExportHeader, ExportReader, ExportWriter,
    Exported, Gap, LineByte,
};
pub use frame::{Frame, Packing};
pub use journal::{APPEND_MAX, BLOCK, BlockJournal};
pub use keeper::{Keeper, Moved};
pub use merged::{Archived, Merged};
pub use reader::BlockReader;
pub use retention::{Kept, Retention};
pub use segments::{SegmentReader, SegmentStore};
pub use snapshot::{Snapshot, Unfit};
pub use snapshots::Snapshots;
pub use snapshotter::{Rhythm, Snapshotter, SnapshotterError};
pub use store::{Remover, Store, StoreReader};
