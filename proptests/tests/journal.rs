//! Every journal there is, put to the one contract.
use edge_ledger_engine::MemoryJournal;
use edge_ledger_journal::{BlockJournal, SegmentStore};
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

mod segments {
    use super::InFiles;

    edge_ledger_proptests::journal_contract!(InFiles);
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

/// In plain files, small enough that there are many.
struct InFiles(TempDir);

impl Place for InFiles {
    type Journal = BlockJournal<SegmentStore>;

    fn new() -> Self {
        Self(tempfile::tempdir().expect("makes a directory"))
    }

    fn open(&self) -> BlockJournal<SegmentStore> {
        let store = SegmentStore::open_with(self.0.path(), 100_000).expect("opens");
        BlockJournal::open(store).expect("reads its last frame")
    }
}
