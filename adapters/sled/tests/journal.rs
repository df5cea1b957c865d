//! What a journal on disk does beyond what every journal does.
#[path = "support/commits.rs"]
mod support;

use std::{
    fs, slice,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use edge_ledger_core::{AppendError, Journal, JournalReader, Position, codec};
use edge_ledger_journal::{
    APPEND_MAX, BLOCK, Block, Frame, JournalError, Link, Packing, Store, StoreReader,
};
use edge_ledger_sled::{PART, SledStore};
use support::{commit, commit_of, commits, raw, read};

#[test]
fn frames_around_the_size_of_a_part_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SledStore::open(dir.path()).unwrap();
    let mut link = Link::START;
    let mut appended = Vec::new();

    for size in [1, 2, 3, 20].map(|parts| parts * PART).into_iter().flat_map(|at| at - 2..=at + 2) {
        let block = |text| Block::of(&[commit(link.position, text)]).expect("a block");
        let pack = |text| Frame::pack(link, &[block(text)], Packing::Plain);
        let text = size - pack(200).bytes().len() + 200;
        let text = text + size - pack(text).bytes().len();
        let frame = pack(text);
        assert_eq!(frame.bytes().len(), size);
        link = block(text).link(link);
        store.append(slice::from_ref(&frame), link).unwrap();
        appended.push(frame);
    }

    let read = |store: &SledStore| store.reader().frames(Position::START).collect::<Vec<_>>();
    let appended_are = |frames: Vec<Result<Frame, _>>| {
        assert!(frames.into_iter().map(Result::unwrap).eq(appended.iter().cloned()));
    };
    appended_are(read(&store));
    drop(store);
    appended_are(read(&SledStore::open(dir.path()).unwrap()));
}

#[test]
fn commits_around_the_size_of_a_block_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let sizes = [BLOCK, PART - 75, PART, 2 * PART, 3 * PART, 1 << 20];
    let sizes = sizes.map(|bound| bound - 5..=bound + 5);
    let mut appended = Vec::new();

    for (after, size) in (0..).zip(sizes.into_iter().flatten()) {
        let commit = commit_of(Position::new(after), size);
        journal.append(slice::from_ref(&commit)).unwrap();
        appended.push(commit);
    }

    assert_eq!(appended, read(&journal, 0));
    drop(journal);
    assert_eq!(appended, read(&edge_ledger_sled::open(dir.path()).unwrap(), 0));
}

#[test]
fn a_group_of_small_commits_shares_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let group = commits(Position::START, (0..1_000).map(|n| n % 700));

    journal.append(&group).unwrap();

    assert_eq!(group, read(&journal, 0));
    assert_eq!(group[997..], read(&journal, 997));
    drop(journal);
    let keys = raw(dir.path()).iter().count();
    let bytes: usize = group.iter().map(|one| codec::encode(slice::from_ref(one)).len()).sum();
    assert!(keys < 2 * bytes / BLOCK, "{keys} keys for {bytes} bytes");
}

#[test]
fn an_append_of_the_largest_size_is_taken_and_one_byte_more_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let largest = commit_of(Position::START, APPEND_MAX);
    let larger = commit_of(Position::START, APPEND_MAX + 1);

    let refusal = journal.append(&[larger]).unwrap_err();

    assert!(
        matches!(refusal, AppendError::TooLarge { size, max } if (size, max) == (APPEND_MAX + 1, APPEND_MAX)),
        "{refusal}"
    );
    assert_eq!(read(&journal, 0), []);
    journal.append(slice::from_ref(&largest)).unwrap();
    assert_eq!(read(&journal, 0), [largest]);
    drop(journal);
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[test]
fn a_gap_inside_an_append_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let [first, third] = [0, 2].map(|after| commit(Position::new(after), 10));

    let refusal = journal.append(&[first, third]).unwrap_err();

    assert_eq!(refusal.to_string(), "the journal ends at 1, the commits want to stand after 2");
    assert_eq!(read(&journal, 0), []);
}

#[test]
fn a_reader_sees_whole_appends_while_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let reader = journal.reader();
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        let seen = scope.spawn(|| {
            let mut seen = vec![0];
            while !done.load(Ordering::Relaxed) {
                let read = reader.read(Position::START).map(Result::unwrap);
                seen.push(read.last().map_or(0, |commit| commit.head().get()));
            }
            seen
        });
        for append in 0..40 {
            let group = commits(Position::new(append * 50), [3_000; 50]);
            journal.append(&group).unwrap();
            assert_eq!(read(&journal, append * 50), group);
        }
        done.store(true, Ordering::Relaxed);
        let seen = seen.join().unwrap();
        assert!(seen.len() > 2 && seen.is_sorted(), "{seen:?}");
        assert!(seen.iter().all(|end| end % 50 == 0), "{seen:?}");
    });
}

#[test]
fn a_journal_opens_again_right_after_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();

    for after in 0..30 {
        let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
        assert_eq!(read(&journal, 0).len(), after as usize);
        journal.append(&[commit(Position::new(after), 5_000)]).unwrap();
    }
}

#[test]
fn a_reader_left_over_keeps_the_directory_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let journal = edge_ledger_sled::open(dir.path()).unwrap();
    let reader = journal.reader();
    drop(journal);

    let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

    assert!(matches!(refusal, JournalError::InUse { .. }), "{refusal}");
    drop(reader);
    edge_ledger_sled::open(dir.path()).unwrap();
}
