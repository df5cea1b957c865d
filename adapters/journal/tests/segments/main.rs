//! The plain store: what it keeps, what it cuts off, and what it refuses.
#[path = "../support/files.rs"]
mod files;
#[path = "../support/frames.rs"]
mod frames;

mod damage;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use edge_ledger_core::Position;
use edge_ledger_journal::{JournalError, SegmentStore, Store, StoreReader};
use files::{copy, files};
use frames::{Append, chain, frames, read};

/// Small enough that a few frames fill a file.
const FULL: u64 = 4_000;

#[test]
fn frames_come_back_from_any_position_on_across_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(60, 300);
    let store = filled(dir.path(), &log);
    let end = log.last().unwrap().link.position.get();
    let log = frames(&log);

    assert!(files(dir.path(), ".segment").len() > 5);
    for after in 0..end + 2 {
        let expected: Vec<_> =
            log.iter().filter(|frame| frame.head().get() > after).cloned().collect();
        assert_eq!(read(&store.reader(), after).unwrap(), expected, "after {after}");
    }
    assert_eq!(read(&store.reader(), u64::MAX).unwrap(), []);
    assert_eq!(store.reader().last().unwrap().as_ref(), log.last());
}

#[test]
fn an_empty_store_has_no_last_frame() {
    let dir = tempfile::tempdir().unwrap();
    let store = SegmentStore::open(dir.path()).unwrap();
    assert_eq!(store.reader().last().unwrap(), None);
    assert_eq!(read(&store.reader(), 0).unwrap(), []);
    drop(store);
    let store = SegmentStore::open(dir.path()).unwrap();
    assert_eq!(store.reader().last().unwrap(), None);
}

#[test]
fn a_store_reopened_after_every_append_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(40, 300);
    for (appended, append) in log.iter().enumerate() {
        let mut store = SegmentStore::open_with(dir.path(), FULL).unwrap();
        assert_eq!(store.reader().last().unwrap(), frames(&log[..appended]).pop());
        store.append(&append.frames, append.link).unwrap();
    }
    let store = SegmentStore::open_with(dir.path(), FULL).unwrap();
    assert_eq!(read(&store.reader(), 0).unwrap(), frames(&log));
}

#[test]
fn appends_larger_than_a_file_is_when_it_is_sealed_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(5, 20_000);
    drop(filled(dir.path(), &log));
    let store = SegmentStore::open_with(dir.path(), FULL).unwrap();
    assert_eq!(read(&store.reader(), 0).unwrap(), frames(&log));
    assert_eq!(files(dir.path(), ".segment").len(), 5);
}

#[test]
fn whole_files_are_removed_and_what_is_past_the_position_stays() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(60, 300);
    let store = filled(dir.path(), &log);
    let (files_before, bytes_before) =
        (files(dir.path(), ".segment").len(), store.reader().disk_bytes().unwrap());
    let cut = log[30].link.position;

    (store.remover())(cut).unwrap();

    let left = read(&store.reader(), 0).unwrap();
    assert!(left[0].before().position <= cut && left[0].before().position.get() > 0);
    let log = frames(&log);
    assert!(log.ends_with(&left) && left.len() < 80, "{} frames are left", left.len());
    assert!(files(dir.path(), ".segment").len() < files_before);
    assert!(store.reader().disk_bytes().unwrap() < bytes_before);
    drop(store);
    let store = SegmentStore::open_with(dir.path(), FULL).unwrap();
    assert_eq!(read(&store.reader(), 0).unwrap(), left);

    (store.remover())(Position::new(u64::MAX)).unwrap();

    assert_eq!(store.reader().last().unwrap().as_ref(), log.last());
}

#[test]
fn who_reads_while_files_are_removed_reads_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(60, 300);
    let store = filled(dir.path(), &log);
    let reader = store.reader();
    let mut reading = reader.frames(Position::START);
    let first = reading.next().unwrap().unwrap();

    (store.remover())(log[59].link.position).unwrap();
    let kept = files(dir.path(), ".segment").len();
    let rest: Vec<_> = reading.map(Result::unwrap).collect();
    (store.remover())(log[59].link.position).unwrap();

    let log = frames(&log);
    assert_eq!((&first, &rest[..]), (&log[0], &log[1..]));
    assert!(kept > 1);
    assert_eq!(files(dir.path(), ".segment").len(), 1);
}

#[test]
fn one_process_has_it_open_and_nobody_else_may_look() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a/b");
    let store = filled(&place, &chain(30, 300));

    let second = SegmentStore::open(&place).unwrap_err();

    assert!(matches!(second, JournalError::InUse { .. }), "{second:?}");
    for path in files(&place, "").iter().chain([&place]) {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
    drop(store);
}

#[test]
fn a_directory_with_something_else_in_it_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "so far").unwrap();
    let foreign = SegmentStore::open(dir.path()).unwrap_err();
    assert!(matches!(&foreign, JournalError::NotOurs { entry, .. } if entry == "thesis.tex"));
    assert_eq!(files(dir.path(), "").len(), 1);

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("READY"), "edge-ledger journal, layout 1, reached position 7\n")
        .unwrap();
    let other = SegmentStore::open(dir.path()).unwrap_err();
    assert!(matches!(&other, JournalError::Layout { .. }), "{other:?}");
}

#[test]
fn a_creation_that_was_cut_short_is_made_again() {
    for names in [
        &["READY.new"][..],
        &["00000000000000000000.segment.new"],
        &["00000000000000000000.segment", "READY.new"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(dir.path().join(name), "half of it").unwrap();
        }
        let log = chain(3, 10);
        drop(filled(dir.path(), &log));
        let store = SegmentStore::open(dir.path()).unwrap();
        assert_eq!(read(&store.reader(), 0).unwrap(), frames(&log), "{names:?}");
    }
}

#[test]
fn a_store_that_has_lost_its_marker_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(3, 10);
    drop(filled(dir.path(), &log));
    fs::remove_file(dir.path().join("READY")).unwrap();
    let file = files(dir.path(), ".segment").remove(0);
    let before = fs::read(&file).unwrap();

    let error = SegmentStore::open(dir.path()).unwrap_err();

    assert!(matches!(&error, JournalError::FileMissing { path } if path.ends_with("READY")));
    assert_eq!(fs::read(&file).unwrap(), before);
}

fn filled(dir: &Path, log: &[Append]) -> SegmentStore {
    filled_with(dir, FULL, log)
}

fn filled_with(dir: &Path, full: u64, log: &[Append]) -> SegmentStore {
    let mut store = SegmentStore::open_with(dir, full).expect("can be appended to");
    for append in log {
        store.append(&append.frames, append.link).expect("can be appended to");
    }
    store
}
