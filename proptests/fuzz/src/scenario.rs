//! A scenario.
use edge_ledger_core::Ledger;
use edge_ledger_proptests::scenario;

/// More lines than anybody reads.
const LINES: usize = 200;

/// Takes bytes for a scenario, up to the first line that cannot be read. What it makes happen folds
/// to the ledger that it ends with.
///
/// # Panics
///
/// Panics if that is not so.
pub fn scenario(script: &[u8]) {
    let script = String::from_utf8_lossy(script);
    let script: String = script.split_inclusive('\n').take(LINES).collect();
    let (run, _) = scenario::run_as_far_as_it_reads(&script);
    let mut ledger = Ledger::default();
    for commit in run.book.log() {
        ledger.apply(commit).expect("what was decided folds");
    }
    assert_eq!(&ledger, run.book.ledger(), "the log has everything that happened");
}
