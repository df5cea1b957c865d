//! How commits are kept, whatever keeps them.
//!
//! | unit | is |
//! |---|---|
//! | [`Block`] | what one append makes: some commits in their stored form, and where they stand |
//! | [`Link`] | where the chain stands after a block: its last position and its hash |
//! | [`Frame`] | what a [`Store`] keeps: one block or many, packed, with a checksum |
//!
//! The chain is over blocks and not over frames: packing many blocks into one frame, or moving
//! them to another store, changes no hash.
mod block;
mod chain;
mod error;
mod frame;
mod store;

pub use block::Block;
pub use chain::Link;
pub use error::{Damage, JournalError};
pub use frame::{Frame, Packing};
pub use store::{Store, StoreReader};
