//! An export is the log it was made of, to the byte and whatever keeps it; or it is refused with
//! the line that cannot be relied on.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::slice;

use edge_ledger_core::{
    Commit, Digest, Event, Journal, Position, TaskId, Timestamp,
    codec::{self, DecodeError},
    task::{self, Payload, Spec, Terms},
};
use edge_ledger_engine::replay;
use edge_ledger_journal::{
    Block, BlockJournal, EXPORT, ExportError, ExportHeader, ExportReader, ExportWriter, Exported,
    Gap, Link, SegmentStore, Store,
};
use edge_ledger_sled::SledStore;
use edge_ledger_testkit::{
    action::{Step, step},
    book::Book,
    history::{History, Timers},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::value::RawValue;
use tempfile::TempDir;

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]

    #[test]
    fn what_is_imported_is_what_was_exported_in_either_store(
        steps in vec(step(), 20..200),
        together in 1_usize..9,
        breaks in any::<bool>(),
    ) {
        let log = with_payloads(log_of(&steps), breaks);
        let (_sled, sled) = filled(SledStore::open, together, &log);
        let (_files, files) = filled(SegmentStore::open, together, &log);

        let (first, second) = (export(&sled), export(&files));
        let (_there, there) = imported(SegmentStore::open, &first);
        let (_back, back) = imported(SledStore::open, &export(&there));

        prop_assert_eq!(&first, &second, "whatever keeps it");
        prop_assert_eq!(&first, &export(&there));
        prop_assert_eq!(&first, &export(&back));
        prop_assert_eq!((there.link(), back.link()), (sled.link(), sled.link()));
        let digest = replay(&sled.reader()).unwrap().digest();
        prop_assert_eq!(replay(&there.reader()).unwrap().digest(), digest);
        prop_assert_eq!(replay(&back.reader()).unwrap().digest(), digest);
    }
}

#[test]
fn an_export_with_any_byte_changed_is_refused() {
    let (_place, journal) = some_journal(8);
    let bytes = export(&journal);
    assert!(read(&bytes).is_ok());

    for at in 0..bytes.len() {
        for changed in [bytes[at] ^ (1 << (at % 8)), b' '] {
            if changed == bytes[at] {
                continue;
            }
            let mut altered = bytes.clone();
            altered[at] = changed;
            let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            match read(&altered) {
                Err(ExportError::Unsound { line: found, .. }) => {
                    assert!(found >= line, "byte {at} of line {line} is found on {found}");
                }
                Err(ExportError::NoExport(_) | ExportError::TooNew { .. }) => {
                    assert_eq!(line, 1, "byte {at}");
                }
                Err(error @ ExportError::Io(_)) => panic!("byte {at}: {error}"),
                Ok(_) => panic!("byte {at} of {} may be {changed:#x}", bytes.len()),
            }
        }
    }
}

#[test]
fn an_export_cut_short_is_refused() {
    let (_place, journal) = some_journal(8);
    let bytes = export(&journal);

    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn lines_that_are_missing_doubled_or_out_of_order_are_named() {
    let (_place, journal) = some_journal(60);
    let text = String::from_utf8(export(&journal)).unwrap();
    let lines: Vec<_> = text.lines().collect();

    for at in 1..lines.len() - 1 {
        let mut missing = lines.clone();
        missing.remove(at);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        for (changed, first) in [(missing, at + 1), (doubled, at + 2), (swapped, at + 1)] {
            let refusal = read(&together(&changed)).unwrap_err();
            let ExportError::Unsound { line, .. } = refusal else { panic!("{refusal}") };
            assert_eq!(line, first as u64, "{refusal:?}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_field_and_both_sides() {
    let (_place, journal) = some_journal(60);
    let text = String::from_utf8(export(&journal)).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at - 1] = line;
        told(&together(&lines))
    };
    let newer = lines[0].replace("\"format\":2", "\"format\":3");
    let later = lines[0].replace("\"export\":1", "\"export\":2");
    let earlier = lines[0].replace("\"format\":2", "\"format\":1");
    let none = lines[0].replace("\"export\":1", "\"export\":0");
    let unknown = lines[1].replacen("{\"commit\":{", "{\"commit\":{\"more\":1,", 1);
    let spaced = lines[1].replacen("\":", "\": ", 1);
    let number = lines[1].replacen("\"after\":0", "\"after\":7", 1);
    let hash = format!("{{\"end\":{{\"position\":0,\"hash\":\"{}\"}}}}", "0".repeat(64));

    for (told, expected) in [
        (with(1, &newer), "line 1 has format 3, the newest this build knows is 2"),
        (with(1, &later), "line 1 has export 2, the newest this build knows is 1"),
        (with(1, &earlier), "field format is 1, exports begin with format 2"),
        (with(1, &none), "line 1 is not the first line of an export"),
        (with(1, "{}"), "line 1 is not the first line of an export"),
        (with(2, "{\"commits\":[]}"), "line 2 cannot be relied on: it begins \"{\\\"commits"),
        (with(2, &unknown), "byte 13 is `m`, where this build writes `a`"),
        (with(2, &spaced), "byte 11 is 0x20, where this build writes `{`"),
        (with(2, &number), "field after is 7, expected 0: a line is missing, doubled"),
        (with(lines.len(), &hash), "the log ends at"),
        (told(&[text.as_bytes(), b"\n"].concat()), "there is something behind the last line"),
    ] {
        assert!(told.contains(expected), "{told}\nlacks {expected}");
    }
}

/// A block that cannot be made of its lines brings its bytes, so the chain is the same.
#[test]
fn blocks_of_an_earlier_format_and_payloads_of_many_lines_keep_the_chain() {
    let commit = submitted(0, "{\n  \"a\": 1,\r\n  \"b\": [ ]\n}");
    let block = Block::of(slice::from_ref(&commit)).unwrap();
    let mut writer = ExportWriter::begin(Vec::new(), &ExportHeader::new(Link::START)).unwrap();
    writer.block(&block, slice::from_ref(&commit)).unwrap();
    let (bytes, end) = writer.finish().unwrap();

    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);
    let [Exported { linked, commits, line: 2 }] = &read(&bytes).unwrap()[..] else {
        panic!("one block on line 2")
    };
    assert_eq!((&linked.block, linked.link, &commits[..]), (&block, end, &[commit][..]));

    let text = String::from_utf8(bytes).unwrap();
    let changed = text.replace("\"a\": 1", "\"a\": 2");
    let said = told(changed.as_bytes());
    assert!(said.contains("field block says otherwise than the commit after position 0"), "{said}");
}

#[test]
fn a_gap_keeps_every_position_and_says_nothing() {
    let commit = submitted(3_000, "1");
    let block = Block::of(slice::from_ref(&commit)).unwrap();
    let gap = Gap {
        after: Position::START,
        head: Position::new(3_000),
        recorded_at: Timestamp::from_millis(900),
    };
    let mut writer = ExportWriter::begin(Vec::new(), &ExportHeader::new(Link::START)).unwrap();
    writer.gap(gap).unwrap();
    writer.block(&block, slice::from_ref(&commit)).unwrap();
    let (bytes, end) = writer.finish().unwrap();

    let (_place, journal) = imported(SledStore::open, &bytes);

    assert_eq!(journal.link(), end);
    let ledger = replay(&journal.reader()).unwrap();
    let id = TaskId::new("job").unwrap();
    assert_eq!(ledger.task(&id).unwrap().submitted_position(), Position::new(3_001));
    assert_eq!(ledger.recorded_at(), Timestamp::from_millis(1_000));
    let moved = String::from_utf8(bytes).unwrap().replace("\"head\":3000", "\"head\":3001");
    assert!(told(moved.as_bytes()).contains("line 2 cannot be relied on: field hash"), "{moved}");
}

#[test]
fn a_format_that_there_is_not_is_refused_as_json_too() {
    let json = serde_json::to_vec(&submitted(0, "1")).unwrap();
    for format in [1, codec::FORMAT] {
        assert_eq!(codec::decode_json(format, &json).unwrap(), submitted(0, "1"));
    }
    assert!(matches!(codec::decode_json(0, &json), Err(DecodeError::Unknown(0))));
    assert!(matches!(codec::decode_json(3, &json), Err(DecodeError::TooNew(3))));
    assert!(matches!(codec::decode_json(2, b"{}"), Err(DecodeError::Malformed { format: 2, .. })));
    assert_eq!(EXPORT, 1);
}

fn read(bytes: &[u8]) -> Result<Vec<Exported>, ExportError> {
    ExportReader::new(bytes)?.collect()
}

fn told(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(error) => edge_ledger_journal::in_one_line(&error),
        Ok(_) => "nothing is wrong".to_owned(),
    }
}

fn together(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

fn export<S: Store>(journal: &BlockJournal<S>) -> Vec<u8> {
    let mut header = ExportHeader::new(Link::START);
    header.end = Some(journal.link());
    let mut writer = ExportWriter::begin(Vec::new(), &header).unwrap();
    for linked in journal.reader().blocks(Position::START) {
        let block = linked.unwrap().block;
        writer.block(&block, &block.decode().unwrap()).unwrap();
    }
    let (bytes, end) = writer.finish().unwrap();
    assert_eq!(end, journal.link());
    bytes
}

fn imported<S: Store, E: std::fmt::Debug>(
    open: impl Fn(std::path::PathBuf) -> Result<S, E>,
    bytes: &[u8],
) -> (TempDir, BlockJournal<S>) {
    let (place, mut journal) = filled(open, 1, &[]);
    for exported in read(bytes).unwrap() {
        journal.append_blocks(&[exported.linked.block]).unwrap();
    }
    (place, journal)
}

fn filled<S: Store, E: std::fmt::Debug>(
    open: impl Fn(std::path::PathBuf) -> Result<S, E>,
    together: usize,
    log: &[Commit],
) -> (TempDir, BlockJournal<S>) {
    let place = tempfile::tempdir().unwrap();
    let mut journal = BlockJournal::open(open(place.path().join("journal")).unwrap()).unwrap();
    log.chunks(together).for_each(|commits| journal.append(commits).unwrap());
    (place, journal)
}

fn some_journal(commits: usize) -> (TempDir, BlockJournal<SledStore>) {
    let steps = vec(step(), commits * 4).new_tree(&mut TestRunner::deterministic());
    let log = log_of(&steps.unwrap().current());
    assert!(log.len() >= commits, "{} commits", log.len());
    filled(SledStore::open, 3, &log[..commits])
}

fn log_of(steps: &[Step]) -> Vec<Commit> {
    let mut history = History::begin(Timers::Late).expect("a beginning");
    for step in steps {
        history.take_step(step).expect("a step");
    }
    history.log().to_vec()
}

/// Puts a payload with every kind of text at the end of a log.
fn with_payloads(mut log: Vec<Commit>, breaks: bool) -> Vec<Commit> {
    let space = if breaks { "\r\n\t" } else { " " };
    let json = format!(r#"{{"é\u0000\ud83d\ude00":{space}[1e400,-0.0,1.50,"\n"],"a":1,"a":2}}"#);
    let (head, last) = (log.last().map(Commit::head), log.last().map(|last| last.recorded_at));
    let mut commit = submitted(head.unwrap_or(Position::START).get(), &json);
    commit.recorded_at = last.unwrap_or(Timestamp::EPOCH);
    log.push(commit);
    log
}

fn submitted(after: u64, json: &str) -> Commit {
    let payload = Payload::new(RawValue::from_string(json.to_owned()).expect("JSON"));
    let spec = Spec { name: "a\nname".into(), payload, dedupe_key: None, terms: Terms::default() };
    let (digest, deadline_at, ready_at) = (Digest::of(&[]), None, None);
    let submitted = task::Submitted { spec, digest, deadline_at, ready_at };
    let what = task::Event::Submitted(Box::new(submitted));
    Commit {
        after: Position::new(after),
        recorded_at: Timestamp::from_millis(1_000),
        cause: Book::default().own_cause(),
        events: vec![Event::Task { id: TaskId::new("job").expect("an id"), what }],
    }
}
