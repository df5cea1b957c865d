//! The ledger that ships, in every state of a small world.
use edge_ledger_modelcheck::{Bounds, Calm, Checked, Found, Rules, Storm, check};

#[test]
fn whatever_happens_every_claim_holds() {
    let checked = check(Storm { bounds: Bounds::small(), rules: Rules::SHIPPED }, 1);

    told(&checked);
    assert!(checked.is_well(), "{checked}");
}

#[test]
fn after_any_short_storm_every_task_ends() {
    let bounds = Bounds { tasks: 1, lease_ticks: 2, ..Bounds::small() };
    let rounds = bounds.rounds();
    let checked = check(Calm { bounds, rules: Rules::SHIPPED, storm: 2, rounds }, 1);

    told(&checked);
    assert!(checked.is_well(), "{checked}");
}

/// That a claim about the last round holds proves nothing where nobody gets that far.
#[test]
fn fewer_rounds_are_not_enough() {
    let bounds = Bounds { tasks: 1, lease_ticks: 2, ..Bounds::small() };
    let checked = check(Calm { bounds, rules: Rules::SHIPPED, storm: 0, rounds: 3 }, 1);

    assert!(matches!(checked.found[Calm::PROGRESS], Found::Broken(_)), "{checked}");
}

#[expect(clippy::print_stdout, reason = "who runs the tests is to see how much was visited")]
fn told(checked: &Checked) {
    println!("{checked}");
}
