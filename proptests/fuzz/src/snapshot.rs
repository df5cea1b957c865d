//! A snapshot of a ledger.
use edge_ledger_core::snapshot as core;

/// Takes bytes for a snapshot, and for a task that has left. What is read can be written, and is
/// then read as the same.
///
/// # Panics
///
/// Panics if that is not so.
pub fn snapshot(bytes: &[u8]) {
    if let Ok(ledger) = core::decode(bytes) {
        let read = core::decode(&core::encode(&ledger)).expect("what was written is read");
        assert_eq!(read, ledger, "a ledger is read as it was written");
        assert_eq!(read.digest(), ledger.digest(), "and has the same digest");
    }
    if let Ok(task) = core::decode_task(bytes) {
        let read = core::decode_task(&core::encode_task(&task)).expect("what was written is read");
        assert_eq!(read, task, "a task is read as it was written");
    }
}
