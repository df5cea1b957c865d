//! A log that no ledger can have written does not fold.
use edge_ledger_core::{
    Cause, CommandId, Commit, Corruption, CredentialId, Digest, EdgeId, Event, Ledger, Position,
    Principal, Timestamp, TokenId, edge, enrollment,
    lifecycle::{self, Epoch},
    task,
};
use edge_ledger_testkit::{book::Book, scenario};
use uuid::Uuid;

#[test]
fn the_log_itself_folds() {
    assert_eq!(fold(&log()), Ok(()));
}

#[test]
fn a_hole_is_refused_wherever_it_is() {
    let log = log();
    for hole in 0..log.len() - 1 {
        let mut log = log.clone();
        let lost = log.remove(hole);
        let found = log[hole].after;
        assert_eq!(fold(&log), Err(Corruption::Gap { expected: lost.after, found }));
    }
}

#[test]
fn a_repeat_is_refused_wherever_it_is() {
    let log = log();
    for repeated in 0..log.len() {
        let mut log = log.clone();
        let again = log[repeated].clone();
        log.insert(repeated, again.clone());
        let (expected, found) = (again.head(), again.after);
        assert_eq!(fold(&log), Err(Corruption::Gap { expected, found }));
    }
}

#[test]
fn a_swap_is_refused_wherever_it_is() {
    let log = log();
    for first in 0..log.len() - 1 {
        let mut log = log.clone();
        log.swap(first, first + 1);
        assert!(matches!(fold(&log), Err(Corruption::Gap { .. })), "at {first}");
    }
}

#[test]
fn a_commit_of_nothing_is_refused() {
    let mut log = log();
    let end = log.last().expect("a log").head();
    let commit = Commit { after: end, events: vec![], ..log[0].clone() };
    log.push(Commit { recorded_at: Timestamp::from_millis(i64::MAX), ..commit });
    assert_eq!(fold(&log), Err(Corruption::Empty(end)));
}

#[test]
fn a_commit_older_than_the_one_before_is_refused() {
    let mut log = log();
    let last = log.last_mut().expect("a log");
    let (after, found) = (last.after, Timestamp::from_millis(59_999));
    last.recorded_at = found;
    let expected = Timestamp::from_millis(60_000);
    assert_eq!(fold(&log), Err(Corruption::OutOfTime { after, expected, found }));
}

#[test]
fn an_event_about_nothing_is_refused() {
    let nobody = EdgeId::from_uuid(Uuid::from_u128(7));
    let nothing = TokenId::from_uuid(Uuid::from_u128(8));
    for event in [
        Event::Task { id: "nothing".parse().expect("an id"), what: task::Event::Readied },
        Event::Edge { id: nobody, what: edge::Event::Enabled },
        Event::Token { id: nothing, what: enrollment::Event::Used },
    ] {
        let (log, at) = log_and(event);
        assert_eq!(fold(&log), Err(Corruption::UnknownSubject(at)));
    }
}

#[test]
fn a_second_beginning_is_refused() {
    let begins = |event: &Event| {
        matches!(
            event,
            Event::Task { what: task::Event::Submitted(_), .. }
                | Event::Edge { what: edge::Event::Registered { .. }, .. }
                | Event::Token { what: enrollment::Event::Created(_), .. }
        )
    };
    let beginnings: Vec<_> = log().into_iter().flat_map(|commit| commit.events).collect();
    let beginnings: Vec<_> = beginnings.into_iter().filter(begins).collect();
    assert_eq!(beginnings.len(), 3);
    for event in beginnings {
        let (log, at) = log_and(event);
        assert_eq!(fold(&log), Err(Corruption::KnownSubject(at)));
    }
}

/// What no ledger decides must still leave a ledger behind, not a panic: evolve is total.
#[test]
fn events_in_states_that_no_ledger_has_leave_a_ledger_all_the_same() {
    let job = "job".parse().expect("an id");
    let rack = run().ledger().edges().next().expect("an edge").0;
    let end =
        task::LeaseEnd { edge: rack, fence: task::Fence::new(1), attempts: 9, ready_at: None };
    let odd = [
        task::Event::Readied,
        task::Event::LeaseExtended { expires_at: Timestamp::EPOCH },
        task::Event::LeaseRedelivered { redeliveries: 200, expires_at: Timestamp::EPOCH },
        task::Event::WentStale(end),
        task::Event::Cancelled { reason: "odd".into() },
        task::Event::LeaseEnded { reason: task::EndReason::Restored, lease: end },
        task::Event::LateResultsAdopted { kept_at: Position::new(1), config_ids: [].into() },
        task::Event::Retried { run: 0, deadline_at: None, ready_at: None },
        task::Event::Reassigned { to: Some(EdgeId::from_uuid(Uuid::nil())) },
    ];
    let edge_events = [
        edge::Event::CredentialEnded {
            credential: CredentialId::from_uuid(Uuid::nil()),
            reason: edge_ledger_core::credential::EndReason::Revoked,
        },
        edge::Event::CredentialIssued {
            credential: CredentialId::from_uuid(Uuid::nil()),
            secret: Digest::of(b""),
        },
        edge::Event::Released,
    ];
    let events = odd
        .into_iter()
        .map(|what| Event::Task { id: Clone::clone(&job), what })
        .chain(edge_events.into_iter().map(|what| Event::Edge { id: rack, what }))
        .chain([Event::Ledger(lifecycle::Event::Opened { epoch: Epoch(0) })]);
    let mut ledger = run().ledger().clone();
    for event in events {
        let commit = Commit { after: ledger.head(), events: vec![event], ..last() };
        ledger.apply(&commit).expect("a commit that stands where it belongs");

        let snapshot = edge_ledger_core::snapshot::encode(&ledger);
        let again = edge_ledger_core::snapshot::decode(&snapshot).expect("a snapshot");
        assert_eq!(again, ledger, "the index follows {commit:?}");
    }
}

fn run() -> Book {
    scenario::run(
        "ledger open
         token site create uses 9
         rack registers d1 by site
         submit job backoff 0s
         rack polls
         rack sends job c1
         at 60s
         due
         rack polls",
    )
    .book
}

fn log() -> Vec<Commit> {
    run().log().to_vec()
}

fn last() -> Commit {
    log().pop().expect("a log")
}

fn log_and(event: Event) -> (Vec<Commit>, Position) {
    let mut log = log();
    let last = last();
    let cause = Cause {
        command: CommandId::from_uuid(Uuid::nil()),
        principal: Principal::System,
        idempotency: None,
    };
    let after = last.head();
    log.push(Commit { after, recorded_at: last.recorded_at, cause, events: vec![event] });
    (log, after.plus(1))
}

fn fold(log: &[Commit]) -> Result<(), Corruption> {
    let mut ledger = Ledger::default();
    log.iter().try_for_each(|commit| ledger.apply(commit))
}
