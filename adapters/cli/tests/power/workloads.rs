//! What commands make, and what they promise by ending well.
use std::{fs, path::Path, process::Command};

use edge_ledger_core::Digest;
use edge_ledger_journal::{BackupPart, BackupReader, Link};
use edge_ledger_power::{
    say,
    workloads::{Broken, Workload},
};

use crate::made::{Made, Source, Store, stuck};

pub(crate) const WORKLOADS: [Workload; 5] = [
    Workload { name: "backup", share: 2, run: back_up, check: check_backups },
    Workload { name: "restore/sled", share: 3, run: restore_to_sled, check: check_sled_restored },
    Workload {
        name: "restore/segments",
        share: 3,
        run: restore_to_segments,
        check: check_segments_restored,
    },
    Workload { name: "convert/sled", share: 3, run: convert_to_sled, check: check_sled_copy },
    Workload {
        name: "convert/segments",
        share: 3,
        run: convert_to_segments,
        check: check_segments_copy,
    },
];

/// Below the directory, in which nothing is at first.
const PLACE: &str = "srv/ledger/data";
const BACKUPS: [&str; 2] = ["monday.backup", "tuesday.backup"];

fn back_up(at: &Path) -> Result<(), Broken> {
    let source = Source::new(Store::Segments)?;
    for name in BACKUPS {
        if !at.join(name).exists() {
            source.back_up(&at.join(name))?;
            told(name)?;
        }
    }
    Ok(())
}

fn check_backups(at: &Path, said: &[String]) -> Result<(), Broken> {
    let source = Source::new(Store::Segments)?;
    for name in BACKUPS {
        let file = at.join(name);
        match file.exists() {
            true => is_whole_backup(&file, source.head)
                .map_err(|why| Broken::Half { what: "a backup", why })?,
            false if was_told(said, name) => return Err(Broken::Missing("a backup")),
            false => {
                // A half of it that the cut left is not in the way.
                source.back_up(&file)?;
                is_whole_backup(&file, source.head).map_err(Broken::Stuck)?;
            }
        }
    }
    Ok(())
}

fn is_whole_backup(file: &Path, head: Link) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let mut parts = BackupReader::new(&bytes[..]).map_err(|error| error.to_string())?;
    for part in parts.by_ref() {
        let part = part.map_err(|error| format!("{error:?}"))?;
        assert!(matches!(part, BackupPart::Blocks(_)), "the log has its beginning, and no key");
    }
    if parts.at() == head { Ok(()) } else { Err(format!("it ends at {}", parts.at())) }
}

fn restore_to_sled(at: &Path) -> Result<(), Broken> {
    restore(at, Store::Sled)
}

fn restore_to_segments(at: &Path) -> Result<(), Broken> {
    restore(at, Store::Segments)
}

fn check_sled_restored(at: &Path, said: &[String]) -> Result<(), Broken> {
    check_restored(at, Store::Sled, said)
}

fn check_segments_restored(at: &Path, said: &[String]) -> Result<(), Broken> {
    check_restored(at, Store::Segments, said)
}

fn restore(at: &Path, store: Store) -> Result<(), Broken> {
    let data = at.join(PLACE);
    if !data.exists() {
        Source::new(Store::Segments)?.restore(&data, store)?;
        told("restored")?;
    }
    Ok(())
}

fn check_restored(at: &Path, store: Store, said: &[String]) -> Result<(), Broken> {
    let source = Source::new(Store::Segments)?;
    let data = at.join(PLACE);
    if !data.exists() {
        if was_told(said, "restored") {
            return Err(Broken::Missing("a restored ledger"));
        }
        source.restore(&data, store)?;
    }
    let half = |why| Broken::Half { what: "a restored ledger", why };
    let made = Made::open(&data, store).map_err(half)?;
    made.goes_on_from(source.head).map_err(half)?;
    if made.ledger.epoch().0 != 1 || made.ledger.is_open() {
        return Err(half(format!("it is in epoch {}, or was not closed", made.ledger.epoch().0)));
    }
    // What the next start goes on from.
    match made.newest_snapshot() {
        Some(digest) if digest == made.ledger.digest() => Ok(()),
        other => Err(half(format!("its newest snapshot has digest {other:?}"))),
    }
}

fn convert_to_sled(at: &Path) -> Result<(), Broken> {
    convert(at, Store::Sled)
}

fn convert_to_segments(at: &Path) -> Result<(), Broken> {
    convert(at, Store::Segments)
}

fn check_sled_copy(at: &Path, said: &[String]) -> Result<(), Broken> {
    check_copy(at, Store::Sled, said)
}

fn check_segments_copy(at: &Path, said: &[String]) -> Result<(), Broken> {
    check_copy(at, Store::Segments, said)
}

fn convert(at: &Path, store: Store) -> Result<(), Broken> {
    let copy = at.join(PLACE);
    if !copy.exists() {
        Source::new(store.other())?.convert(&copy, store)?;
        told("converted")?;
    }
    Ok(())
}

fn check_copy(at: &Path, store: Store, said: &[String]) -> Result<(), Broken> {
    let source = Source::new(store.other())?;
    let copy = at.join(PLACE);
    if !copy.exists() {
        if was_told(said, "converted") {
            return Err(Broken::Missing("a copy of the log"));
        }
        source.convert(&copy, store)?;
    }
    let half = |why| Broken::Half { what: "a copy of the log", why };
    let made = Made::open(&copy, store).map_err(half)?;
    let (head, digest): (Link, Digest) = (made.head, made.ledger.digest());
    if (head, digest) == (source.head, source.digest) {
        Ok(())
    } else {
        Err(half(format!("it ends at {head}, with digest {digest}")))
    }
}

fn told(line: &str) -> Result<(), Broken> {
    say(line).map_err(|error| stuck(&error))
}

fn was_told(said: &[String], line: &str) -> bool {
    said.iter().any(|said| said == line)
}

/// Runs a command to its end, which has to be a good one.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Broken> {
    let output = command.output().map_err(|error| stuck(&error))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Broken::Stuck(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
