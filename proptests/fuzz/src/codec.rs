//! A block of commits.
use edge_ledger_core::{Ledger, codec as core};

/// Takes bytes for a block. What is read can be written, and is then read as the same; and it folds
/// or is refused.
///
/// # Panics
///
/// Panics if that is not so.
pub fn codec(block: &[u8]) {
    let Ok(commits) = core::decode(block) else { return };
    let written = core::encode(&commits);
    assert_eq!(core::encoded_len(&commits), written.len(), "the length is told without writing");
    let read = core::decode(&written).expect("what was written is read");
    assert_eq!(read, commits, "a block is read as it was written");
    let mut ledger = Ledger::default();
    let folds = commits.iter().try_for_each(|commit| ledger.apply(commit)).is_ok();
    if let Some(last) = commits.last().filter(|_| folds) {
        assert_eq!(ledger.head(), last.head(), "what folds is folded whole");
    }
}
