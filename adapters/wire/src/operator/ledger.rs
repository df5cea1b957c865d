//! `/v1/ledger`: the ledger as a whole.
use edge_ledger_core::{Ledger, Timestamp};
use serde::{Deserialize, Serialize};

/// The ledger as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerView {
    /// The position of its last event.
    pub head: u64,
    /// When that was recorded.
    pub recorded_at: String,
    /// Which epoch it serves in.
    pub epoch: u16,
    /// What it adds up to: a ledger rebuilt from the log up to `head` has the same digest.
    pub digest: String,
    /// How many enrollment tokens there are.
    pub tokens: usize,
    /// How many edges there are.
    pub edges: usize,
    /// How many tasks there are, finished ones too until they leave for the archive.
    pub tasks: usize,
    /// How many tasks have left for the archive.
    #[serde(default)]
    pub archived: u64,
    /// When it was looked at.
    pub as_of: String,
}

impl LedgerView {
    /// Shows a ledger at `now`.
    #[must_use]
    pub fn of(ledger: &Ledger, now: Timestamp) -> Self {
        let counts = ledger.counts();
        Self {
            head: ledger.head().get(),
            recorded_at: ledger.recorded_at().to_string(),
            epoch: ledger.epoch().0,
            digest: ledger.digest().to_string(),
            tokens: counts.tokens,
            edges: counts.edges,
            tasks: counts.tasks,
            archived: counts.archived,
            as_of: now.to_string(),
        }
    }
}
