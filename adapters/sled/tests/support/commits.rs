//! Commits that say where they stand, so that a reader can tell whether each is the right one.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{error::Error, iter, path::Path, thread, time::Duration};

use edge_ledger_core::{
    Cause, CommandId, Commit, Event, Journal, JournalReader, Position, Principal, TaskId,
    Timestamp, codec, task,
};
use edge_ledger_sled::{SEGMENT, SledJournal};
use uuid::Uuid;

/// The commit after a position, with a text of some bytes in it.
pub(crate) fn commit(after: Position, text: usize) -> Commit {
    let mut state = after.get().wrapping_mul(2).wrapping_add(1);
    // Nothing that could be compressed much.
    let letters = iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state >> 33) as u8 % 94)
    });
    let reason: String = letters.take(text).collect();
    let cause = Cause {
        command: CommandId::from_uuid(Uuid::from_u128(after.get().into())),
        principal: Principal::System,
        idempotency: None,
    };
    let id = TaskId::new("job").expect("is a task id");
    let event = Event::Task { id, what: task::Event::Cancelled { reason: reason.into() } };
    Commit { after, recorded_at: Timestamp::EPOCH, cause, events: vec![event] }
}

/// The commit after a position that takes so many bytes when it is encoded alone. One less where
/// the length of its text begins to take a byte more.
pub(crate) fn commit_of(after: Position, encoded: usize) -> Commit {
    let empty = codec::encoded_len(&[commit(after, 0)]);
    let text = encoded.checked_sub(empty).expect("has room for a commit");
    let excess = codec::encoded_len(&[commit(after, text)]) - encoded;
    commit(after, text - excess)
}

/// Commits one after the other, with texts of these sizes.
pub(crate) fn commits(after: Position, texts: impl IntoIterator<Item = usize>) -> Vec<Commit> {
    let commits = texts.into_iter().scan(after, |after, text| {
        let commit = commit(*after, text);
        *after = commit.head();
        Some(commit)
    });
    commits.collect()
}

/// Everything past a position.
pub(crate) fn read(journal: &SledJournal, after: u64) -> Vec<Commit> {
    let commits = journal.reader().read(Position::new(after)).collect::<Result<_, _>>();
    commits.expect("the journal can be read")
}

/// What ends the reading of a journal, after how many commits.
pub(crate) fn broken(journal: &SledJournal, after: u64) -> (usize, String) {
    let reader = journal.reader();
    let mut read = reader.read(Position::new(after));
    let good = read.by_ref().take_while(Result::is_ok).count();
    assert!(read.next().is_none(), "nothing is read after an error");
    drop(read);
    let error = reader.read(Position::new(after)).find_map(Result::err);
    (good, chain(&error.expect("the reading ends with an error")))
}

/// sled itself, on the directory of a journal that is closed or about to be.
pub(crate) fn raw(dir: &Path) -> sled::Db {
    let config = sled::Config::new().path(dir).segment_size(SEGMENT).flush_every_ms(None);
    for _ in 0..200 {
        match config.open() {
            Ok(db) => return db,
            Err(_) => thread::sleep(Duration::from_millis(10)), // just being closed
        }
    }
    panic!("{} stays in use", dir.display())
}

/// An error and all that is behind it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
