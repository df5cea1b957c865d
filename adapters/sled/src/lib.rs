//! Keeps the journal of an edge-ledger in [sled](https://docs.rs/sled), with acknowledgements that
//! survive a power cut.
//!
//! [`open`] opens the journal of a directory. Blocks, their chain and the frames that hold them are
//! those of [`edge_ledger_journal`]; [`SledStore`] keeps the frames.
//!
//! # What is durable when
//!
//! [`append`](edge_ledger_journal::Store::append) returns once its frames would survive the loss of
//! power, all of them or, if the power goes before it returns, possibly none. sled's own flush is
//! not enough for that: on Linux it hands bytes to the disk without emptying the disk's cache and
//! without committing the file's size. So an append is
//!
//! 1. one `apply_batch`, which sled recovers whole or not at all;
//! 2. sled's `flush`, which returns when everything up to the batch has been written;
//! 3. `fdatasync` on a handle of our own on sled's file `db`;
//! 4. only then the new head, for readers and for the caller.
//!
//! Any failure on the way, a panic of sled's included, poisons the journal: nobody can say what a
//! later sync would commit, so it refuses to append until it is opened again. Opening syncs what
//! it found before it trusts it. Readers see what is durable and nothing else.
//!
//! Old frames are removed in slices, each a batch that is written and synced as an append is, and
//! never at the same time as one: what is written and not yet synced stays within the bounds below.
//!
//! # Layout
//!
//! | in the directory | is |
//! |---|---|
//! | `READY` | the sign of a complete store, made last when it is created. One line: the layout, and a position that the chain had reached, with its hash: where it was opened or closed; while it grows after 256 positions, four times a second at most; and before frames are removed. |
//! | `READY.new` | the next `READY`. Alone it is the sign of a creation cut short, which is then done again; a directory with files but neither sign is somebody else's and left alone. |
//! | `db`, `conf`, `snap.*`, `blobs/` | sled's. `blobs/` stays empty: nobody ever syncs what is in it, so nothing grows large enough to go there. |
//!
//! All of it is private to the user it runs as. The directory itself is locked while it is open.
//!
//! In sled there is one tree. A frame is cut into parts of [`PART`] bytes, the last of which may be
//! shorter.
//!
//! ```text
//! key    position before the frame's first event, u64 big-endian
//!        of every part but the first: the same, then its number from 1, u16 big-endian
//! value  the part
//! ```
//!
//! # Damage
//!
//! Reading verifies all of it: the frame's checksum, that no part is missing, that each frame stands
//! at its key; and the journal sees that each follows the one before it. The first thing that is
//! wrong ends the reading with its position; nothing is ever skipped.
//!
//! What sled does to damaged files is another matter. Where it panics, an error comes out. But a
//! damaged byte in what was written since it was last opened it takes for the torn end of the log,
//! and cuts off, without a word, all that follows. That is why `READY` notes how far the journal
//! had come: one that is found shorter, or with another hash there, does not open. After a kill or a
//! power cut the note is as old as said above, and damage behind it cannot be told from an end that
//! was never durable.
//!
//! # Bounds
//!
//! sled keeps pages larger than a quarter of a segment in files that it never syncs. A page holds
//! up to 17 values, so 17 [`PART`]s have to stay below a quarter of a [`SEGMENT`]. They stay far
//! below: sled counts its pages in memory, not their bytes. A whole append has to stay well below a
//! segment: [`APPEND_MAX`](edge_ledger_journal::APPEND_MAX) is half of one.
mod bounds;
mod directory;
mod kept;
mod parts;
mod reader;
mod shield;
mod store;
mod tasks;

use std::path::Path;

use edge_ledger_journal::{BlockJournal, JournalError};

pub use bounds::{PART, SEGMENT};
pub use reader::SledReader;
pub use store::SledStore;
pub use tasks::SledTasks;

/// A journal on sled.
pub type SledJournal = BlockJournal<SledStore>;

/// Opens the journal in a directory, and makes it first if there is none.
///
/// # Errors
///
/// As [`SledStore::open`] and [`BlockJournal::open`].
pub fn open(path: impl AsRef<Path>) -> Result<SledJournal, JournalError> {
    SledJournal::open(SledStore::open(path)?)
}
