//! Who is appended together, and when they are told.
use std::{
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{Commit, Event, Journal, JournalReader, Position};
use edge_ledger_engine::{ExecuteError, Stop};

use crate::{
    asked::{Order, ask, ask_as, ask_under, create_token, submit, tick},
    gate::{Fate, Rig},
};

fn heads(commits: &[Commit]) -> Vec<u64> {
    commits.iter().map(|commit| commit.head().get()).collect()
}

#[test]
fn what_is_decided_during_an_append_is_appended_together_and_told_in_order() {
    let rig = Rig::default();
    let order = Order::default();
    let ask = |name| ask_as(&rig.handle, name, &order, tick()).decided();
    let told = |order: &Order| order.lock().expect("nobody panics").clone();

    let a = ask("a");
    assert_eq!(heads(&rig.gate.arrival()), [2]);
    let mut later = [ask("b"), ask("c"), ask("d")];

    assert!(rig.gate.is_quiet(), "nothing is appended beside an append");
    assert!(later.iter_mut().all(|asked| asked.waits()));
    assert!(told(&order).is_empty());
    rig.gate.decide(Fate::Append);
    assert_eq!(heads(&rig.gate.arrival()), [3, 4, 5], "one group");
    a.outcome().expect("told");
    assert_eq!(told(&order), ["a"]);
    assert!(later.iter_mut().all(|asked| asked.waits()));
    rig.gate.decide(Fate::Append);
    for asked in later {
        asked.outcome().expect("told");
    }
    assert_eq!(told(&order), ["a", "b", "c", "d"]);
}

#[test]
fn a_refusal_waits_for_the_fact_it_rests_on_and_costs_no_append() {
    let rig = Rig::default();
    let a = ask(&rig.handle, submit("a", "one")).decided();
    rig.gate.arrival();
    let mut on_the_appended = ask(&rig.handle, submit("a", "other"));
    let b = ask(&rig.handle, submit("b", "one")).decided();
    let mut on_the_open = ask(&rig.handle, submit("b", "other"));
    let c = ask(&rig.handle, tick()).decided();

    assert!(on_the_appended.waits() && on_the_open.waits());
    rig.gate.decide(Fate::Append);
    assert!(matches!(on_the_appended.outcome(), Err(ExecuteError::Rejected(_))));
    assert_eq!(rig.gate.arrival().len(), 2);
    assert!(on_the_open.waits());
    rig.gate.decide(Fate::Append);
    assert!(matches!(on_the_open.outcome(), Err(ExecuteError::Rejected(_))));
    for done in [a, b, c] {
        done.outcome().expect("told");
    }

    let on_the_durable = ask(&rig.handle, submit("a", "other"));
    assert!(matches!(on_the_durable.outcome(), Err(ExecuteError::Rejected(_))));
    assert!(rig.gate.is_quiet());
}

#[test]
fn what_is_already_so_waits_until_it_is_durable() {
    let rig = Rig::default();
    let first = ask(&rig.handle, submit("a", "one")).decided();
    rig.gate.arrival();

    let mut again = ask(&rig.handle, submit("a", "one")).decided();

    assert!(again.waits());
    rig.gate.decide(Fate::Append);
    let (first, again) = (first.outcome().expect("told"), again.outcome().expect("told"));
    assert_eq!((again.head, again.commit), (first.head, None));
    assert!(rig.gate.is_quiet());
}

#[test]
fn a_request_repeated_in_flight_is_told_of_the_one_commit_it_came_to() {
    let rig = Rig::default();
    let opening = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    let first = ask_under(&rig.handle, "key", create_token()).decided();
    let in_the_open = ask_under(&rig.handle, "key", create_token()).decided();
    rig.gate.decide(Fate::Append);
    opening.outcome().expect("told");
    assert_eq!(rig.gate.arrival().len(), 1);
    let mut in_the_appended = ask_under(&rig.handle, "key", create_token()).decided();

    assert!(in_the_appended.waits());
    rig.gate.decide(Fate::Append);
    let first = first.outcome().expect("told");
    let durable = ask_under(&rig.handle, "key", create_token()).decided();
    for again in [in_the_open, in_the_appended, durable] {
        assert_eq!(again.outcome().expect("told").commit, Some(first.head));
    }
    assert_eq!(rig.inner.reader().read(Position::START).count(), 3);
}

#[test]
fn a_lone_caller_waits_for_nobody() {
    let rig = Rig::default();
    let a = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    thread::sleep(Duration::from_secs(2)); // half of it is what company is waited for
    rig.gate.decide(Fate::Append);
    a.outcome().expect("told");

    let asked = Instant::now();
    let b = ask(&rig.handle, tick());
    rig.gate.arrival();

    assert!(asked.elapsed() < Duration::from_millis(700), "{:?}", asked.elapsed());
    rig.gate.decide(Fate::Append);
    b.outcome().expect("told");
}

#[test]
fn those_who_were_told_together_are_appended_together_when_they_come_back() {
    let rig = Rig::default();
    let a = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    let others = [ask(&rig.handle, tick()).decided(), ask(&rig.handle, tick()).decided()];
    thread::sleep(Duration::from_millis(1_500));
    rig.gate.decide(Fate::Append);
    a.outcome().expect("told");

    let back = ask(&rig.handle, tick()).decided();

    assert_eq!(rig.gate.arrival().len(), 3);
    rig.gate.decide(Fate::Append);
    for asked in others.into_iter().chain([back]) {
        asked.outcome().expect("told");
    }
    // Of three only one comes back: the others are not waited for any longer than that.
    let alone = ask(&rig.handle, tick());
    assert_eq!(rig.gate.arrival().len(), 1);
    rig.gate.decide(Fate::Append);
    alone.outcome().expect("told");
}

#[test]
fn closing_comes_after_all_that_was_asked_and_waits_until_it_is_durable() {
    let rig = Rig::default();
    let a = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    let b = ask(&rig.handle, submit("b", "one"));
    let closing = thread::spawn(|| rig.engine.close());
    rig.gate.decide(Fate::Append);

    let mut last = rig.gate.arrival();
    while last.last().is_none_or(|commit| names(commit) != ["ledger.closed"]) {
        rig.gate.decide(Fate::Append);
        last = rig.gate.arrival();
    }

    assert!(!closing.is_finished());
    rig.gate.decide(Fate::Append);
    a.outcome().expect("told");
    b.outcome().expect("told");
    assert_eq!(closing.join().expect("closes"), Stop::Closed);
    let names: Vec<_> = rig
        .inner
        .reader()
        .read(Position::START)
        .flat_map(|commit| names(&commit.expect("reads")))
        .collect();
    assert_eq!(names, ["ledger.opened", "ledger.ticked", "task.submitted", "ledger.closed"]);
    assert!(matches!(ask(&rig.handle, tick()).outcome(), Err(ExecuteError::Stopped)));
}

fn names(commit: &Commit) -> Vec<&'static str> {
    commit.events.iter().map(Event::name).collect()
}
