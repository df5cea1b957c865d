//! Every script in `fixtures/scenarios`, with what it makes happen.
use edge_ledger_core::{Ledger, codec};
use edge_ledger_proptests::scenario;

#[test]
fn scenarios() {
    insta::glob!("../../fixtures/scenarios", "*.txt", |path| {
        let script = std::fs::read_to_string(path).expect("a readable script");

        let run = scenario::run(&script);

        assert_eq!(&folded(run.book.log()), run.book.ledger(), "the log alone restores the ledger");
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(run.transcript);
        });
    });
}

fn folded(log: &[edge_ledger_core::Commit]) -> Ledger {
    let mut ledger = Ledger::default();
    for commit in codec::decode(&codec::encode(log)).expect("a block decodes") {
        ledger.apply(&commit).expect("a log folds");
    }
    ledger
}
