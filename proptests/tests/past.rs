//! What a ledger was at any past instant is told by its log alone, and is what it said then.
use std::{collections::BTreeMap, convert::Infallible};

use edge_ledger_core::{
    Commit, EdgeId, Event, Ledger, Millis, Timestamp, lifecycle,
    past::{LogEnd, Moment, Past, PastError},
};
use edge_ledger_testkit::{
    action::{Step, step},
    history::{History, Timers},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{FileFailurePersistence, TestCaseError},
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 2,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_past_is_what_was_seen_then(steps in vec(step(), 0..60)) {
        let (log, seen) = seen(&steps)?;
        for Seen { at, commits, ledger, silences } in &seen {
            let past = past(&log, Moment::Time(*at))?;
            prop_assert_eq!(past.as_of, *at);
            if crashes_after(&log, *commits) {
                // The last commit stands for the close: silence stopped there.
                prop_assert!(!past.ledger.is_open());
                prop_assert!(of_edges(&past.ledger, *at).iter().all(|(id, silence)| *silence <= silences[id]));
            } else {
                prop_assert_eq!(&past.ledger, ledger, "at {}", at);
                prop_assert_eq!(&of_edges(&past.ledger, *at), silences, "at {}", at);
            }
        }
    }

    #[test]
    fn every_position_has_its_ledger(steps in vec(step(), 0..40)) {
        let (log, _) = seen(&steps)?;
        let mut ledger = Ledger::default();
        for (number, commit) in (1..).zip(&log) {
            ledger.apply(commit).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            for position in commit.envelopes().map(|envelope| envelope.position) {
                let past = past(&log, Moment::Position(position))?;
                prop_assert_eq!(past.as_of, commit.recorded_at);
                prop_assert_eq!(past.ledger.head(), commit.head(), "the commit that holds it");
                if !crashes_after(&log, number) {
                    prop_assert_eq!(&past.ledger, &ledger);
                }
            }
        }
        let beyond = ledger.head().plus(1);
        let past = Past::at(log.iter().cloned().map(Ok::<_, Infallible>), Moment::Position(beyond), LogEnd::Live);
        let refused = matches!(
            past,
            Err(PastError::Beyond { asked, head }) if asked == beyond && head == ledger.head()
        );
        prop_assert!(refused, "the log does not reach so far");
    }
}

/// What was seen at the end of an instant.
struct Seen {
    at: Timestamp,
    commits: usize,
    ledger: Ledger,
    silences: BTreeMap<EdgeId, Option<Millis>>,
}

fn seen(steps: &[Step]) -> Result<(Vec<Commit>, Vec<Seen>), TestCaseError> {
    let mut history = History::begin(Timers::Late)?;
    let mut seen: Vec<Seen> = Vec::new();
    for step in steps {
        let now = Seen {
            at: history.now(),
            commits: history.log().len(),
            ledger: history.ledger().clone(),
            silences: of_edges(history.ledger(), history.now()),
        };
        seen.push(now);
        history.take_step(step)?;
    }
    let log = history.log().to_vec();
    // More may have happened in the same instant: what counts is how it ended.
    seen.retain(|seen| log.get(seen.commits).is_none_or(|next| seen.at < next.recorded_at));
    Ok((log, seen))
}

fn of_edges(ledger: &Ledger, now: Timestamp) -> BTreeMap<EdgeId, Option<Millis>> {
    ledger.edges().map(|(id, edge)| (id, ledger.silence(edge, now))).collect()
}

/// Returns whether the commit after the first `commits` opens a ledger that nothing closed.
fn crashes_after(log: &[Commit], commits: usize) -> bool {
    let first = |at: usize| log.get(at).and_then(|commit| commit.events.first());
    let opens = matches!(first(commits), Some(Event::Ledger(lifecycle::Event::Opened { .. })));
    let closes = matches!(first(commits - 1), Some(Event::Ledger(lifecycle::Event::Closed)));
    opens && !closes
}

fn past(log: &[Commit], moment: Moment) -> Result<Past, TestCaseError> {
    let log = log.iter().cloned().map(Ok::<_, Infallible>);
    Past::at(log, moment, LogEnd::Live).map_err(|fault| TestCaseError::fail(fault.to_string()))
}
