//! How large the world is.

/// What there is, and what may happen how often. Everything else is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many edges there are.
    pub edges: u8,
    /// How many tasks there are.
    pub tasks: u8,
    /// How many ticks a lease runs.
    pub lease_ticks: u8,
    /// How many attempts a run has.
    pub attempts: u8,
    /// How many runs a task has at most: operators retry it no further.
    pub runs: u8,
    /// How many ticks a run may take in all, if there is a bound.
    pub run_ticks: Option<u8>,
    /// How many different rows edges send.
    pub rows: u8,
    /// How many leases an edge remembers of each task: what it says under older ones is lost.
    pub remembered: u8,
    /// How often the ledger is restored into a new epoch.
    pub restores: u8,
    /// Whether rows that were refused are kept aside, and adopted.
    pub late_rows: bool,
    /// Whether operators give tasks to edges of their choice, and disable edges.
    pub meddling: bool,
    /// Whether worlds that differ by the names of edges and tasks only are taken for the same.
    pub symmetry: bool,
}

impl Bounds {
    /// Returns the world that is visited with every change of the code.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            edges: 2,
            tasks: 2,
            lease_ticks: 1,
            attempts: 1,
            runs: 1,
            run_ticks: None,
            rows: 1,
            remembered: 2,
            restores: 0,
            late_rows: false,
            meddling: false,
            symmetry: true,
        }
    }

    /// Returns the world that is visited when there is time.
    #[must_use]
    pub const fn large() -> Self {
        Self { attempts: 2, ..Self::small() }
    }

    /// Returns a world of one task to which everything is done.
    #[must_use]
    pub const fn deep() -> Self {
        Self { tasks: 1, restores: 1, runs: 2, late_rows: true, meddling: true, ..Self::small() }
    }

    /// Returns in how many rounds of a fair scheduler every task ends.
    ///
    /// An attempt takes longest if its lease is handed out again as often as it may be, each time
    /// just before it lapses, and then lapses; after it comes a tick of backoff. Whoever waits for a
    /// task to be free waits for the attempts of those before it.
    #[must_use]
    pub const fn rounds(&self) -> u8 {
        let leases = 1 + edge_ledger_core::task::REDELIVERIES_MAX;
        let attempt = leases * self.lease_ticks + 1;
        self.tasks * self.attempts * attempt + 1
    }
}
