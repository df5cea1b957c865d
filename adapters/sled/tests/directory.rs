//! Which directories a journal is made in, and which it leaves alone.
#[path = "support/commits.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use edge_ledger_core::{Journal, Position};
use edge_ledger_journal::JournalError;
use edge_ledger_sled::{SEGMENT, SledStore};
use support::{commit, read};

#[test]
fn a_journal_is_private_and_holds_only_known_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/journal");

    let mut journal = edge_ledger_sled::open(&path).unwrap();
    journal.append(&[commit(Position::START, 100_000)]).unwrap();
    assert_eq!(private_files(&path), ["READY", "blobs", "conf", "db"]);
    drop(journal);
    drop(edge_ledger_sled::open(&path).unwrap());

    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names = private_files(&path);
    assert_eq!(names[..4], ["READY", "blobs", "conf", "db"]);
    assert!(names[4].starts_with("snap.") && names.len() == 5, "{names:?}");
    assert_eq!(fs::read_dir(path.join("blobs")).unwrap().count(), 0);
}

#[test]
fn an_empty_directory_open_to_others_is_made_private() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();

    drop(edge_ledger_sled::open(dir.path()).unwrap());

    assert_eq!(private_files(dir.path()).len(), 4);
}

/// Nobody may lose much of a journal that was never closed without its being noticed.
#[test]
fn the_marker_follows_a_journal_that_grows() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    let marker = || fs::read_to_string(dir.path().join("READY")).unwrap();
    let begun = marker();

    thread::sleep(Duration::from_millis(300));
    for after in 0..255 {
        journal.append(&[commit(Position::new(after), 10)]).unwrap();
    }
    assert_eq!(marker(), begun);
    journal.append(&[commit(Position::new(255), 10)]).unwrap();

    let link = journal.link();
    assert!(marker().contains(&format!("position 256, hash {}", link.hash)), "{}", marker());
}

/// sled lets go of its file a moment after it is dropped.
#[test]
fn a_file_about_to_be_let_go_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    drop(edge_ledger_sled::open(dir.path()).unwrap());
    let held = fs::File::open(dir.path().join("db")).unwrap();
    while held.try_lock().is_err() {
        thread::yield_now();
    }

    let waits = thread::spawn({
        let path = dir.path().to_path_buf();
        move || edge_ledger_sled::open(path).map(drop)
    });
    thread::sleep(Duration::from_millis(300));
    assert!(!waits.is_finished());
    drop(held);

    waits.join().unwrap().unwrap();
}

#[test]
fn a_creation_cut_short_is_done_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(edge_ledger_sled::open(dir.path()).unwrap());
    fs::rename(dir.path().join("READY"), dir.path().join("READY.new")).unwrap();
    fs::write(dir.path().join("db"), "half of it").unwrap();
    fs::write(dir.path().join("conf"), "").unwrap();
    fs::write(dir.path().join("snap.0"), "").unwrap();

    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();

    assert_eq!(read(&journal, 0), []);
    journal.append(&[commit(Position::START, 10)]).unwrap();
    drop(journal);
    assert_eq!(read(&edge_ledger_sled::open(dir.path()).unwrap(), 0).len(), 1);
}

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let foreign = |make: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        let before = files(dir.path());

        let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

        assert!(matches!(refusal, JournalError::NotOurs { .. }), "{refusal}");
        assert_eq!(before, files(dir.path()));
        refusal.to_string()
    };

    let refusal = foreign(&|dir| fs::write(dir.join("thesis.txt"), "ten years").unwrap());
    assert!(refusal.contains("holds \"thesis.txt\" but no journal"), "{refusal}");
    foreign(&|dir| drop(sled::open(dir).unwrap().insert("another's", "data")));
    foreign(&|dir| {
        fs::write(dir.join("READY.new"), "").unwrap();
        fs::write(dir.join("thesis.txt"), "ten years").unwrap();
    });
}

#[test]
fn a_journal_without_its_files_is_not_made_anew() {
    for name in ["db", "conf"] {
        let dir = tempfile::tempdir().unwrap();
        drop(edge_ledger_sled::open(dir.path()).unwrap());
        fs::remove_file(dir.path().join(name)).unwrap();

        let refusal = edge_ledger_sled::open(dir.path()).unwrap_err();

        assert!(refusal.to_string().contains(&format!("/{name} is missing")), "{refusal}");
        assert!(!dir.path().join(name).exists());
    }
}

#[test]
fn another_layout_is_refused_with_both_names() {
    let dir = tempfile::tempdir().unwrap();
    drop(edge_ledger_sled::open(dir.path()).unwrap());
    let earlier = "edge-ledger journal, layout 1, reached position 0\n";
    fs::write(dir.path().join("READY"), earlier).unwrap();

    let refusal = edge_ledger_sled::open(dir.path()).unwrap_err().to_string();

    assert!(refusal.contains("layout 1"), "{refusal}");
    assert!(refusal.contains("layout 2"), "{refusal}");
    assert!(SledStore::is_at(dir.path()));
}

/// sled takes the leftover for its newest snapshot, and stops.
#[test]
fn a_snapshot_cut_short_does_not_keep_a_journal_from_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = edge_ledger_sled::open(dir.path()).unwrap();
    journal.append(&[commit(Position::START, 10)]).unwrap();
    drop(journal);
    fs::write(dir.path().join("snap.FFFFFFFFFFFFFFFF.generating"), "half").unwrap();

    let journal = edge_ledger_sled::open(dir.path()).unwrap();

    assert_eq!(read(&journal, 0).len(), 1);
}

#[test]
fn a_path_that_cannot_be_a_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();

    let refusal = edge_ledger_sled::open(file.join("journal")).unwrap_err();

    assert!(refusal.to_string().contains(file.to_str().unwrap()), "{refusal}");
}

#[test]
fn the_segment_size_of_a_journal_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    drop(edge_ledger_sled::open(dir.path()).unwrap());

    let conf = fs::read(dir.path().join("conf")).unwrap();

    let expected = format!("segment_size: {SEGMENT}");
    assert!(String::from_utf8_lossy(&conf).contains(&expected));
}

/// The names in a journal's directory, all of them private.
fn private_files(dir: &Path) -> Vec<String> {
    assert_eq!(mode(dir), 0o700);
    let files = files(dir).into_keys().map(|path| {
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        path.file_name().expect("has a name").to_string_lossy().into_owned()
    });
    files.collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("lists").path());
    entries.map(|path| (path.clone(), fs::read(&path).ok())).collect()
}
