//! The file that decisions are recorded in.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use edge_ledger_engine::Recording;

/// How many bytes are looked at together for the end of the last whole line.
const STRIDE: usize = 64 * 1024;

/// Begins to append decisions to a file, which is made if it is not there. As the journal, nobody
/// else may read it: payloads are in it.
pub(super) fn start(path: &Path) -> Result<Arc<Recording>> {
    let started = open(path).and_then(|file| Recording::start(BufWriter::new(file)));
    let started = started.with_context(|| format!("cannot record to {}", path.display()))?;
    Ok(Arc::new(started))
}

/// Opens the file behind its last whole line: whoever wrote it before may have been killed.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let end = end_of_lines(&mut file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(file)
}

/// Finds where the last whole line ends.
fn end_of_lines(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut bytes = vec![0; STRIDE];
    while end > 0 {
        let begin = end.saturating_sub(STRIDE as u64);
        let stride = &mut bytes[..usize::try_from(end - begin).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(stride)?;
        if let Some(at) = stride.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_torn_last_line_is_found_however_long_it_is() {
        let torn = format!("one\ntwo\n{}", "x".repeat(3 * STRIDE));
        for (text, end) in [("", 0), ("torn", 0), ("one\n", 4), ("one\ntorn", 4), (&torn[..], 8)] {
            let mut file = Cursor::new(text.as_bytes().to_vec());
            assert_eq!(end_of_lines(&mut file).unwrap(), end);
        }
    }
}
