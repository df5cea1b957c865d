//! Several processes: one holds the directory, one dies in the middle of an append, one is watched.
//!
//! A test that needs another process runs this very program again, with a role in its environment.
#[path = "support/strace.rs"]
mod strace;
#[path = "support/commits.rs"]
mod support;

use std::{
    env,
    io::{BufRead, BufReader, Write, stderr, stdout},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use edge_ledger_core::{Journal, JournalReader, Position};
use edge_ledger_sled::SledJournal;
use support::{chain, commit, commits, read};

const ROLE: &str = "EDGE_LEDGER_TEST_ROLE";
const DIRECTORY: &str = "EDGE_LEDGER_TEST_DIRECTORY";

#[test]
fn a_second_process_is_refused_with_the_directory_named() {
    let dir = tempfile::tempdir().unwrap();
    let journal = edge_ledger_sled::open(dir.path()).unwrap();

    let refusal = said(player("open", dir.path()));
    drop(journal);
    let welcome = said(player("open", dir.path()));

    let expected = format!("the journal in {} is in use by another process", dir.path().display());
    assert!(refusal.contains(&expected), "{refusal}");
    assert!(welcome.contains("opened"), "{welcome}");
}

#[test]
fn a_killed_process_lets_go_of_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = player("append", dir.path()).spawn().unwrap();
    let mut acknowledged = acknowledgements(&mut holder);
    let first = acknowledged.next().unwrap();

    assert!(edge_ledger_sled::open(dir.path()).is_err());
    holder.kill().unwrap();
    holder.wait().unwrap();

    assert!(read(&edge_ledger_sled::open(dir.path()).unwrap(), 0).len() as u64 >= first);
}

/// `EDGE_LEDGER_KILLS` says how many processes die, 10 unless told otherwise.
#[test]
fn what_was_acknowledged_survives_the_death_of_the_process() {
    let kills = env::var("EDGE_LEDGER_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let mut dir = tempfile::tempdir().unwrap();

    for kill in 0..kills {
        if kill % 10 == 9 {
            dir = tempfile::tempdir().unwrap(); // a long journal takes long to look through
        }
        let mut writer = player("append", dir.path()).spawn().unwrap();
        let mut acknowledged = acknowledgements(&mut writer);
        let first = acknowledged.next().unwrap();
        thread::sleep(Duration::from_millis(kill * 37 % 300));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let last = acknowledged.last().unwrap_or(first);

        let journal = edge_ledger_sled::open(dir.path()).unwrap();
        let mut end = Position::START;
        for found in journal.reader().read(Position::START).map(Result::unwrap) {
            assert_eq!(found, commit(end, text(end)), "kill {kill}");
            end = found.head();
        }
        assert!(last <= end.get(), "kill {kill}: {last} was acknowledged, {end} was found");
        assert_eq!(end.get() % GROUP, 0, "kill {kill}: an append is whole");
    }
}

/// The order is write, sync, answer. Where there is no strace to see it with, it says so.
#[test]
fn every_answer_comes_after_a_sync_of_all_that_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let answers = match strace::trace(player("append a little", &journal), dir.path()) {
        Ok(trace) => strace::answers(&trace, &journal.canonicalize().unwrap().join("db"), "ack "),
        Err(reason) => {
            let note = format!("the order of write, sync and answer was not looked at: {reason}\n");
            return stderr().write_all(note.as_bytes()).unwrap();
        }
    };

    assert_eq!(answers.len(), 20);
    for answer in &answers {
        assert!(answer.written > 0, "nothing was written before line {}", answer.line);
        assert_eq!(answer.unsynced, 0, "writes without a sync before line {}", answer.line);
    }
}

/// What the other process does. Does nothing when this program is run as a test.
#[test]
fn play() {
    let Ok(role) = env::var(ROLE) else { return };
    let dir = env::var(DIRECTORY).expect("a role comes with a directory");
    match (role.as_str(), edge_ledger_sled::open(dir)) {
        ("open", Ok(_)) => say("opened"),
        ("append", Ok(journal)) => append(journal, u64::MAX),
        ("append a little", Ok(journal)) => append(journal, 20),
        (_, Ok(_)) => say("no such role"),
        (_, Err(error)) => say(&chain(&error)),
    }
}

/// How many commits an append has.
const GROUP: u64 = 3;

fn append(mut journal: SledJournal, times: u64) {
    let mut head = journal
        .reader()
        .read(Position::START)
        .last()
        .map_or(Position::START, |last| last.expect("the journal can be read").head());
    for _ in 0..times {
        let texts = (0..GROUP).map(|nth| text(head.plus(nth)));
        journal.append(&commits(head, texts)).expect("appends");
        head = head.plus(GROUP);
        say(&format!("ack {head}"));
    }
}

/// Mostly small, now and then as large as requests get.
fn text(after: Position) -> usize {
    match after.get() % 101 {
        100 => 1_500_000,
        other => other as usize * 90,
    }
}

fn say(line: &str) {
    stdout().write_all(format!("{line}\n").as_bytes()).expect("somebody listens");
}

fn player(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("has a path"));
    command.args(["play", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(DIRECTORY, dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn said(mut player: Command) -> String {
    let output = player.output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn acknowledgements(player: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let stdout: ChildStdout = player.stdout.take().expect("is piped");
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("ack ").and_then(|head| head.parse().ok()))
}
