//! Damage is found, named with its position, and never passed over.
#[path = "support/commits.rs"]
mod support;

use std::{env, fs, path::Path, sync::mpsc, thread, time::Duration};

use edge_ledger_core::{Commit, Journal, JournalReader, Position};
use edge_ledger_journal::{JournalError, Link};
use edge_ledger_sled::PART;
use support::{broken, chain, commit, commits, raw};

/// In each block another byte is flipped; reading that begins there ends there.
#[test]
fn every_byte_of_a_stored_frame_is_covered() {
    let mut good = commits(Position::START, [50; 600]);
    let dir = journal_of(&[50; 600]);
    let tree = raw(dir.path());
    let mut flipped = 0;
    for commit in &good {
        let key = key(commit.after.get());
        let mut block = tree.get(&key).unwrap().unwrap().to_vec();
        let Some(byte) = block.get_mut(flipped) else { break };
        *byte ^= 1 << (flipped % 8);
        tree.insert(key, block).unwrap();
        flipped += 1;
    }
    drop(tree);

    let journal = edge_ledger_sled::open(dir.path()).unwrap();

    assert!((150..600).contains(&flipped));
    for after in 0..flipped {
        let (read, error) = broken(&journal, after as u64);
        let position = format!("the journal cannot be read on after position {after}: ");
        assert!(read == 0 && error.starts_with(&position), "{error}");
    }
    assert_eq!(support::read(&journal, flipped as u64), good.split_off(flipped));
}

#[test]
fn a_frame_under_another_key_is_found() {
    let dir = journal_of(&[50, 50, 50]);
    let tree = raw(dir.path());
    let other = tree.get(key(2)).unwrap().unwrap();
    tree.insert(key(1), other).unwrap();
    drop(tree);

    let (read, error) = broken(&edge_ledger_sled::open(dir.path()).unwrap(), 0);

    assert_eq!(read, 1);
    assert!(error.contains("after position 1: the block holds a commit that wants"), "{error}");
}

#[test]
fn a_missing_frame_is_found_wherever_reading_begins() {
    let dir = journal_of(&[50; 5]);
    raw(dir.path()).remove(key(2)).unwrap();

    let journal = edge_ledger_sled::open(dir.path()).unwrap();

    let gap = "the journal cannot be read on after position 2: \
               a frame is missing, the next one stands after 3";
    assert_eq!(broken(&journal, 0), (2, gap.into()));
    assert_eq!(broken(&journal, 1), (1, gap.into()));
    assert_eq!(broken(&journal, 2), (0, gap.into()));
    assert_eq!(journal.reader().read(Position::new(3)).filter(Result::is_ok).count(), 2);
}

#[test]
fn a_missing_first_frame_is_found() {
    let dir = journal_of(&[50; 3]);
    raw(dir.path()).remove(key(0)).unwrap();

    let (read, error) = broken(&edge_ledger_sled::open(dir.path()).unwrap(), 0);

    assert_eq!(read, 0);
    assert!(error.contains("after position 0: a frame is missing, the next one stands after 1"));
}

#[test]
fn a_missing_last_frame_is_found_at_the_start() {
    let dir = journal_of(&[50; 3]);
    raw(dir.path()).remove(key(2)).unwrap();

    let error = edge_ledger_sled::open(dir.path()).unwrap_err();

    assert!(error.to_string().contains("ends at position 2, but it had reached 3"), "{error}");
}

#[test]
fn a_missing_part_is_found() {
    for part in 0..=3u16 {
        let dir = journal_of(&[50, 4 * PART, 50]);
        let key = if part == 0 { key(1) } else { part_key(1, part) };
        assert!(raw(dir.path()).remove(key).unwrap().is_some(), "part {part} is there");

        let (read, error) = broken(&edge_ledger_sled::open(dir.path()).unwrap(), 0);

        assert_eq!(read, 1);
        assert!(error.contains("after position 1: "), "{error}");
        assert!(error.contains("are there") || error.contains("is missing"), "{error}");
    }
}

#[test]
fn a_last_frame_that_cannot_be_read_stops_the_start() {
    let dir = journal_of(&[50, 4 * PART]);
    raw(dir.path()).remove(part_key(1, 3)).unwrap();

    let error = edge_ledger_sled::open(dir.path()).unwrap_err();

    assert!(chain(&error).contains("after position 1: the frame has "), "{error}");
}

#[test]
fn a_newer_format_is_named_as_such() {
    let dir = journal_of(&[50, 50]);
    let tree = raw(dir.path());
    let mut frame = tree.get(key(1)).unwrap().unwrap().to_vec();
    frame[0] = 2;
    tree.insert(key(1), frame).unwrap();
    drop(tree);

    let error = edge_ledger_sled::open(dir.path()).unwrap_err();

    let newer = "the frame has format 2, this build knows 1: use the build that wrote it";
    assert_eq!(chain(&error), format!("the journal cannot be read on after position 1: {newer}"));
}

#[test]
fn a_foreign_key_is_found() {
    let dir = journal_of(&[50; 3]);
    raw(dir.path()).insert([0, 0, 0, 0, 0, 0, 0, 1, 7], "?").unwrap();

    let (read, error) = broken(&edge_ledger_sled::open(dir.path()).unwrap(), 0);

    assert_eq!(read, 2);
    assert!(error.contains("the next key is [00, 00, 00"), "{error}");
}

/// sled cuts off what follows a damaged byte, and says nothing. Bytes that only sled knows of may be
/// flipped without harm: all is there then, and the chain has the same hash.
///
/// `EDGE_LEDGER_FLIPS` says how many bytes of each journal are flipped, 100 unless told otherwise.
#[test]
fn no_flipped_byte_is_ever_passed_over() {
    let flips = env::var("EDGE_LEDGER_FLIPS").map_or(100, |flips| flips.parse().unwrap());
    let dir = journal_of(&[30; 8]);
    let reopened = journal_of(&[30; 8]);
    drop(edge_ledger_sled::open(reopened.path()).unwrap()); // sled has a snapshot now
    let whole = known(dir.path()).unwrap();

    thread::scope(|scope| {
        for dir in [&dir, &reopened] {
            let whole = &whole;
            scope.spawn(move || {
                let bytes = bytes_of(dir.path());
                for nth in (0..bytes.len()).step_by(bytes.len().div_ceil(flips)) {
                    let (name, at) = &bytes[nth];
                    let copy = copy_of(dir.path());
                    let mut bad = fs::read(copy.path().join(name)).unwrap();
                    bad[*at] ^= 1 << (nth % 8);
                    fs::write(copy.path().join(name), bad).unwrap();

                    let outcome = within_30_s(move || known(copy.path()));

                    let outcome = outcome.unwrap_or_else(|_| panic!("hangs at {name} {at}"));
                    assert!(
                        outcome.as_ref().ok().is_none_or(|known| known == whole),
                        "{name} {at}"
                    );
                }
            });
        }
    });
}

/// All that can be known of a journal: its commits and where its chain stands.
fn known(dir: &Path) -> Result<(Vec<Commit>, Link), JournalError> {
    let journal = edge_ledger_sled::open(dir)?;
    let read = journal.reader().read(Position::START).collect::<Result<_, _>>()?;
    Ok((read, journal.link()))
}

/// Every byte of a journal that was written: in which file, and where.
fn bytes_of(dir: &Path) -> Vec<(String, usize)> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(dir).expect("lists").map(|entry| entry.expect("lists")) {
        if let Ok(content) = fs::read(entry.path()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.extend((0..used).map(|at| (name.clone(), at)));
        }
    }
    bytes
}

#[test]
fn a_truncated_file_is_never_passed_over() {
    let dir = journal_of(&[300; 40]);
    let size = fs::metadata(dir.path().join("db")).unwrap().len();

    for share in 0..10 {
        let copy = copy_of(dir.path());
        let file = fs::File::options().write(true).open(copy.path().join("db")).unwrap();
        file.set_len(size * share / 10).unwrap();

        let outcome = within_30_s(move || whole(copy.path(), 40));

        assert!(matches!(outcome, Ok(Err(_))), "{share} tenths: {outcome:?}");
    }
}

#[test]
fn garbage_for_a_file_is_an_error() {
    for name in ["db", "conf", "READY", "snap.0000000000000001"] {
        let dir = journal_of(&[300; 40]);
        let garbage: Vec<u8> = (0..5_000_u32).map(|n| (n * n % 251) as u8).collect();
        fs::write(dir.path().join(name), garbage).unwrap();

        let outcome = within_30_s(move || whole(dir.path(), 40));

        assert!(matches!(outcome, Ok(Err(_))), "{name}: {outcome:?}");
    }
}

/// Opens and reads a journal: an error, or all of its commits and nothing else.
fn whole(dir: &Path, count: usize) -> Result<(), JournalError> {
    let journal = edge_ledger_sled::open(dir)?;
    let read: Vec<_> = journal.reader().read(Position::START).collect::<Result<_, _>>()?;
    assert_eq!(read, commits(Position::START, vec![300; count]));
    Ok(())
}

fn within_30_s<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, mpsc::RecvTimeoutError> {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    outcome.recv_timeout(Duration::from_secs(30))
}

/// A journal, closed, with a block for each of these texts.
fn journal_of(texts: &[usize]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("makes a directory");
    let mut journal = edge_ledger_sled::open(dir.path()).expect("makes a journal");
    for (after, text) in (0..).zip(texts) {
        journal.append(&[commit(Position::new(after), *text)]).expect("appends");
    }
    dir
}

fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("makes a directory");
    for entry in fs::read_dir(dir).expect("lists").map(|entry| entry.expect("lists")) {
        if entry.path().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copies");
        }
    }
    copy
}

fn key(position: u64) -> Vec<u8> {
    position.to_be_bytes().to_vec()
}

fn part_key(position: u64, part: u16) -> Vec<u8> {
    [&position.to_be_bytes()[..], &part.to_be_bytes()].concat()
}
