//! Every script in `fixtures/scenarios`, with what it makes happen.
use std::collections::BTreeSet;

use edge_ledger_core::{Event, Ledger, codec};
use edge_ledger_proptests::catalogue;
use edge_ledger_testkit::scenario;

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

/// The golden logs are recorded from it.
#[test]
fn one_scenario_meets_every_event() {
    let script = include_str!("../../fixtures/scenarios/everything_that_can_happen.txt");
    let run = scenario::run(script);
    let events = run.book.log().iter().flat_map(|commit| &commit.events);
    let met: BTreeSet<_> = events.map(Event::name).collect();
    assert_eq!(met, catalogue::event_names());
}

fn folded(log: &[edge_ledger_core::Commit]) -> Ledger {
    let mut ledger = Ledger::default();
    for commit in codec::decode(&codec::encode(log)).expect("a block decodes") {
        ledger.apply(&commit).expect("a log folds");
    }
    ledger
}
