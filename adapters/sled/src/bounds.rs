//! What keeps appends durable: see the crate's page.

/// The size of sled's segments, in bytes. It can never change for a directory that exists.
pub const SEGMENT: usize = 16 * 1024 * 1024;

/// The most bytes that one append may have, encoded: half a segment.
pub const APPEND_MAX: usize = SEGMENT / 2;

/// The most bytes of one stored value.
pub const BLOCK: usize = 4 * 1024;
