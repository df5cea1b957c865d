//! A backup is a log up to a position, whole, or it is refused with the position up to which it
//! can be relied on.
use std::sync::Arc;

use edge_ledger_core::{
    Commit, Digest, Event, Journal, Ledger, Position, TaskArchive as _, TaskId, Timestamp,
    archive::leaving,
    lifecycle,
    task::{self, Payload, Spec, Task, Terms},
};
use edge_ledger_engine::replay;
use edge_ledger_journal::{
    BackupError, BackupPart, BackupReader, BackupWriter, Block, BlockJournal, Damage, Flaw, Frame,
    JournalError, Link, Linked, Packing, Snapshot, key_part,
};
use edge_ledger_proptests::workload::Workload;
use edge_ledger_sled::{SledJournal, SledStore, SledTasks};
use edge_ledger_testkit::{
    action::step,
    book::Book,
    history::{History, Timers},
};
use proptest::{collection::vec, strategy::Strategy, strategy::ValueTree, test_runner::TestRunner};
use serde_json::value::RawValue;
use tempfile::TempDir;

#[test]
fn what_is_restored_is_what_was_backed_up() {
    let (place, journal) = filled(&some_log(200));
    let bytes = backup(&journal);

    let read = Read::all(&bytes).unwrap();
    let (restored, journal_there) = read.restore(Link::START);

    assert_eq!(journal_there.link(), journal.link());
    let (here, there) =
        (replay(&journal.reader()).unwrap(), replay(&journal_there.reader()).unwrap());
    assert_eq!(here.digest(), there.digest());
    assert!(read.key.is_none() && read.base.is_none());
    drop((place, restored));
}

#[test]
fn an_empty_log_has_a_backup() {
    let (_place, journal) = filled(&[]);

    let read = Read::all(&backup(&journal)).unwrap();

    assert_eq!((read.head, read.blocks.len()), (Link::START, 0));
}

#[test]
fn a_backup_ends_where_the_log_did_when_it_was_asked_for() {
    let log = some_log(100);
    let (_place, mut journal) = filled(&log[..50]);
    let asked = journal.link();

    let backup = BackupWriter::new(journal.reader(), None, None).unwrap();
    journal.append(&log[50..]).unwrap();
    let bytes: Vec<u8> = backup.flat_map(Result::unwrap).collect();

    let read = Read::all(&bytes).unwrap();
    assert_eq!(read.head, asked);
    assert_eq!(read.blocks.last().unwrap().head(), asked.position);
}

#[test]
fn a_backup_with_any_byte_changed_is_refused_at_a_position_it_reaches() {
    let (_place, journal) = filled(&some_log(40));
    let head = journal.link().position;
    let mut bytes = backup(&journal);
    bytes.extend(key_part(b"thirty-two bytes of a secret key"));
    assert!(Read::all(&bytes).unwrap().key.is_some());

    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        match Read::all(&changed) {
            Err(BackupError::Unsound { position, .. }) => assert!(position <= head, "byte {at}"),
            Err(BackupError::NoBackup | BackupError::TooNew(_)) => assert!(at < 93, "byte {at}"),
            Err(error @ BackupError::Io(_)) => panic!("byte {at}: {error}"),
            Ok(_) => panic!("byte {at} of {} may be anything", bytes.len()),
        }
    }
}

#[test]
fn a_backup_cut_short_is_refused() {
    let (_place, journal) = filled(&some_log(40));
    let bytes = backup(&journal);

    for length in 0..bytes.len() {
        assert!(Read::all(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn a_backup_that_goes_on_after_its_end_is_refused() {
    let (_place, journal) = filled(&some_log(20));
    let whole = backup(&journal);
    let with_key = [whole.clone(), key_part(&[7; 32])].concat();

    for bytes in [[&whole[..], &whole[..]].concat(), [&with_key[..], &[0]].concat()] {
        let refusal = Read::all(&bytes).unwrap_err();
        let goes_on =
            matches!(refusal, BackupError::Unsound { flaw: Flaw::Part(_) | Flaw::GoesOn, .. });
        assert!(goes_on, "{refusal}");
    }
}

#[test]
fn a_frame_of_another_log_is_refused_where_it_begins() {
    let log = some_log(40);
    let (_ours, ours) = filled(&log);
    // The same commits in other blocks, so that positions agree and hashes do not.
    let (_theirs, theirs) = filled_by(4, &log);
    let at = log[11].head();
    let (before, _) = parted(&ours, at);
    let (_, after) = parted(&theirs, at);
    let mut bytes = backup(&ours);
    bytes.truncate(93);

    for frame in [before, after] {
        bytes.push(2);
        bytes.extend((frame.bytes().len() as u64).to_be_bytes());
        bytes.extend(frame.bytes());
    }

    let refusal = Read::all(&bytes).unwrap_err();
    let there = matches!(
        &refusal,
        BackupError::Unsound { position, flaw: Flaw::Frame(Damage::Unchained { .. }) }
            if *position == at
    );
    assert!(there, "{refusal}");
}

#[test]
fn a_backup_that_lacks_its_last_frames_is_refused_even_if_its_end_fits() {
    let (_place, journal) = filled(&some_log(20));
    let mut bytes = backup(&journal);
    bytes.truncate(93);

    bytes.push(3);
    bytes.extend(32_u64.to_be_bytes());
    let end = Digest::of(&bytes);
    bytes.extend(end.as_bytes());

    let refusal = Read::all(&bytes).unwrap_err();
    assert!(matches!(refusal, BackupError::Unsound { flaw: Flaw::Ends { .. }, .. }), "{refusal}");
}

#[test]
fn a_backup_goes_on_in_the_middle_of_a_frame() {
    let (_place, small) = filled(&large_commits(5));
    let blocks: Vec<_> =
        small.reader().blocks(Position::START).map(|linked| linked.unwrap().block).collect();
    let place = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(place.path()).unwrap();
    journal.append_blocks(&blocks[..3]).unwrap();
    journal.append_blocks(&blocks[3..]).unwrap();

    // Four fit into a frame of the backup, so the fifth is taken from the middle of one here.
    let read = Read::all(&backup(&journal)).unwrap();

    assert_eq!(read.head, small.link());
    assert_eq!(read.blocks, blocks);
}

#[test]
fn a_log_whose_beginning_was_removed_is_backed_up_over_its_base() {
    let log = some_log(200);
    let (_place, mut journal) = filled(&log[..100]);
    let base = Snapshot::encode(journal.link(), &replay(&journal.reader()).unwrap());
    let base = Snapshot::decode(&base).unwrap();
    log[100..].chunks(3).for_each(|commits| journal.append(commits).unwrap());
    let whole = replay(&journal.reader()).unwrap().digest();
    journal.remover()(base.link().position).unwrap();

    let without = BackupWriter::new(journal.reader(), None, None).map(drop).unwrap_err();
    let missing = JournalError::Frame {
        position: Position::START,
        damage: Damage::Missing { found: base.link().position },
    };
    assert_eq!(without.to_string(), missing.to_string());
    let (_place, tasks) = archive_of(&log[..100]);
    let bytes = BackupWriter::new(journal.reader(), Some(&base), Some(tasks)).unwrap();
    let read = Read::all(&bytes.flat_map(Result::unwrap).collect::<Vec<_>>()).unwrap();
    assert_eq!(read.base.as_ref().map(Snapshot::link), Some(base.link()));
    let (_place, restored) = read.restore(base.link());

    assert_eq!(restored.link(), journal.link());
    assert_eq!(read.fold(), whole);
}

#[test]
fn a_backup_over_a_base_brings_the_very_tasks_that_had_left_its_ledger() {
    let mut work = Workload::new(Some(Vec::new()));
    work.register(0);
    (0..300).for_each(|nth| work.submit(nth));
    for _ in 0..300 {
        let leased = work.lease(0);
        work.beat(0, &leased);
        work.complete(0, &leased);
    }
    let (_place, mut journal) = filled(&work.log.take().unwrap());
    let finished: Vec<_> =
        work.ledger.finished().map(|(id, task)| (id.clone(), task.clone())).collect();
    let tasks = tempfile::tempdir().unwrap();
    let archive = Arc::new(SledTasks::open(tasks.path()).unwrap());
    let mut ledger = work.ledger;
    for leaving in finished.chunks(256) {
        let each: Vec<_> = leaving.iter().map(|(id, task)| (id, task)).collect();
        archive.keep(ledger.archived(), &each).unwrap();
        let tasks = leaving.iter().map(|(id, _)| id.clone()).collect();
        append(&mut journal, &mut ledger, lifecycle::Event::TasksArchived { tasks });
    }
    let base = Snapshot::encode(journal.link(), &ledger);
    let base = Snapshot::decode(&base).unwrap();
    append(&mut journal, &mut ledger, lifecycle::Event::Ticked);
    journal.remover()(base.link().position).unwrap();

    let writer = |tasks| BackupWriter::new(journal.reader(), Some(&base), tasks);
    let bytes: Vec<u8> = writer(Some(archive)).unwrap().flat_map(Result::unwrap).collect();
    let without = writer(None).map(drop).unwrap_err().to_string();
    let read = Read::all(&bytes).unwrap();

    assert!(without.contains("does not have the 300 tasks that had left by then"), "{without}");
    assert_eq!(read.tasks, finished);
    assert_eq!(read.fold(), ledger.digest());
    for (copies, found) in [(0, 0), (2, 600)] {
        let unfit = Read::all(&with_tasks(&bytes, copies)).unwrap_err();
        let BackupError::Unsound { position, flaw: Flaw::Left { said: 300, found: there } } = unfit
        else {
            panic!("{unfit:?}")
        };
        assert_eq!((position, there), (base.link().position, found));
    }
}

fn append(journal: &mut SledJournal, ledger: &mut Ledger, event: lifecycle::Event) {
    let (after, recorded_at) = (ledger.head(), ledger.recorded_at());
    let (cause, events) = (Book::default().own_cause(), vec![Event::Ledger(event)]);
    let commit = Commit { after, recorded_at, cause, events };
    ledger.apply(&commit).expect("folds");
    journal.append(&[commit]).expect("appends");
}

/// Keeps the tasks that leave with a log.
fn archive_of(log: &[Commit]) -> (TempDir, Arc<SledTasks>) {
    let place = tempfile::tempdir().expect("a directory");
    let archive = SledTasks::open(place.path()).expect("an archive");
    let mut ledger = Ledger::default();
    for commit in log {
        let leaving: Vec<_> = leaving(commit).filter_map(|id| ledger.task_entry(id)).collect();
        archive.keep(ledger.archived(), &leaving).expect("keeps");
        ledger.apply(commit).expect("folds");
    }
    (place, Arc::new(archive))
}

/// Writes a backup's parts with tasks so many times, under a right checksum.
fn with_tasks(bytes: &[u8], copies: usize) -> Vec<u8> {
    let (header, mut rest) = bytes.split_at(93);
    let mut written = header.to_vec();
    loop {
        let (kind, length) =
            (rest[0], u64::from_be_bytes(*rest[1..].first_chunk().expect("a length")));
        let (part, behind) = rest.split_at(9 + length as usize);
        match kind {
            3 => {
                written.extend(&part[..9]);
                let end = Digest::of(&written);
                written.extend(end.as_bytes());
                return written;
            }
            5 => written.extend(part.repeat(copies)),
            _ => written.extend(part),
        }
        rest = behind;
    }
}

/// What was read of a backup.
#[derive(Debug)]
struct Read {
    head: Link,
    base: Option<Snapshot>,
    tasks: Vec<(TaskId, Task)>,
    blocks: Vec<Block>,
    key: Option<Vec<u8>>,
}

impl Read {
    fn all(bytes: &[u8]) -> Result<Self, BackupError> {
        let mut reader = BackupReader::new(bytes)?;
        let (tasks, blocks) = (Vec::new(), Vec::new());
        let mut read = Self { head: reader.head(), base: None, tasks, blocks, key: None };
        for part in &mut reader {
            match part? {
                BackupPart::Base(base) => read.base = Some(*base),
                BackupPart::Tasks(tasks) => read.tasks.extend(tasks),
                BackupPart::Blocks(linked) => {
                    read.blocks.extend(linked.into_iter().map(|linked| linked.block));
                }
                BackupPart::Key(key) => read.key = Some(key),
            }
        }
        Ok(read)
    }

    fn restore(&self, after: Link) -> (TempDir, SledJournal) {
        let place = tempfile::tempdir().expect("a directory");
        let store = SledStore::open(place.path()).expect("a store");
        let mut journal = BlockJournal::open_after(store, after).expect("a journal");
        self.blocks.chunks(7).for_each(|blocks| journal.append_blocks(blocks).expect("appends"));
        (place, journal)
    }

    fn fold(&self) -> Digest {
        let mut ledger = self.base.clone().map_or_else(Default::default, Snapshot::into_ledger);
        for commit in self.blocks.iter().flat_map(|block| block.decode().expect("decodes")) {
            ledger.apply(&commit).expect("folds");
        }
        ledger.digest()
    }
}

/// Commits of which four have somewhat less than eight MiB.
fn large_commits(count: u64) -> Vec<Commit> {
    let text = |nth: u64| format!("\"{}\"", nth.to_string().repeat(2_000_000));
    let commit = |nth| {
        let payload = Payload::new(RawValue::from_string(text(nth)).expect("JSON"));
        let spec =
            Spec { name: "large".into(), payload, dedupe_key: None, terms: Terms::default() };
        let id = TaskId::new(&format!("large-{nth}")).expect("an id");
        let (digest, deadline_at, ready_at) = (Digest::of(&[]), None, None);
        let submitted = task::Submitted { spec, digest, deadline_at, ready_at };
        let what = task::Event::Submitted(Box::new(submitted));
        Commit {
            after: Position::new(nth),
            recorded_at: Timestamp::from_millis(1_000),
            cause: Book::default().own_cause(),
            events: vec![Event::Task { id, what }],
        }
    };
    (0..count).map(commit).collect()
}

fn filled(log: &[Commit]) -> (TempDir, SledJournal) {
    filled_by(3, log)
}

fn filled_by(together: usize, log: &[Commit]) -> (TempDir, SledJournal) {
    let place = tempfile::tempdir().expect("a directory");
    let mut journal = edge_ledger_sled::open(place.path()).expect("a journal");
    log.chunks(together).for_each(|commits| journal.append(commits).expect("appends"));
    (place, journal)
}

/// Packs all blocks up to a position, and all past it.
fn parted(journal: &SledJournal, at: Position) -> (Frame, Frame) {
    let reader = journal.reader();
    let blocks = reader.blocks(Position::START).map(|linked| linked.expect("a block"));
    let (before, after): (Vec<_>, Vec<_>) = blocks.partition(|linked| linked.link.position <= at);
    let packed = |linked: Vec<Linked>| {
        let link = linked[0].before;
        let blocks: Vec<_> = linked.into_iter().map(|linked| linked.block).collect();
        Frame::pack(link, &blocks, Packing::Plain)
    };
    (packed(before), packed(after))
}

fn backup(journal: &SledJournal) -> Vec<u8> {
    let backup = BackupWriter::new(journal.reader(), None, None).expect("a backup");
    backup.flat_map(|bytes| bytes.expect("bytes")).collect()
}

fn some_log(commits: usize) -> Vec<Commit> {
    let mut runner = TestRunner::deterministic();
    let steps = vec(step(), commits * 4).new_tree(&mut runner).expect("steps").current();
    let mut history = History::begin(Timers::Late).expect("a beginning");
    for step in &steps {
        history.take_step(step).expect("a step");
    }
    let log = history.log();
    assert!(log.len() >= commits, "{} commits", log.len());
    log[..commits].to_vec()
}
