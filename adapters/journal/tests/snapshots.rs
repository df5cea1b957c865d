//! A snapshot is used if it is whole and of this log, and passed over otherwise.
use std::{convert::Infallible, fs, os::unix::fs::PermissionsExt, path::Path};

use edge_ledger_core::{Cause, CommandId, Commit, Event, Ledger, Principal, Timestamp, lifecycle};
use edge_ledger_journal::{Block, JournalError, Link, Snapshot, Snapshots, Unfit};
use tempfile::TempDir;

#[test]
fn the_newest_snapshot_is_read_back() {
    let (log, place) = (Log::of(3), Place::new());

    for at in 0..3 {
        place.snapshots.write(log.links[at], &log.ledgers[at]).unwrap();
    }

    let found = place.newest(&log).unwrap();
    assert_eq!((found.link(), found.ledger()), (log.links[2], &log.ledgers[2]));
    assert_eq!(found.ledger().digest(), log.ledgers[2].digest());
}

#[test]
fn without_a_snapshot_there_is_none() {
    assert_eq!(Place::new().newest(&Log::of(1)), None);
}

#[test]
fn the_newest_two_are_kept_in_private() {
    let (log, place) = (Log::of(4), Place::new());

    let paths: Vec<_> =
        (0..4).map(|at| place.snapshots.write(log.links[at], &log.ledgers[at]).unwrap()).collect();

    assert_eq!(place.names(), [name(&paths[2]), name(&paths[3])]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.snapshots.directory()), 0o700);
    assert_eq!(mode(&paths[3]), 0o600);
}

#[test]
fn a_snapshot_with_any_byte_changed_is_refused() {
    let log = Log::of(2);
    let bytes = Snapshot::encode(log.links[1], &log.ledgers[1]);
    assert!(Snapshot::decode(&bytes).is_ok());

    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(Snapshot::decode(&changed).is_err(), "byte {at} of {}", bytes.len());
    }
}

#[test]
fn a_snapshot_cut_short_is_refused() {
    let log = Log::of(2);
    let bytes = Snapshot::encode(log.links[1], &log.ledgers[1]);

    for length in 0..bytes.len() {
        assert!(Snapshot::decode(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before() {
    let (log, place) = (Log::of(2), Place::new());
    place.snapshots.write(log.links[0], &log.ledgers[0]).unwrap();
    let newest = place.snapshots.write(log.links[1], &log.ledgers[1]).unwrap();
    let whole = fs::read(&newest).unwrap();

    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&newest, damaged).unwrap();

        assert_eq!(place.newest(&log).map(|found| found.link()), Some(log.links[0]), "byte {at}");
    }
}

#[test]
fn a_snapshot_of_a_later_build_is_passed_over_for_the_one_before() {
    let (log, place) = (Log::of(2), Place::new());
    place.snapshots.write(log.links[0], &log.ledgers[0]).unwrap();
    let newest = place.snapshots.write(log.links[1], &log.ledgers[1]).unwrap();
    let mut later = fs::read(&newest).unwrap();
    later[8] = 2;
    assert!(matches!(Snapshot::decode(&later), Err(Unfit::TooNew(2))));

    fs::write(&newest, later).unwrap();

    assert_eq!(place.newest(&log).map(|found| found.link()), Some(log.links[0]));
}

#[test]
fn a_snapshot_of_another_log_is_passed_over() {
    let (ours, place) = (Log::of(2), Place::new());
    let theirs = Log::beginning_at(Timestamp::from_millis(77), 2);
    assert_eq!(ours.links[1].position, theirs.links[1].position);

    place.snapshots.write(theirs.links[1], &theirs.ledgers[1]).unwrap();

    assert_eq!(place.newest(&ours), None);
    assert!(place.newest(&theirs).is_some());
}

#[test]
fn a_snapshot_past_the_end_of_its_log_is_passed_over_and_removed_by_the_next() {
    let (log, place) = (Log::of(3), Place::new());
    let past = place.snapshots.write(log.links[2], &log.ledgers[2]).unwrap();
    let cut = Log { links: log.links[..2].to_vec(), ledgers: log.ledgers[..2].to_vec() };

    assert_eq!(place.newest(&cut), None);
    let kept = place.snapshots.write(cut.links[1], &cut.ledgers[1]).unwrap();

    assert!(!past.exists());
    assert_eq!(place.names(), [name(&kept)]);
}

#[test]
fn a_snapshot_that_no_block_ends_at_is_passed_over() {
    let (log, place) = (Log::of(3), Place::new());
    place.snapshots.write(log.links[1], &log.ledgers[1]).unwrap();

    let reblocked = Log { links: vec![log.links[2]], ledgers: vec![log.ledgers[2].clone()] };

    assert_eq!(place.newest(&reblocked), None);
}

#[test]
fn a_snapshot_is_not_used_if_the_log_cannot_vouch_for_it() {
    let (log, place) = (Log::of(1), Place::new());
    place.snapshots.write(log.links[0], &log.ledgers[0]).unwrap();

    let unreadable = |_| Err(JournalError::Poisoned { cause: "a test".to_owned() });

    assert_eq!(place.snapshots.newest(unreadable), None);
}

#[test]
fn a_write_that_is_cut_leaves_the_one_before() {
    let (log, place) = (Log::of(2), Place::new());
    let before = place.snapshots.write(log.links[0], &log.ledgers[0]).unwrap();
    let whole = Snapshot::encode(log.links[1], &log.ledgers[1]);
    let named = before.with_file_name(format!("{:020}.snapshot", log.links[1].position.get()));
    let half = named.with_extension("snapshot.half");

    let older = before.with_extension("snapshot.half");

    fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    fs::write(&older, &whole[..whole.len() / 2]).unwrap();

    assert_eq!(place.newest(&log).map(|found| found.link()), Some(log.links[0]));
    assert_eq!(place.snapshots.write(log.links[1], &log.ledgers[1]).unwrap(), named);
    assert!(!half.exists() && !older.exists());
    assert_eq!(place.newest(&log).map(|found| found.link()), Some(log.links[1]));
}

/// A directory for snapshots, which cleans up after itself.
struct Place {
    snapshots: Snapshots,
    _directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        Self { snapshots: Snapshots::at(directory.path().join("snapshots")), _directory: directory }
    }

    fn newest(&self, log: &Log) -> Option<Snapshot> {
        let link = |at| log.links.iter().find(|link| link.position == at).copied();
        self.snapshots.newest(|at| Ok::<_, Infallible>(link(at)))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.snapshots.directory()).expect("a list");
        let mut names: Vec<_> =
            entries.map(|entry| name(&entry.expect("an entry").path())).collect();
        names.sort();
        names
    }
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file has a name").to_string_lossy().into_owned()
}

/// A log of blocks, as its chain and the ledgers after each.
struct Log {
    links: Vec<Link>,
    ledgers: Vec<Ledger>,
}

impl Log {
    fn of(blocks: usize) -> Self {
        Self::beginning_at(Timestamp::from_millis(1_000), blocks)
    }

    fn beginning_at(begin: Timestamp, blocks: usize) -> Self {
        let mut log = Self { links: Vec::new(), ledgers: Vec::new() };
        let (mut ledger, mut link) = (Ledger::default(), Link::START);
        for nth in 0..blocks {
            let events = match nth {
                0 => vec![lifecycle::Event::Opened { epoch: lifecycle::Epoch(0) }],
                _ => vec![lifecycle::Event::Ticked, lifecycle::Event::Ticked],
            };
            let commit = Commit {
                after: ledger.head(),
                recorded_at: begin,
                cause: Cause {
                    command: CommandId::from_uuid(uuid::Uuid::nil()),
                    principal: Principal::System,
                    idempotency: None,
                },
                events: events.into_iter().map(Event::Ledger).collect(),
            };
            ledger.apply(&commit).expect("it folds");
            link = Block::of(&[commit]).expect("a block").link(link);
            log.links.push(link);
            log.ledgers.push(ledger.clone());
        }
        log
    }
}
