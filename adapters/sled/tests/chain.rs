//! What was altered with checksums that are right, and what was removed on purpose.
#[path = "support/commits.rs"]
mod support;

use std::{
    slice,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use edge_ledger_core::{Journal, Position};
use edge_ledger_journal::{Block, Frame, JournalError, Packing};
use edge_ledger_sled::SledJournal;
use support::{broken, commit, commits, raw, read};
use tempfile::TempDir;

#[test]
fn an_altered_frame_with_a_right_checksum_is_found() {
    let (journal, dir) = journal_of(6);
    drop(journal);
    forge(&dir, 2);

    let (read, error) = broken(&edge_ledger_sled::open(dir.path()).unwrap(), 0);

    assert_eq!(read, 3);
    assert!(error.contains("after position 3: the frame follows a block with hash"), "{error}");
}

#[test]
fn an_altered_last_frame_with_a_right_checksum_stops_the_start() {
    let (journal, dir) = journal_of(6);
    let hash = journal.link().hash;
    drop(journal);
    forge(&dir, 5);

    let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

    assert!(
        matches!(refusal, JournalError::Altered { position, known, .. }
        if position.get() == 6 && known == hash),
        "{refusal}"
    );
}

/// The marker is older than the end, as after a kill.
#[test]
fn a_marker_from_the_middle_is_compared_with_the_middle() {
    let (mut journal, dir) = journal_of(6);
    let ready = dir.path().join("READY");
    drop(journal);
    let marker = std::fs::read(&ready).unwrap();
    journal = edge_ledger_sled::open(dir.path()).unwrap();
    journal.append(&commits(Position::new(6), [50; 3])).unwrap();
    drop(journal);
    std::fs::write(&ready, &marker).unwrap();
    drop(edge_ledger_sled::open(dir.path()).unwrap());
    std::fs::write(&ready, &marker).unwrap();

    forge(&dir, 6);
    forge(&dir, 5);
    drop(edge_ledger_sled::open(dir.path()).expect("what the next frame says is compared"));
    let forged = String::from_utf8(marker).unwrap();
    let (begin, hash) = forged.trim_end().rsplit_once(' ').unwrap();
    std::fs::write(&ready, format!("{begin} {}\n", "7".repeat(hash.len()))).unwrap();

    for _ in 0..3 {
        let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

        assert!(
            matches!(refusal, JournalError::Altered { position, .. } if position.get() == 6),
            "what was refused once stays so: {refusal}"
        );
    }
}

#[test]
fn a_journal_that_ends_before_its_marker_is_refused_every_time() {
    let (journal, dir) = journal_of(6);
    drop(journal);
    let (ready, longer) = (dir.path().join("READY"), journal_of(9));
    drop(longer.0);
    std::fs::copy(longer.1.path().join("READY"), &ready).unwrap();
    let marker = std::fs::read(&ready).unwrap();

    for _ in 0..3 {
        let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

        assert!(matches!(refusal, JournalError::CutShort { .. }), "{refusal}");
        assert_eq!(std::fs::read(&ready).unwrap(), marker, "the evidence stays");
    }
}

#[test]
fn removed_frames_are_gone_and_the_others_stay() {
    let (journal, dir) = journal_of(40);
    let remove = journal.remover();

    for (until, begins) in [(0, 0), (7, 7), (3, 7), (30, 30), (1_000, 39)] {
        remove(Position::new(until)).unwrap();

        let begin = journal.reader().begin().unwrap().unwrap();
        assert_eq!(begin.position.get(), begins, "until {until}");
        assert_eq!(read(&journal, begins), commits(Position::START, [50; 40])[begins as usize..]);
    }
    let (read_before, error) = broken(&journal, 0);
    assert_eq!(read_before, 0);
    assert!(error.contains("position 0: a frame is missing, the next one stands after 39"));
    let link = journal.link();
    drop((journal, remove));
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    assert_eq!(journal.link(), link);
    journal.append(&[commit(Position::new(40), 10)]).unwrap();
    assert_eq!(read(&journal, 39).len(), 2);
}

#[test]
fn a_frame_that_ends_behind_the_position_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    for group in 0..3 {
        journal.append(&commits(Position::new(group * 10), [2_000; 10])).unwrap();
    }

    (journal.remover())(Position::new(13)).unwrap();

    let begin = journal.reader().begin().unwrap().unwrap().position.get();
    assert!((10..=13).contains(&begin), "{begin}");
    assert_eq!(read(&journal, begin).len() as u64, 30 - begin);
}

#[test]
fn removing_beside_the_writer_takes_nothing_that_is_to_stay() {
    let (mut journal, dir) = journal_of(3_000);
    let remove = journal.remover();
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        let removing = scope.spawn(|| {
            for until in (0..2_900).step_by(100) {
                remove(Position::new(until)).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut after = 3_000;
        while !done.load(Ordering::Relaxed) {
            journal.append(&commits(Position::new(after), [50; 5])).unwrap();
            after += 5;
        }
        removing.join().unwrap();
        assert_eq!(
            read(&journal, 2_800),
            commits(Position::new(2_800), vec![50; after as usize - 2_800])
        );
    });
    let link = journal.link();
    drop((journal, remove));
    assert_eq!(edge_ledger_sled::open(dir.path()).unwrap().link(), link);
}

/// A journal of so many commits, an append each.
fn journal_of(count: usize) -> (SledJournal, TempDir) {
    let dir = tempfile::tempdir().expect("makes a directory");
    let mut journal = edge_ledger_sled::open(dir.path()).expect("makes a journal");
    for commit in commits(Position::START, vec![50; count]) {
        journal.append(slice::from_ref(&commit)).expect("appends");
    }
    (journal, dir)
}

/// Puts another commit in the place of one, with a checksum that is right.
fn forge(dir: &TempDir, position: u64) {
    let tree = raw(dir.path());
    let key = position.to_be_bytes();
    let was = Frame::parse(tree.get(key).expect("reads").expect("is there").to_vec());
    let before = was.expect("a frame").before();
    let block = Block::of(&[commit(Position::new(position), 51)]).expect("a block");
    let forged = Frame::pack(before, &[block], Packing::Plain);
    tree.insert(key, forged.bytes()).expect("writes");
}
