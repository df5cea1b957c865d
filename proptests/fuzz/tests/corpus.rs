//! Every build is put to the bytes that were worth keeping.
#![expect(clippy::print_stdout, reason = "the last line of a failure names the file")]
use std::{fs, path::Path};

use edge_ledger_fuzz::TARGETS;

#[test]
fn what_was_found_once_is_not_found_again() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus");
    for (name, target) in TARGETS {
        let entries = fs::read_dir(corpus.join(name)).expect("each target has a corpus");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has a corpus");
        for path in paths {
            println!("{}", path.display());
            target(&fs::read(&path).expect("readable"));
        }
    }
}
