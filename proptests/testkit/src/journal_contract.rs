//! What every journal has to do, as tests that [`journal_contract!`](crate::journal_contract!) puts
//! any of them to.
use std::{
    collections::BTreeSet,
    path::Path,
    slice,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use edge_ledger_core::{
    AppendError, Cause, CommandId, Commit, Digest, Event, Journal, JournalReader, Position,
    Principal, TaskId, Timestamp, codec,
    lifecycle::{self, Epoch},
    task,
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof},
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::value::RawValue;
use tempfile::TempDir;
use uuid::Uuid;

/// The largest append that is tried where a journal takes any, in bytes.
const APPEND_MEANT: usize = 8 * 1024 * 1024;

/// Where a journal is kept: opening it again finds all that was appended.
pub trait Place {
    /// The journal.
    type Journal: Journal;

    /// Opens the journal. The one opened before has been dropped, its readers too.
    fn open(&self) -> Self::Journal;
}

/// A directory of its own, in which a function opens the journal.
#[derive(Debug)]
pub struct Directory<F> {
    directory: TempDir,
    open: F,
}

impl<F> Directory<F> {
    /// Makes an empty directory.
    ///
    /// # Panics
    ///
    /// Panics if none can be made.
    #[must_use]
    pub fn new(open: F) -> Self {
        Self { directory: tempfile::tempdir().expect("a directory can be made"), open }
    }
}

impl<J: Journal, F: Fn(&Path) -> J> Place for Directory<F> {
    type Journal = J;

    fn open(&self) -> J {
        (self.open)(self.directory.path())
    }
}

/// Makes a test of each claim of the contract: for what a function opens in the directory that it is
/// given, as in `journal_contract!(open)`; or, as in `journal_contract!(place Memory::default())`,
/// for what is kept in a new [`Place`] of any other kind.
#[macro_export]
macro_rules! journal_contract {
    (@claims $new:expr => $($claim:ident)*) => {
        $(
            #[test]
            fn $claim() {
                $crate::journal_contract::$claim(|| $new);
            }
        )*
    };
    (place $new:expr) => {
        $crate::journal_contract! { @claims $new =>
            an_empty_journal_reads_nothing
            commits_come_back_whole_and_in_order
            an_append_of_nothing_changes_nothing
            commits_that_do_not_follow_the_end_are_refused_without_a_trace
            reading_begins_with_the_commit_that_has_the_next_event
            a_reopened_journal_reads_the_same_and_goes_on
            commits_of_any_size_come_back
            what_is_within_the_bound_of_an_append_is_taken
            payloads_come_back_byte_for_byte
            a_reader_made_early_sees_what_is_appended_later
            a_reader_sees_whole_appends_only
            a_journal_does_what_a_list_does
        }
    };
    ($open:expr) => {
        $crate::journal_contract! { place $crate::journal_contract::Directory::new($open) }
    };
}

/// An empty journal reads nothing, wherever reading begins.
pub fn an_empty_journal_reads_nothing<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let journal = place.open();
    for after in [0, 1, u64::MAX] {
        assert_eq!(read(&journal, after), []);
    }
}

/// Commits come back as they were appended, one at a time or several, with one event or several.
pub fn commits_come_back_whole_and_in_order<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(60);
    let mut journal = place.open();
    let mut rest = &log[..];
    for size in [1, 1, 7, 1, 50] {
        let (group, later) = rest.split_at(size);
        append(&mut journal, group);
        rest = later;
    }
    assert_eq!(read(&journal, 0), log);
}

/// Appending nothing succeeds and changes nothing.
pub fn an_append_of_nothing_changes_nothing<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(2);
    let mut journal = place.open();
    append(&mut journal, &[]);
    append(&mut journal, &log);
    append(&mut journal, &[]);
    assert_eq!(read(&journal, 0), log);
}

/// What does not begin where the journal ends is refused with both positions; what does is taken.
pub fn commits_that_do_not_follow_the_end_are_refused_without_a_trace<P: Place>(
    new: impl Fn() -> P,
) {
    let place = new();
    let log = log(6);
    let mut journal = place.open();
    append(&mut journal, &log[..3]);
    let end = log[2].head();

    for elsewhere in [&log[..], &log[2..], &log[4..]] {
        match journal.append(elsewhere) {
            Err(AppendError::Conflict { expected, actual }) => {
                assert_eq!((expected, actual), (elsewhere[0].after, end));
            }
            Err(AppendError::TooLarge { .. } | AppendError::Fault(_)) | Ok(()) => {
                panic!("an append after {} is no conflict", elsewhere[0].after)
            }
        }
        assert_eq!(read(&journal, 0), log[..3]);
    }

    append(&mut journal, &log[3..]);
    assert_eq!(read(&journal, 0), log);
}

/// Reading after any position, in the middle of commits too, gives those with an event past it.
pub fn reading_begins_with_the_commit_that_has_the_next_event<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(20);
    let mut journal = place.open();
    append(&mut journal, &log[..9]);
    append(&mut journal, &log[9..10]);
    append(&mut journal, &log[10..]);
    let end = log[19].head().get();
    for after in 0..=end + 2 {
        assert_eq!(read(&journal, after), past(&log, after), "after {after}");
    }
    assert_eq!(read(&journal, u64::MAX), []);
}

/// What was appended outlasts the journal that appended it, time and again.
pub fn a_reopened_journal_reads_the_same_and_goes_on<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(40);
    for (appended, group) in (0..).step_by(4).zip(log.chunks(4)) {
        let mut journal = place.open();
        assert_eq!(read(&journal, 0), log[..appended]);
        append(&mut journal, group);
    }
    assert_eq!(read(&place.open(), 0), log);
}

/// Commits from the smallest to several MiB come back, around the sizes at which stores cut too.
pub fn commits_of_any_size_come_back<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let bounds = [512, 4 << 10, 8 << 10, 64 << 10, 1 << 20];
    let around = bounds.into_iter().flat_map(|bound| bound - 8..=bound + 1);
    let sizes: Vec<usize> = around.chain([0, 1, 2 << 20, 5 << 20, 3]).collect();
    let mut journal = place.open();
    let mut log = Vec::new();
    for (after, size) in (0..).zip(sizes) {
        let commit = sized(Position::new(after), size);
        append(&mut journal, slice::from_ref(&commit));
        log.push(commit);
    }
    assert_eq!(read(&journal, 0), log);
    drop(journal);
    assert_eq!(read(&place.open(), 0), log);
}

/// Commits that have together, each encoded alone, almost as many bytes as an append may have are
/// taken: one, and many.
pub fn what_is_within_the_bound_of_an_append_is_taken<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let mut journal = place.open();
    let max = journal.append_max().min(APPEND_MEANT);
    let largest = sized(Position::START, max - 64);
    let mut log = vec![largest.clone()];
    let mut left = max;
    while left > 3_000 {
        let next = sized(log[log.len() - 1].head(), 2_900);
        left -= alone(&next);
        log.push(next);
    }

    assert!(alone(&largest) <= max);
    append(&mut journal, &log[..1]);
    append(&mut journal, &log[1..]);

    assert_eq!(read(&journal, 0), log);
}

/// Text of any script and JSON of any form are the same afterwards, spaces and order of keys too.
pub fn payloads_come_back_byte_for_byte<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let texts =
        ["", "\0\u{1}\u{7f}", "a\"b\\c\n\r\t", "\u{2028}\u{feff}\u{fffd}", "日本語 🛰 e\u{301}"];
    let payloads = [
        r#"{"z":1,"a":2,"z":3}"#,
        r#"{ "spaced" :  [ 1 , 2.50, 1e400, -0.0 ] }"#,
        r#"["\u00e9","é","\ud83d\udef0","\/"]"#,
        "123456789012345678901234567890",
        "null",
    ];
    let log: Vec<_> = (0..)
        .zip(texts.into_iter().zip(payloads))
        .map(|(after, (text, payload))| {
            commit(Position::new(after * 2), vec![cancelled(text), submitted(text, payload)])
        })
        .collect();
    let mut journal = place.open();
    append(&mut journal, &log);
    drop(journal);

    let found = read(&place.open(), 0);

    assert_eq!(found, log);
    for (commit, payload) in found.iter().zip(payloads) {
        let block = codec::encode(slice::from_ref(commit));
        let whole = block.windows(payload.len()).any(|bytes| bytes == payload.as_bytes());
        assert!(whole, "{payload} is not in {}", String::from_utf8_lossy(&block));
    }
}

/// A reader needs no making anew to see more, and two of them see the same.
pub fn a_reader_made_early_sees_what_is_appended_later<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(5);
    let mut journal = place.open();
    let reader = journal.reader();
    for (appended, commit) in (1..).zip(&log) {
        append(&mut journal, slice::from_ref(commit));
        let seen: Vec<_> = reader.clone().read(Position::START).map(readable).collect();
        assert_eq!(seen, log[..appended]);
    }
}

/// While the writer appends, readers on other threads see appends whole, and all that returned.
pub fn a_reader_sees_whole_appends_only<P: Place>(new: impl Fn() -> P) {
    let place = new();
    let log = log(400);
    let ends: BTreeSet<_> = log.chunks(20).map(|group| group[19].head()).collect();
    let mut journal = place.open();
    let reader = journal.reader();
    let done = AtomicBool::new(false);
    let watch = || {
        let mut seen = Vec::new();
        while !done.load(Ordering::Relaxed) {
            seen.push(reader.read(Position::START).map(|commit| readable(commit).head()).last());
        }
        seen
    };

    thread::scope(|scope| {
        let watchers = [scope.spawn(watch), scope.spawn(watch)];
        for group in log.chunks(20) {
            append(&mut journal, group);
            assert_eq!(read(&journal, group[0].after.get()), group);
        }
        done.store(true, Ordering::Relaxed);
        for watcher in watchers {
            let seen = watcher.join().expect("only watches");
            assert!(seen.is_sorted(), "{seen:?}");
            assert!(seen.iter().flatten().all(|end| ends.contains(end)), "{seen:?}");
        }
    });
}

/// Any appends, right and wrong, reopenings and readings come to what they come to with a list.
pub fn a_journal_does_what_a_list_does<P: Place>(new: impl Fn() -> P) {
    let config = Config { cases: 24, source_file: Some(file!()), ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(step(), 1..20), |steps| {
        let place = new();
        let (mut journal, mut list) = (place.open(), Vec::new());
        for step in steps {
            journal = take(&place, journal, &mut list, step)?;
        }
        Ok(())
    });
    outcome.expect("the journal and the list agree");
}

#[derive(Clone, Debug)]
enum Step {
    Append { texts: Vec<usize>, behind: u64, ahead: u64 },
    Reopen,
    Read { after: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![8 => 0..200_usize, 2 => 3_000..9_000_usize, 1 => 0..300_000_usize];
    prop_oneof![
        6 => vec(text.clone(), 0..12).prop_map(|texts| Step::Append { texts, behind: 0, ahead: 0 }),
        1 => (vec(text, 1..3), 0..9_u64, 0..9_u64)
            .prop_map(|(texts, behind, ahead)| Step::Append { texts, behind, ahead }),
        1 => Just(Step::Reopen),
        3 => (0..500_u64).prop_map(|after| Step::Read { after }),
    ]
}

fn take<P: Place>(
    place: &P,
    mut journal: P::Journal,
    list: &mut Vec<Commit>,
    step: Step,
) -> Result<P::Journal, TestCaseError> {
    let end = list.last().map_or(Position::START, Commit::head);
    match step {
        Step::Append { texts, behind, ahead } => {
            let first = Position::new(end.get().saturating_sub(behind) + ahead);
            let group = texts_after(first, &texts);
            match journal.append(&group) {
                Ok(()) => {
                    prop_assert!(first == end || group.is_empty());
                    list.extend(group);
                }
                Err(AppendError::Conflict { expected, actual }) => {
                    prop_assert_ne!(first, end);
                    prop_assert_eq!((expected, actual), (first, end));
                }
                Err(error @ (AppendError::TooLarge { .. } | AppendError::Fault(_))) => {
                    return Err(TestCaseError::fail(error.to_string()));
                }
            }
        }
        Step::Reopen => {
            drop(journal);
            journal = place.open();
            prop_assert!(read(&journal, 0) == *list);
        }
        Step::Read { after } => prop_assert!(read(&journal, after) == past(list, after)),
    }
    Ok(journal)
}

fn append(journal: &mut impl Journal, commits: &[Commit]) {
    let outcome = journal.append(commits);
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn read(journal: &impl Journal, after: u64) -> Vec<Commit> {
    journal.reader().read(Position::new(after)).map(readable).collect()
}

fn readable<E: std::error::Error>(commit: Result<Commit, E>) -> Commit {
    commit.expect("the journal can be read")
}

fn past(log: &[Commit], after: u64) -> &[Commit] {
    &log[log.partition_point(|commit| commit.head().get() <= after)..]
}

/// So many commits, with one event to four each.
#[must_use]
pub fn log(commits: usize) -> Vec<Commit> {
    let mut end = Position::START;
    let mut log = Vec::new();
    for nth in 0..commits {
        let mut events = vec![Event::Ledger(lifecycle::Event::Opened { epoch: Epoch(nth as u16) })];
        events.resize_with(1 + nth % 4, || cancelled(&"so it goes ".repeat(nth)));
        let commit = commit(end, events);
        end = commit.head();
        log.push(commit);
    }
    log
}

fn texts_after(first: Position, texts: &[usize]) -> Vec<Commit> {
    (0..).zip(texts).map(|(nth, text)| sized(first.plus(nth), *text)).collect()
}

/// How many bytes a commit has that is encoded alone.
fn alone(commit: &Commit) -> usize {
    codec::encoded_len(slice::from_ref(commit))
}

/// A commit that is encoded in so many bytes, or as few as there can be. One less where the length
/// of its text begins to take a byte more.
fn sized(after: Position, encoded: usize) -> Commit {
    let text = format!("after {after}, ").repeat(encoded / 8 + 1);
    let with_text = |length: usize| commit(after, vec![cancelled(&text[..length])]);
    let length = encoded.saturating_sub(codec::encoded_len(&[with_text(0)]));
    let excess = codec::encoded_len(&[with_text(length)]).saturating_sub(encoded);
    with_text(length.saturating_sub(excess))
}

fn commit(after: Position, events: Vec<Event>) -> Commit {
    let cause = Cause {
        command: CommandId::from_uuid(Uuid::from_u128(after.get().into())),
        principal: Principal::System,
        idempotency: None,
    };
    Commit { after, recorded_at: Timestamp::from_millis(after.get() as i64), cause, events }
}

fn cancelled(reason: &str) -> Event {
    Event::Task { id: job(), what: task::Event::Cancelled { reason: reason.into() } }
}

fn submitted(name: &str, payload: &str) -> Event {
    let payload = RawValue::from_string(payload.to_owned()).expect("is JSON");
    let spec = task::Spec {
        name: name.into(),
        payload: task::Payload::new(payload),
        dedupe_key: None,
        terms: task::Terms::default(),
    };
    let submitted =
        task::Submitted { spec, digest: Digest::of(b""), deadline_at: None, ready_at: None };
    Event::Task { id: job(), what: task::Event::Submitted(Box::new(submitted)) }
}

fn job() -> TaskId {
    TaskId::new("job").expect("is a task id")
}
