//! What was altered, removed or reordered with checksums that are right is found by the chain.
#[path = "support/frames.rs"]
mod support;

use edge_ledger_core::{Commit, Journal, JournalReader, Position};
use edge_ledger_journal::{
    Block, BlockJournal, Frame, JournalError, Link, Packing, SegmentStore, Store, in_one_line,
};
use support::{commit, following};
use tempfile::TempDir;

/// How many events the middle of three stretches that are read ahead begins behind.
const FAR: u64 = 9_000;

#[test]
fn an_altered_frame_with_a_right_checksum_is_found_by_the_next() {
    let mut frames = frames(6);
    frames[2] = pack(frames[2].before(), &[commit(frames[2].before().position, 1, "forged")]);

    let found = broken(&frames);

    let told =
        "the journal cannot be read on after position 3: the frame follows a block with hash";
    assert!(found.starts_with(told), "{found}");
}

#[test]
fn an_altered_last_frame_is_another_end_of_the_chain() {
    let honest = frames(6);
    let mut forged = honest.clone();
    forged[5] = pack(honest[5].before(), &[commit(honest[5].before().position, 1, "forged")]);

    let [honest, forged] = [honest, forged].map(|frames| stored(&frames).0.link());

    assert_eq!(honest.position, forged.position);
    assert_ne!(honest.hash, forged.hash);
}

#[test]
fn a_removed_frame_is_found_wherever_it_was() {
    for removed in 1..5 {
        let mut frames = frames(6);
        frames.remove(removed);

        let found = broken(&frames);

        let next = removed + 1;
        let told =
            format!("position {removed}: a frame is missing, the next one stands after {next}");
        assert!(found.ends_with(&told), "{found}");
    }
}

#[test]
fn swapped_frames_are_found() {
    let mut frames = frames(6);
    frames.swap(2, 3);

    let found = broken(&frames);

    assert!(found.ends_with("after position 2: a frame is missing, the next one stands after 3"));
}

#[test]
fn commits_that_changed_places_are_found() {
    let mut frames = frames(6);
    let [second, third] = [2, 3].map(|nth| {
        let position = frames[5 - nth].before().position;
        let moved = &frames[nth].commits().unwrap().0[0];
        let events = moved.events.clone();
        pack(frames[5 - nth].before(), &[Commit { after: position, events, ..moved.clone() }])
    });
    (frames[3], frames[2]) = (second, third);

    let found = broken(&frames);

    assert!(found.contains("after position 3: the frame follows a block with hash"), "{found}");
}

#[test]
fn a_repeated_frame_is_found() {
    let mut frames = frames(6);
    frames.insert(3, frames[2].clone());

    let found = broken(&frames);

    assert!(found.contains("after position 3: "), "{found}");
}

#[test]
fn a_frame_without_the_one_before_it_is_trusted_as_the_first() {
    let (journal, _dir) = stored(&frames(6));

    let read: Vec<_> = journal.reader().read(Position::new(4)).map(Result::unwrap).collect();

    assert_eq!(read.iter().map(|commit| commit.after.get()).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn reading_ahead_gives_what_reading_gives_from_any_position() {
    let (journal, _dir) = stored(&long(3 * FAR));
    let reader = journal.reader();

    for after in [0, 1, 8_191, 8_192, 8_193, FAR, 3 * FAR - 1, 3 * FAR, 3 * FAR + 1] {
        let after = Position::new(after);
        let read = reader.read(after).map(Result::unwrap);
        let ahead = reader.read_ahead(after).map(Result::unwrap);
        assert!(read.eq(ahead), "after {after}");
    }
}

#[test]
fn reading_ahead_ends_at_the_same_error_behind_the_same_commits() {
    let mut frames = long(3 * FAR);
    let cut = frames.iter().position(|frame| frame.head().get() > 2 * FAR).unwrap();
    frames.remove(cut);
    let (journal, _dir) = stored(&frames);
    let reader = journal.reader();

    let read: Vec<_> = reader.read(Position::START).collect();
    let ahead: Vec<_> = reader.read_ahead(Position::START).collect();

    assert_eq!(read.len(), ahead.len());
    assert!(read.iter().flatten().eq(ahead.iter().flatten()));
    let errors = [read, ahead].map(|log| in_one_line(log.last().unwrap().as_ref().unwrap_err()));
    assert_eq!(errors[0], errors[1]);
}

#[test]
fn reading_ahead_that_is_given_up_lets_go_of_the_journal() {
    let (journal, dir) = stored(&long(3 * FAR));

    let reader = journal.reader();
    let some: Vec<_> = reader.read_ahead(Position::START).take(10).collect();
    drop((journal, reader));

    assert_eq!(some.len(), 10);
    SegmentStore::open(dir.path()).unwrap();
}

/// So many frames of one commit with one event each.
fn frames(count: usize) -> Vec<Frame> {
    let mut link = Link::START;
    let frames = (0..count).map(|_| {
        let (frame, after) = following(link, 1, 50);
        link = after;
        frame
    });
    frames.collect()
}

/// Frames of many commits, up to a position.
fn long(end: u64) -> Vec<Frame> {
    let mut link = Link::START;
    let mut frames = Vec::new();
    while link.position.get() < end {
        let group = (end - link.position.get()).min(37);
        let commits: Vec<_> =
            (0..group).map(|nth| commit(link.position.plus(nth), 1, "so it goes")).collect();
        frames.push(pack(link, &commits));
        link = Block::of(&commits).expect("there are commits").link(link);
    }
    frames
}

fn pack(before: Link, commits: &[Commit]) -> Frame {
    Frame::pack(before, &[Block::of(commits).expect("there are commits")], Packing::Plain)
}

/// A journal of exactly these frames, in one append: what is inside one the store does not look at.
fn stored(frames: &[Frame]) -> (BlockJournal<SegmentStore>, TempDir) {
    let dir = tempfile::tempdir().expect("makes a directory");
    let mut store = SegmentStore::open(dir.path()).expect("opens");
    let (last, others) = frames.split_last().expect("there are frames");
    let mut append: Vec<_> = others.iter().cloned().map(Frame::going_on).collect();
    append.push(last.clone());
    store.append(&append, last.link().expect("unpacks")).expect("appends");
    (BlockJournal::open(store).expect("reads"), dir)
}

/// What ends the reading of these frames, ahead or not.
fn broken(frames: &[Frame]) -> String {
    let (journal, _dir) = stored(frames);
    let reader = journal.reader();
    let told = |error: Option<JournalError>| in_one_line(&error.expect("an error"));
    let read = told(reader.read(Position::START).find_map(Result::err));
    let ahead = told(reader.read_ahead(Position::START).find_map(Result::err));
    let blocks = told(reader.blocks(Position::START).find_map(Result::err));
    assert_eq!((&read, &read), (&ahead, &blocks));
    read
}
