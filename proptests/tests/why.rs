//! Why a task is not running is told as it is: what says that a poll gets it is true, and what
//! says that none does is true as well.
use edge_ledger_core::{
    Cause, Command, CredentialId, Decision, EdgeId, Event, Ledger, Liveness, Principal, TaskId,
    Thresholds, Timestamp,
    edge::Standing,
    task::{self, Poll, State},
    view::EdgeView,
    why::{Reason, why},
};
use edge_ledger_testkit::{
    action::step,
    history::{History, Timers},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{FileFailurePersistence, TestCaseError},
};

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_reasons_are_those_that_there_are(steps in vec(step(), 0..60)) {
        let mut history = History::begin(Timers::Late)?;
        for step in &steps {
            history.take_step(step)?;
            history.picture()?;
            let (ledger, now) = (history.ledger(), history.now());
            for (id, task) in ledger.tasks() {
                let reasons = why(ledger, id, &Thresholds::default(), now);
                match task.state() {
                    State::Leased(_) => prop_assert_eq!(reasons, [], "it runs"),
                    State::Finished { outcome, .. } => {
                        prop_assert_eq!(reasons, [Reason::Finished(outcome.clone())]);
                    }
                    State::Awaiting { .. } => they_hold(ledger, id, &reasons, now)?,
                }
            }
        }
    }
}

/// Asks every edge that is seen to be there, by the poll that gets the most.
fn they_hold(
    ledger: &Ledger,
    id: &TaskId,
    reasons: &[Reason],
    now: Timestamp,
) -> Result<(), TestCaseError> {
    let gets_it: Vec<_> = edges_there(ledger, now)
        .filter(|edge| polls(ledger, *edge, now).as_ref() == Some(id))
        .collect();
    match reasons {
        [Reason::AwaitingPoll { edges, count }] => {
            // An edge without a credential in force is only silent, and will look so in a minute.
            let mute = edges.iter().filter(|edge| credential(ledger, **edge, now).is_none());
            prop_assert_eq!(*count - mute.count(), gets_it.len(), "{:?}: {:?}", id, gets_it);
            prop_assert!(gets_it.iter().all(|edge| edges.contains(edge)), "{:?}", gets_it);
        }
        reasons => {
            prop_assert!(!reasons.is_empty(), "{:?} waits for a reason", id);
            prop_assert!(gets_it.is_empty(), "{:?}: {:?} but {:?}", id, reasons, gets_it);
        }
    }
    Ok(())
}

fn edges_there(ledger: &Ledger, now: Timestamp) -> impl Iterator<Item = EdgeId> {
    let views = ledger
        .edges()
        .filter_map(move |(id, _)| EdgeView::of(ledger, id, &Thresholds::default(), now));
    views
        .filter(|view| view.liveness == Liveness::Online)
        .filter(|view| matches!(view.edge.standing(), Standing::Active))
        .map(|view| view.id)
}

/// Returns the task that a poll gets which lists all that the edge holds.
fn polls(ledger: &Ledger, edge: EdgeId, now: Timestamp) -> Option<TaskId> {
    let credential = credential(ledger, edge, now)?;
    let cause = Cause {
        command: edge_ledger_core::CommandId::from_uuid(uuid::Uuid::nil()),
        principal: Principal::Edge { edge, credential },
        idempotency: None,
    };
    let holding = Some(ledger.held_by(edge).map(|(id, _)| id.clone()).collect());
    let poll = Command::Poll(Poll { holding, capacity: u32::MAX });
    match ledger.decide(poll, &cause, now) {
        Ok(Decision::Events(events)) => events.into_iter().find_map(|event| match event {
            Event::Task { id, what: task::Event::Leased { .. } } => Some(id),
            Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => {
                None
            }
        }),
        Ok(Decision::AlreadySo | Decision::Repeated { .. }) | Err(_) => None,
    }
}

fn credential(ledger: &Ledger, edge: EdgeId, now: Timestamp) -> Option<CredentialId> {
    let mut known = ledger.edge(edge)?.credentials().iter();
    known.find(|credential| credential.holds(now)).map(|credential| credential.id)
}
