//! What keeps appends durable: see the crate's page.
use edge_ledger_journal::APPEND_MAX;

/// The size of sled's segments, in bytes. It can never change for a directory that exists.
pub const SEGMENT: usize = 16 * 1024 * 1024;

/// The most bytes of one stored value.
pub const PART: usize = 4 * 1024;

/// sled's pages stay inline, an append is well below a segment, and a part has a number.
const _: () = assert!(17 * (PART + 64) < SEGMENT / 4);
const _: () = assert!(APPEND_MAX <= SEGMENT / 2);
const _: () = assert!(2 * APPEND_MAX / PART < u16::MAX as usize);
