//! Who sees what is decided.
use std::fmt;

use edge_ledger_core::{Ledger, Position, decisions::Decided};

/// Sees every decision of a writer, refusals too, in their order.
///
/// The writer's own threads call it: whatever takes long belongs on another one. A decision is told
/// as soon as it is made. It counts once all that it rests on is durable: until then a power cut
/// may take it back, and then it has never been.
pub trait Recorder: fmt::Debug + Send + Sync {
    /// Sees the ledger just before the first decision. All that it shows is durable.
    fn begin(&self, ledger: &Ledger);

    /// Sees a decision.
    fn decided(&self, decided: Decided);

    /// Sees that the log is durable up to a position, and with it every decision that
    /// [rests on](Decided::rests_on) no more.
    fn durable(&self, head: Position);
}
