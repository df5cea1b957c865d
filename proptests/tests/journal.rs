//! Every journal there is, put to the one contract.
use edge_ledger_engine::MemoryJournal;
use edge_ledger_proptests::journal_contract::Place;
use edge_ledger_sled::SledJournal;
use tempfile::TempDir;

mod memory {
    use super::Memory;

    edge_ledger_proptests::journal_contract!(Memory);
}

mod sled {
    use super::OnDisk;

    edge_ledger_proptests::journal_contract!(OnDisk);
}

/// In memory, as long as the place is there.
struct Memory(MemoryJournal);

impl Place for Memory {
    type Journal = MemoryJournal;

    fn new() -> Self {
        Self(MemoryJournal::default())
    }

    fn open(&self) -> MemoryJournal {
        self.0.clone()
    }
}

/// In a directory that goes with the place.
struct OnDisk(TempDir);

impl Place for OnDisk {
    type Journal = SledJournal;

    fn new() -> Self {
        Self(tempfile::tempdir().expect("makes a directory"))
    }

    fn open(&self) -> SledJournal {
        edge_ledger_sled::open(self.0.path()).expect("opens")
    }
}
