//! Every journal there is, put to the one contract.
use std::path::Path;

use edge_ledger_core::{Journal as _, JournalReader as _, Position};
use edge_ledger_engine::MemoryJournal;
use edge_ledger_journal::{
    Archive, Archived, BlockJournal, Keeper, SegmentStore, StoreReader as _,
};
use edge_ledger_sled::{SledJournal, SledStore};
use edge_ledger_testkit::journal_contract::{self, Place};

mod memory {
    edge_ledger_testkit::journal_contract!(place super::Memory::default());
}

mod sled {
    edge_ledger_testkit::journal_contract!(super::on_sled);
}

mod segments {
    edge_ledger_testkit::journal_contract!(super::in_files);
}

mod archived {
    edge_ledger_testkit::journal_contract!(super::mostly_archived);
}

#[test]
fn whoever_reads_sled_while_the_log_moves_to_the_archive_reads_it_whole() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let archive = Archive::open(dir.path().join("archive")).expect("opens");
    let live = SledStore::open(dir.path().join("live")).expect("opens");
    let mut journal = BlockJournal::open(Archived::new(live, archive.clone())).expect("reads");
    let log = journal_contract::log(400);
    for group in log.chunks(10) {
        journal.append(group).expect("appends");
    }
    let live = journal.reader().store().live().clone();
    let mut keeper = Keeper::new(live, journal.remover(), archive).expect("tidies");
    let reader = journal.reader();
    let mut reading = reader.read(Position::START);
    let mut read: Vec<_> = reading.by_ref().take(5).collect();

    for position in [300, 600] {
        keeper.archive_until(Position::new(position)).expect("archives");
        read.extend(reading.by_ref().take(50));
    }
    read.extend(reading);

    let read: Vec<_> = read.into_iter().map(|commit| commit.expect("reads")).collect();
    assert_eq!(read, log);
    let live = journal.reader().store().live().frames(Position::START).next();
    let begins = live.expect("is not empty").expect("reads").before().position;
    assert!(begins > Position::new(500), "{begins}");
}

/// In memory, as long as the place is there.
#[derive(Default)]
struct Memory(MemoryJournal);

impl Place for Memory {
    type Journal = MemoryJournal;

    fn open(&self) -> MemoryJournal {
        self.0.clone()
    }
}

fn on_sled(directory: &Path) -> SledJournal {
    edge_ledger_sled::open(directory).expect("opens")
}

/// Small enough that there are many.
fn in_files(directory: &Path) -> BlockJournal<SegmentStore> {
    let store = SegmentStore::open_with(directory, 100_000).expect("opens");
    BlockJournal::open(store).expect("reads its last frame")
}

/// In plain files, and all but the end of it in an archive, each time it is opened.
fn mostly_archived(directory: &Path) -> BlockJournal<Archived<SegmentStore>> {
    let archive = Archive::open(directory.join("archive")).expect("opens");
    let live = SegmentStore::open_with(directory.join("live"), 5_000).expect("opens");
    let journal = BlockJournal::open(Archived::new(live, archive.clone())).expect("reads");
    let reader = journal.reader().store().live().clone();
    let mut keeper = Keeper::new(reader, journal.remover(), archive).expect("tidies");
    keeper.archive_until(Position::new(u64::MAX)).expect("archives");
    journal
}
