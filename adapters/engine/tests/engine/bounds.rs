//! How much is appended at once.
use edge_ledger_core::{Command, Commit, codec};
use edge_ledger_engine::{ExecuteError, Options};

use crate::{
    asked::{ask, ask_head, submit},
    gate::{Fate, Rig},
};

/// More than a commit with a name of 600 bytes has, encoded, and less than two have.
const SMALL: usize = 700;

#[test]
fn a_group_stays_within_its_bound_and_a_larger_commit_goes_alone() {
    let options = Options { group: 3 * SMALL, ..Options::default() };
    let rig = Rig::start(usize::MAX, options);
    let wishes: Vec<Command> =
        (0..20).map(|nth| task(nth, if nth == 9 { 3_000 } else { 600 })).collect();
    let count = wishes.len();

    let asked: Vec<_> = wishes.into_iter().map(|wish| ask(&rig.handle, wish)).collect();
    let mut groups: Vec<Vec<Commit>> = Vec::new();
    while groups.iter().map(Vec::len).sum::<usize>() < count {
        groups.push(rig.gate.arrival());
        rig.gate.decide(Fate::Append);
    }

    for asked in asked {
        asked.outcome().expect("told");
    }
    for group in &groups {
        let size = codec::encode(group).len();
        assert!(size <= 3 * SMALL || group.len() == 1, "{} commits, {size} bytes", group.len());
    }
    assert!(groups.iter().any(|group| group.len() > 1), "groups of one only");
    assert!(groups.iter().any(|group| codec::encode(group).len() > 3 * SMALL));
    let log: Vec<_> = groups.concat();
    assert!(log.windows(2).all(|pair| pair[0].head() == pair[1].after));
}

#[test]
fn the_journals_own_bound_holds_for_groups_too() {
    let rig = Rig::start(2 * SMALL, Options::default());

    let asked: Vec<_> = (0..10).map(|nth| ask(&rig.handle, task(nth, 600))).collect();
    let mut appended = 0;
    while appended < 10 {
        let group = rig.gate.arrival();
        assert!(codec::encode(&group).len() <= 2 * SMALL, "{} commits", group.len());
        appended += group.len();
        rig.gate.decide(Fate::Append);
    }

    for asked in asked {
        asked.outcome().expect("told");
    }
}

#[test]
fn a_commit_too_large_to_append_changes_nothing_and_later_commands_go_on() {
    let rig = Rig::start(SMALL, Options::default());

    let large = ask(&rig.handle, task(1, 3_000)).outcome();

    assert!(
        matches!(large, Err(ExecuteError::TooLarge { size, max: SMALL }) if size > 3_000),
        "{large:?}"
    );
    assert_eq!(ask_head(&rig.handle).outcome().expect("durable").get(), 1);
    assert!(rig.gate.is_quiet());
    let small = ask(&rig.handle, task(1, 600));
    rig.gate.arrival();
    rig.gate.decide(Fate::Append);
    assert_eq!(small.outcome().expect("told").head.get(), 2);
}

fn task(nth: usize, name: usize) -> Command {
    submit(&format!("t{nth}"), &"x".repeat(name))
}
