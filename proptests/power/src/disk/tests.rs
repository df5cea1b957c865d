use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::*;

#[test]
fn what_is_not_synced_may_be_lost_and_what_is_synced_never_is() {
    let disk = disk(&[
        Record::Create { file: 1, path: "a".into() },
        write(0, b"durable"),
        Record::Sync { file: 1, path: "a".into() },
        Record::Sync { file: 9, path: String::new() },
        write(7, b" and not"),
        Record::Flush { file: 1 },
    ]);

    assert_eq!(left(&disk, Loss::Everything), files(&[("a", "durable")]));
    assert_eq!(left(&disk, Loss::Nothing), files(&[("a", "durable and not")]));
}

#[test]
fn posix_keeps_a_name_only_once_its_directory_is_synced() {
    let records = [
        Record::Create { file: 1, path: "new".into() },
        write(0, b"x"),
        Record::Sync { file: 1, path: "new".into() },
        Record::Rename { from: "new".into(), to: "name".into() },
    ];
    let mut disk = disk(&records);

    assert_eq!(left(&disk, Loss::Everything), files(&[]));
    let journalled = disk.cut(Loss::Everything, FileSystem::Journalled, &mut rng());
    assert_eq!(left_in(&journalled), files(&[("new", "x")]));

    disk.apply(&Record::Sync { file: 9, path: String::new() }).unwrap();
    assert_eq!(left(&disk, Loss::Everything), files(&[("name", "x")]));
}

#[test]
fn a_rename_that_is_durable_takes_along_how_its_name_came_about() {
    let disk = disk(&[
        Record::MakeDirectory { path: "to".into() },
        Record::Sync { file: 9, path: String::new() },
        Record::MakeDirectory { path: "from".into() },
        Record::Create { file: 1, path: "from/a".into() },
        Record::Rename { from: "from/a".into(), to: "to/b".into() },
        Record::Sync { file: 8, path: "to".into() },
    ]);

    assert_eq!(left(&disk, Loss::Everything), files(&[("to", "/"), ("to/b", "")]));
}

#[test]
fn a_renamed_directory_takes_along_what_is_in_it() {
    let disk = disk(&[
        Record::MakeDirectory { path: "d".into() },
        Record::Create { file: 1, path: "d/a".into() },
        Record::Rename { from: "d".into(), to: "e".into() },
        Record::Remove { path: "nothing".into() },
    ]);

    assert_eq!(left(&disk, Loss::Nothing), files(&[("e", "/"), ("e/a", "")]));
}

#[test]
fn a_kept_page_has_all_that_was_written_to_it_before() {
    let old = [b'o'; 4096];
    let new = [b'n'; 100];
    let disk = disk(&[
        Record::Create { file: 1, path: "a".into() },
        Record::Sync { file: 9, path: String::new() },
        Record::Write { file: 1, at: 0, bytes: &old, synced: false },
        Record::Write { file: 1, at: 0, bytes: &new, synced: false },
    ]);
    let mut rng = rng();

    let mut seen = [0; 3];
    for _ in 0..400 {
        let image = disk.cut(Loss::Pages, FileSystem::Posix, &mut rng);
        let Some(Some(bytes)) = image.0.get("a") else { panic!("it is durable") };
        match (bytes.first(), bytes.last()) {
            (None, None) | (Some(0), Some(0)) => seen[0] += 1,
            (Some(b'o'), Some(b'o')) => seen[1] += 1,
            (Some(b'n'), Some(b'o')) => seen[2] += 1,
            ends => panic!("{ends:?}"),
        }
    }
    assert!(seen.iter().all(|times| *times > 10), "{seen:?}");
}

#[test]
fn a_torn_write_ends_at_a_sector() {
    let written = [b'x'; 3000];
    let disk = disk(&[
        Record::Create { file: 1, path: "a".into() },
        Record::Sync { file: 9, path: String::new() },
        Record::Write { file: 1, at: 100, bytes: &written, synced: false },
    ]);
    let mut rng = rng();

    for _ in 0..100 {
        let image = disk.cut(Loss::Tail, FileSystem::Posix, &mut rng);
        let Some(Some(bytes)) = image.0.get("a") else { panic!("it is durable") };
        assert!(bytes.len() % SECTOR == 0 || bytes.len() == 3100, "{}", bytes.len());
    }
}

#[test]
fn a_file_that_nobody_created_is_missed() {
    let mut disk = Disk::default();
    let error = disk.apply(&write(0, b"x")).unwrap_err();
    assert!(error.to_string().contains("inode 1 was changed"), "{error}");
}

const SECTOR: usize = 512;

fn write(at: u64, bytes: &[u8]) -> Record<&[u8]> {
    Record::Write { file: 1, at, bytes, synced: false }
}

fn disk<'a>(records: &[Record<&'a [u8]>]) -> Disk<'a> {
    let mut disk = Disk::default();
    for record in records {
        disk.apply(record).unwrap();
    }
    disk
}

fn left(disk: &Disk<'_>, loss: Loss) -> Vec<(String, String)> {
    left_in(&disk.cut(loss, FileSystem::Posix, &mut rng()))
}

fn left_in(image: &Image) -> Vec<(String, String)> {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        None => "/".to_owned(),
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    image.0.iter().map(|(path, bytes)| (path.clone(), text(bytes))).collect()
}

fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}
