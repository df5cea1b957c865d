//! What decides and what is stored: the ledger that ships, or a twin of it that breaks a rule.
use edge_ledger_core::{Cause, Command, Decision, Ledger, Rejection, Timestamp, snapshot};

/// How a ledger decides, and how it comes back. Evolving is always that of the ledger that ships.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Decides a command.
    pub decide: fn(&Ledger, Command, &Cause, Timestamp) -> Result<Decision, Rejection>,
    /// Returns the ledger that a process finds which begins when another has ended.
    pub reopen: fn(&Ledger) -> Ledger,
}

impl Rules {
    /// The ledger that ships: its own decisions, and what it reads back from a snapshot.
    pub const SHIPPED: Self = Self { decide: Ledger::decide, reopen };
}

fn reopen(ledger: &Ledger) -> Ledger {
    snapshot::decode(&snapshot::encode(ledger)).expect("a snapshot that was written is read")
}
