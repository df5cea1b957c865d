//! What a log is expected to come to.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use edge_ledger_core::replay::{Difference, Snapshot};

use super::{
    folded::Folded,
    place::{packed_snapshot_of, snapshot_of},
};
use crate::exit::{Exit, Failure, chain};

/// A snapshot that is longer is packed, in bytes: nobody reads it from its beginning to its end.
const PLAIN_MAX: usize = 1024 * 1024;

/// How hard it is tried to pack it.
const PACKING: i32 = 9;

/// How everything begins that zstd packed.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What is wanted of each log.
#[derive(Debug)]
pub(super) enum Wanted {
    Nothing,
    /// That it comes to this snapshot.
    This(PathBuf),
    /// That it comes to the snapshot beside it.
    Beside,
    /// That the snapshot is written beside it, if there is none.
    Written,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing was wanted.
    Unasked,
    /// It is what was expected.
    Same,
    /// It is not.
    Differs(Box<Difference>),
    /// A snapshot was written.
    Written,
    /// There was one already, which was not touched.
    Kept,
}

impl Wanted {
    /// Returns whether a snapshot has to be made of each log.
    pub(super) const fn is_attentive(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::This(_) | Self::Beside | Self::Written => true,
        }
    }

    /// Compares what a log came to with what was wanted.
    pub(super) fn compare(&self, log: &Path, folded: &Folded) -> Result<Verdict> {
        match self {
            Self::Nothing => Ok(Verdict::Unasked),
            Self::This(snapshot) => compare(snapshot, folded),
            Self::Beside => {
                let (plain, packed) = (snapshot_of(log), packed_snapshot_of(log));
                match (plain.exists(), packed.exists()) {
                    (true, _) => compare(&plain, folded),
                    (false, true) => compare(&packed, folded),
                    (false, false) => {
                        let told = format!("there is no snapshot beside it, {}", plain.display());
                        Err(Failure::new(Exit::Failure, told).into())
                    }
                }
            }
            Self::Written => write(log, folded),
        }
    }
}

fn compare(snapshot: &Path, folded: &Folded) -> Result<Verdict> {
    let shown = snapshot.display();
    let text = read(snapshot).with_context(|| format!("cannot read {shown}"))?;
    let expected = Snapshot::parse(&text).map_err(|error| {
        Failure::new(Exit::Failure, format!("{shown} is no snapshot: {}", chain(&error)))
    })?;
    let difference = expected.first_difference(&folded.replay.snapshot());
    Ok(difference.map_or(Verdict::Same, |difference| Verdict::Differs(Box::new(difference))))
}

/// Reads a snapshot, packed or not: which it is is seen by how it begins.
fn read(snapshot: &Path) -> io::Result<String> {
    let bytes = fs::read(snapshot)?;
    let bytes = match bytes.starts_with(&ZSTD) {
        true => zstd::decode_all(&bytes[..])?,
        false => bytes,
    };
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn write(log: &Path, folded: &Folded) -> Result<Verdict> {
    let (plain, packed) = (snapshot_of(log), packed_snapshot_of(log));
    if plain.exists() || packed.exists() {
        return Ok(Verdict::Kept);
    }
    let text = folded.replay.snapshot().to_text().into_bytes();
    let (snapshot, bytes) = match text.len() > PLAIN_MAX {
        true => (packed, zstd::encode_all(&text[..], PACKING)?),
        false => (plain, text),
    };
    let written = File::create_new(&snapshot).and_then(|mut file| file.write_all(&bytes));
    written.with_context(|| format!("cannot write {}", snapshot.display()))?;
    Ok(Verdict::Written)
}
