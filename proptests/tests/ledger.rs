//! Random histories, each step checked against the invariants that no command may break, and
//! against the reference model.
use std::collections::BTreeSet;

use edge_ledger_core::{Commit, Ledger, codec, snapshot};
use edge_ledger_proptests::catalogue;
use edge_ledger_testkit::{
    action::{Step, step, step_without_outage},
    history::{History, Timers},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{FileFailurePersistence, TestCaseError, TestRunner},
};

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_history_keeps_the_invariants_and_agrees_with_the_model(steps in vec(step(), 0..120)) {
        let history = told(&steps, Timers::Late)?;

        let replayed = replayed(history.log())?;
        prop_assert_eq!(&replayed, history.ledger(), "the log alone restores the ledger");
        prop_assert_eq!(replayed.digest(), history.ledger().digest());
        let bytes = snapshot::encode(history.ledger());
        prop_assert_eq!(&bytes, &snapshot::encode(&replayed), "equal ledgers, equal bytes");
        let read = snapshot::decode(&bytes).map_err(failed)?;
        prop_assert_eq!(&read, history.ledger(), "what is derived is derived the same");
    }

    #[test]
    fn no_outcome_depends_on_how_late_a_timer_fires(steps in vec(step_without_outage(), 0..80)) {
        let mut punctual = History::begin(Timers::Punctual)?;
        let mut late = History::begin(Timers::Late)?;
        for step in &steps {
            punctual.take_step(step)?;
            late.take_step(step)?;
            let (mut punctual, mut late) = (punctual.picture()?, late.picture()?);
            // The time of contact is that of the commit, and so is the open time beside it.
            prop_assert_eq!(punctual.remove("ledger"), late.remove("ledger"));
            prop_assert_eq!(punctual, late, "after {:?}", step);
        }
    }

    #[test]
    fn a_log_cut_anywhere_restores_the_ledger_that_was_there(
        steps in vec(step(), 0..60), cut in any::<prop::sample::Index>()
    ) {
        let history = told(&steps, Timers::Late)?;
        let cut = cut.index(history.log().len());

        let mut resumed = replayed(&history.log()[..cut])?;
        resumed = snapshot::decode(&snapshot::encode(&resumed)).map_err(failed)?;
        for commit in &history.log()[cut..] {
            resumed.apply(commit).map_err(failed)?;
        }

        prop_assert_eq!(&resumed, history.ledger(), "a snapshot and the rest of the log");
    }
}

/// A property that never meets the case it speaks of proves nothing.
#[test]
fn histories_meet_every_event_and_every_refusal_that_they_can() {
    let mut expected = catalogue::event_names();
    expected.extend(catalogue::rejection_codes());
    expected.extend(["already so", "repeated"]);
    // What needs a quarter of a million rows or eight thousand restores has tests of its own.
    let beyond = ["task_too_many_rows", "ledger_epoch_out_of_range"];
    expected.retain(|name| !beyond.contains(name));

    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..1_000 {
        let steps = vec(step(), 100).new_tree(&mut runner).expect("steps").current();
        seen.extend(told(&steps, Timers::Late).expect("a history").seen());
        if seen == expected {
            return;
        }
    }
    assert_eq!(seen, expected);
}

fn told(steps: &[Step], timers: Timers) -> Result<History, TestCaseError> {
    let mut history = History::begin(timers)?;
    for step in steps {
        history.take_step(step)?;
    }
    Ok(history)
}

fn replayed(log: &[Commit]) -> Result<Ledger, TestCaseError> {
    let mut ledger = Ledger::default();
    for commit in codec::decode(&codec::encode(log)).map_err(failed)? {
        ledger.apply(&commit).map_err(failed)?;
    }
    Ok(ledger)
}

fn failed(error: impl std::error::Error) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}
