//! What must hold of edge-ledger whatever bytes it is given: a function for each way in.
//!
//! A fuzzer looks for bytes for which one of them panics; what it found worth keeping is in
//! `fixtures/corpus`, and every build is put to it. `libfuzzer`, a workspace of its own beside this
//! crate, has the targets; `just fuzz` runs them.
mod codec;
mod frame;
mod scenario;
mod session;
mod snapshot;
mod wire;

pub use codec::codec;
pub use frame::frame;
pub use scenario::scenario;
pub use session::session;
pub use snapshot::snapshot;
pub use wire::wire;

/// Takes some bytes, and panics if what must hold of them does not.
pub type Target = fn(&[u8]);

/// Every target, with the name that its corpus has.
pub const TARGETS: [(&str, Target); 6] = [
    ("codec", codec),
    ("frame", frame),
    ("scenario", scenario),
    ("session", session),
    ("snapshot", snapshot),
    ("wire", wire),
];
