//! What a cut leaves is told apart from damage.
use std::{fs, path::Path};

use edge_ledger_journal::{Frame, JournalError, SegmentStore, Store};

use super::{Append, FULL, chain, copy, files, filled, filled_with, frames, read};

#[test]
fn every_byte_of_a_closed_store_that_is_flipped_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(6, 60);
    drop(filled_with(dir.path(), 500, &log));
    assert!(files(dir.path(), ".segment").len() > 2);
    for path in files(dir.path(), "") {
        let sound = fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut flipped = sound.clone();
            flipped[at] ^= [0x01, 0x80][at % 2];
            fs::write(&path, &flipped).unwrap();
            let found = opened(dir.path());
            assert!(found.is_err(), "byte {at} of {} was flipped", path.display());
            assert!(fs::read(&path).unwrap() == flipped, "{} was changed", path.display());
        }
        fs::write(&path, &sound).unwrap();
    }
    assert_eq!(opened(dir.path()).unwrap(), frames(&log));
}

#[test]
fn a_torn_last_append_is_cut_off_and_the_store_goes_on() {
    let (dir, log) = unclosed();
    let whole = fs::read(last_file(dir.path())).unwrap();
    let last = log.last().unwrap();
    let length = written(last);
    let begins = whole.len() - length;
    for kept in (0..90).step_by(7).chain((90..length).step_by(97)) {
        for tail in [Tail::Missing, Tail::Zero, Tail::Hole] {
            let torn = copy(dir.path());
            let mut bytes = whole[..begins + kept].to_vec();
            match tail {
                Tail::Missing => {}
                Tail::Zero => bytes.resize(whole.len(), 0),
                Tail::Hole => {
                    bytes.resize((begins + kept + 100).min(whole.len()), 0);
                    bytes.extend(&whole[bytes.len()..]);
                }
            }
            if bytes == whole {
                continue; // it ends with zeros
            }
            fs::write(last_file(torn.path()), bytes).unwrap();

            let mut store = SegmentStore::open_with(torn.path(), FULL).unwrap();
            store.append(&last.frames, last.link).unwrap();
            drop(store);

            assert_eq!(opened(torn.path()).unwrap(), frames(&log), "{kept} bytes, {tail:?}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Tail {
    Missing,
    Zero,
    Hole,
}

#[test]
fn damage_before_the_last_append_is_no_torn_append() {
    let (dir, log) = unclosed();
    let path = last_file(dir.path());
    let whole = fs::read(&path).unwrap();
    let begins = whole.len() - written(log.last().unwrap());
    for at in (0..begins).step_by(3) {
        let damaged = copy(dir.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(last_file(damaged.path()), &bytes).unwrap();

        let found = opened(damaged.path());

        assert!(found.is_err(), "byte {at} was flipped");
        assert!(fs::read(last_file(damaged.path())).unwrap() == bytes);
    }
}

#[test]
fn what_a_closed_store_lacks_at_its_end_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(5, 100);
    drop(filled(dir.path(), &log));
    let path = last_file(dir.path());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - written(&log[4])]).unwrap();

    let error = opened(dir.path()).unwrap_err();

    assert!(
        matches!(error, JournalError::CutShort { found, known, .. }
            if found == log[3].link.position && known == log[4].link.position),
        "{error:?}"
    );
}

#[test]
fn what_a_closed_store_has_beyond_its_end_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &chain(5, 100)));
    let path = last_file(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(1);
    fs::write(&path, &bytes).unwrap();

    assert!(opened(dir.path()).is_err());
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_file_that_is_missing_or_another_logs_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &chain(30, 300)));
    let segments = files(dir.path(), ".segment");

    let gap = copy(dir.path());
    fs::remove_file(gap.path().join(segments[1].file_name().unwrap())).unwrap();
    let gap = opened(gap.path()).unwrap_err();
    let other = tempfile::tempdir().unwrap();
    drop(filled(other.path(), &chain(30, 301)));
    let mixed = copy(dir.path());
    let name = segments[1].file_name().unwrap();
    fs::copy(&files(other.path(), ".segment")[1], mixed.path().join(name)).unwrap();
    let mixed = opened(mixed.path()).unwrap_err();

    assert!(format!("{gap:?}").contains("Missing"), "{gap:?}");
    assert!(format!("{mixed:?}").contains("Unchained"), "{mixed:?}");
}

#[test]
fn a_cut_between_two_files_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = chain(30, 300);
    let mut store = SegmentStore::open_with(dir.path(), FULL).unwrap();
    for (nth, append) in log.iter().enumerate() {
        let before = files(dir.path(), ".segment").len();
        store.append(&append.frames, append.link).unwrap();
        let after = files(dir.path(), ".segment");
        if after.len() > before {
            let cut = copy(dir.path());
            fs::remove_file(cut.path().join(after.last().unwrap().file_name().unwrap())).unwrap();
            let marker = cut.path().join("READY");
            fs::write(&marker, "edge-ledger segments, layout 1, open at 0 ".to_owned() + &zeros())
                .unwrap();

            let mut reopened = SegmentStore::open_with(cut.path(), FULL).unwrap();
            reopened.append(&append.frames, append.link).unwrap();
            drop(reopened);

            assert_eq!(opened(cut.path()).unwrap(), frames(&log[..=nth]));
        }
    }
}

fn zeros() -> String {
    format!("{}\n", "0".repeat(64))
}

/// A store as a kill leaves it, with its frames.
fn unclosed() -> (tempfile::TempDir, Vec<Append>) {
    let dir = tempfile::tempdir().expect("can be made");
    let log = chain(9, 300);
    let store = filled(dir.path(), &log);
    let left = copy(dir.path());
    drop(store);
    (left, log)
}

/// How many bytes an append takes in a file.
fn written(append: &Append) -> usize {
    16 + append.frames.iter().map(|frame| frame.bytes().len()).sum::<usize>()
}

fn last_file(dir: &Path) -> std::path::PathBuf {
    files(dir, ".segment").pop().expect("a store has a file")
}

fn opened(dir: &Path) -> Result<Vec<Frame>, JournalError> {
    read(&SegmentStore::open_with(dir, FULL)?.reader(), 0)
}
