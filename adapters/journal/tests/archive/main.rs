//! The archive, and what moves the log there: nothing is ever lost, or in neither place.
#[path = "../support/files.rs"]
mod files;

use std::{fs, path::Path};

use edge_ledger_core::{
    Cause, CommandId, Commit, CredentialId, EdgeId, Event, Journal as _, JournalReader as _,
    Millis, Position, Principal, Timestamp, contacts::Contacts, lifecycle,
};
use edge_ledger_journal::{
    Archive, Archived, Beats, BlockJournal, BlockReader, JournalError, Keeper, Link, Merged,
    RESOLUTION, Retention, SegmentReader, SegmentStore, StoreReader as _,
};
use files::{copy, files};
use uuid::Uuid;

/// Small enough that a few appends fill a file.
const FULL: u64 = 2_000;

#[test]
fn what_was_archived_is_the_log_word_for_word() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    let commits = log.append(0, 300);
    let blocks = |log: &Log| -> Vec<_> {
        log.journal.reader().blocks(Position::START).map(Result::unwrap).collect()
    };
    let before = blocks(&log);
    let live = log.live().disk_bytes().unwrap();

    let left = log.keeper.archive_until(Position::new(1_000)).unwrap();

    assert!(left > live / 2 && log.live().disk_bytes().unwrap() < live / 2 + FULL);
    assert_eq!(blocks(&log), before);
    assert_eq!(log.read(0), commits);
    let archive = Archive::open(dir.path().join("archive")).unwrap();
    assert_eq!(archive.begin(), Some(Link::START));
    assert!(archive.disk_bytes() < left, "{} of {left} bytes", archive.disk_bytes());
    for after in (0..1_300).step_by(7) {
        let past = commits.iter().filter(|commit| commit.head() > Position::new(after));
        assert!(log.read(after).iter().eq(past), "after {after}");
    }
}

#[test]
fn a_month_of_steady_load_keeps_the_live_store_small_and_the_log_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open_with(dir.path(), 10 * FULL);
    let retention = Retention { age: Millis::from_secs(6 * 3_600), size: 100_000, batch: 3_000 };
    let (mut live, mut total) = (Vec::new(), Vec::new());

    for hour in (0..30 * 24).step_by(3) {
        log.append(hour * 3_600_000, 120);
        let now = Timestamp::from_millis(hour as i64 * 3_600_000);
        log.keeper.run(&retention, None, now).unwrap();
        live.push(log.live().disk_bytes().unwrap());
        total.push(log.journal.link().position.get());
    }

    let most_of = |days: &[u64]| *days.iter().max().unwrap();
    let (second_day, last_day) = (most_of(&live[8..16]), most_of(&live[29 * 8..]));
    assert!(last_day < second_day + 10 * FULL, "{second_day} bytes, later {last_day}");
    assert_eq!(total[239], total[7] * 30);
    let mut link = Link::START;
    for linked in log.journal.reader().blocks(Position::START) {
        let linked = linked.unwrap();
        assert_eq!(linked.before, link);
        link = linked.block.link(link);
    }
    assert_eq!(link, log.journal.link());
    assert_eq!(log.read(0).len(), 720 * 40);
}

#[test]
fn what_is_pinned_stays_live() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    log.append(0, 300);
    let everything = Retention { age: Millis::ZERO, size: 0, batch: 0 };
    let pinned = Position::new(500);

    let run = log.keeper.run(&everything, Some(pinned), later()).unwrap();

    assert!(run.archived < pinned && run.archived > Position::new(400), "{run:?}");
    let live = log.live().frames(run.archived).next().unwrap().unwrap();
    assert!(live.before().position <= run.archived && live.head() > run.archived);

    let run = log.keeper.run(&everything, None, later()).unwrap();

    assert_eq!(run.archived, log.journal.link().position);
    assert_eq!(run.held, 0);
}

#[test]
fn a_cut_between_archiving_and_removing_leaves_both_and_the_next_run_removes() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    let commits = log.append(0, 300);
    let both = tempfile::tempdir().unwrap();
    let before = copy(&dir.path().join("live"));
    log.keeper.archive_until(Position::new(1_000)).unwrap();
    fs::rename(dir.path().join("archive"), both.path().join("archive")).unwrap();
    fs::rename(before.path(), both.path().join("live")).unwrap();
    fs::write(both.path().join("archive/00000000000000000999.new"), "half of it").unwrap();

    let mut log = Log::open(both.path());
    let whole = log.live().disk_bytes().unwrap();
    let overlapping = log.read(0);
    let nothing = Retention { age: Millis(u64::MAX), size: u64::MAX, batch: 0 };
    log.keeper.run(&nothing, None, later()).unwrap();

    assert_eq!(overlapping, commits);
    assert!(log.live().disk_bytes().unwrap() < whole / 2);
    assert_eq!(log.read(0), commits);
    assert_eq!(files(&both.path().join("archive"), ".new"), [] as [std::path::PathBuf; 0]);
}

#[test]
fn summaries_stand_beside_their_files_and_are_made_anew_if_they_are_spoilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    let everything = Retention { age: Millis::ZERO, size: 0, batch: 0 };
    let mut contacts = Contacts::new(RESOLUTION);
    for minute in 0..3 {
        let commits = log.append(minute * 60_000, 100);
        commits.iter().for_each(|commit| contacts.apply(commit));
        log.keeper.run(&everything, None, later()).unwrap();
    }
    let directory = dir.path().join("archive");
    let told = || {
        let archive = Archive::open(&directory).unwrap();
        let mut told = Contacts::new(RESOLUTION);
        for beats in archive.beats() {
            told.append(beats.unwrap().contacts);
        }
        told
    };
    let beats = files(&directory, ".beats");
    assert_eq!((beats.len(), files(&directory, ".archive").len()), (3, 3));
    assert_eq!(told(), contacts);

    let sound = fs::read(&beats[1]).unwrap();
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x20;
        assert!(Beats::parse(&flipped).is_err(), "byte {at} was flipped");
    }
    fs::write(&beats[0], &sound).unwrap();
    fs::write(&beats[1], &sound[1..]).unwrap();
    fs::remove_file(&beats[2]).unwrap();

    assert_eq!(told(), contacts);
    log.keeper.run(&everything, None, later()).unwrap();
    assert_eq!(files(&directory, ".beats").len(), 3);
}

#[test]
fn summaries_that_remain_of_files_lead_to_the_log_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    let everything = Retention { age: Millis::ZERO, size: 0, batch: 0 };
    for minute in 0..4 {
        log.append(minute * 60_000, 100);
        log.keeper.run(&everything, None, later()).unwrap();
    }
    let directory = dir.path().join("archive");
    let all: Vec<_> = Archive::open(&directory).unwrap().beats().map(Result::unwrap).collect();
    assert_eq!(all.len(), 4);
    for archive in &files(&directory, ".archive")[..3] {
        fs::remove_file(archive).unwrap();
    }
    let archive = Archive::open(&directory).unwrap();
    let begin = archive.begin();

    assert_eq!(begin, Some(all[2].last));
    assert_eq!(archive.beats_left(begin).unwrap(), all[..3]);
    assert_eq!(archive.beats_left(Some(Link::START)).unwrap(), []);
    assert_eq!(archive.beats_left(None).unwrap(), all, "nothing is left but the summaries");

    fs::remove_file(&files(&directory, ".beats")[1]).unwrap();

    assert_eq!(archive.beats_left(begin).unwrap(), all[2..3]);
}

#[test]
fn whoever_reads_while_the_log_moves_reads_it_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    let commits = log.append(0, 300);
    let reader = log.journal.reader();
    let mut reading = reader.read(Position::START);
    let mut read: Vec<Commit> = reading.by_ref().take(5).map(Result::unwrap).collect();

    log.keeper.archive_until(Position::new(600)).unwrap();
    read.extend(reading.by_ref().take(50).map(Result::unwrap));
    log.keeper.archive_until(Position::new(1_200)).unwrap();
    read.extend(reading.map(Result::unwrap));

    assert_eq!(read, commits);
}

#[test]
fn a_file_that_is_missing_damaged_or_another_logs_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path());
    log.append(0, 300);
    for position in [300, 600, 900] {
        log.keeper.archive_until(Position::new(position)).unwrap();
    }
    let archive = dir.path().join("archive");
    let names: Vec<_> =
        files(&archive, "").iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 3);
    let told = |change: &dyn Fn(&Path)| {
        let changed = copy(&archive);
        change(changed.path());
        let read = || -> Result<(), JournalError> {
            let archive = Archive::open(changed.path())?;
            let merged = Merged::new(log.live(), archive);
            BlockReader::new(merged).blocks(Position::START).try_for_each(|linked| linked.map(drop))
        };
        edge_ledger_journal::in_one_line(&read().unwrap_err())
    };

    let first = told(&|dir| fs::remove_file(dir.join(&names[0])).unwrap());
    let middle = told(&|dir| fs::remove_file(dir.join(&names[1])).unwrap());
    let last = told(&|dir| fs::remove_file(dir.join(&names[2])).unwrap());
    let renamed = told(&|dir| fs::rename(dir.join(&names[1]), dir.join(&names[2])).unwrap());

    assert!(first.contains("a frame is missing"), "{first}");
    assert!(middle.contains("are missing from the archive"), "{middle}");
    assert!(last.contains("a frame is missing"), "{last}");
    assert!(renamed.contains("belongs into"), "{renamed}");
    let sound = fs::read(archive.join(&names[1])).unwrap();
    for at in (0..sound.len()).step_by(5) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x04;
        told(&|dir| fs::write(dir.join(&names[1]), &bytes).unwrap());
    }
}

/// A journal in files, with its keeper.
struct Log {
    journal: BlockJournal<Archived<SegmentStore>>,
    keeper: Keeper<SegmentReader>,
}

impl Log {
    fn open(dir: &Path) -> Self {
        Self::open_with(dir, FULL)
    }

    fn open_with(dir: &Path, full: u64) -> Self {
        let archive = Archive::open(dir.join("archive")).expect("opens");
        let store = SegmentStore::open_with(dir.join("live"), full).expect("opens");
        let journal = BlockJournal::open(Archived::new(store, archive.clone())).expect("opens");
        let live = journal.reader().store().live().clone();
        let keeper = Keeper::new(live, journal.remover(), archive).expect("tidies");
        Self { journal, keeper }
    }

    fn live(&self) -> SegmentReader {
        self.journal.reader().store().live().clone()
    }

    /// Appends so many commits of four events each, twenty at once.
    fn append(&mut self, at: u64, commits: u64) -> Vec<Commit> {
        let mut after = self.journal.link().position;
        let mut all = Vec::new();
        for _ in 0..commits / 20 {
            let group: Vec<_> = (0..20).map(|nth| commit(after.plus(nth * 4), at)).collect();
            self.journal.append(&group).expect("appends");
            after = self.journal.link().position;
            all.extend(group);
        }
        all
    }

    fn read(&self, after: u64) -> Vec<Commit> {
        self.journal.reader().read(Position::new(after)).map(|c| c.expect("reads")).collect()
    }
}

fn later() -> Timestamp {
    Timestamp::from_millis(1_000_000_000)
}

fn commit(after: Position, at: u64) -> Commit {
    let id = u128::from(after.get()).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
    let edge = EdgeId::from_uuid(Uuid::from_u128(u128::from(after.get() % 5)));
    Commit {
        after,
        recorded_at: Timestamp::from_millis(at as i64),
        cause: Cause {
            command: CommandId::from_uuid(Uuid::from_u128(id)),
            principal: Principal::Edge { edge, credential: CredentialId::from_uuid(Uuid::nil()) },
            idempotency: None,
        },
        events: vec![Event::Ledger(lifecycle::Event::Ticked); 4],
    }
}
