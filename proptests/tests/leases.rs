//! What would have become of leases under another lease time: under their own, what did.
use std::collections::BTreeMap;

use edge_ledger_core::{
    Commit, Event, Millis, TaskId,
    contacts::Contacts,
    leases::{Ended, Leases, Verdict},
    task,
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
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn under_its_own_lease_time_a_lease_becomes_what_it_did(
        steps in vec(step(), 0..60),
        timers in prop_oneof![Just(Timers::Punctual), Just(Timers::Late)],
    ) {
        let log = log(&steps, timers)?;
        let (leases, contacts) = read(&log);
        let of_task = lease_times(&log);

        for lease_time in of_task.values() {
            let contacts = &contacts;
            let own = of_task.iter().filter(|(_, own)| *own == lease_time);
            for (task, _) in own {
                let judged = leases.under(*lease_time, contacts);
                for (held, verdict) in judged.into_iter().filter(|(held, _)| held.task == *task) {
                    prop_assert_eq!(verdict, Verdict::Same, "{:?} under {:?}", held, lease_time);
                }
            }
        }
    }

    #[test]
    fn a_longer_lease_lapses_no_earlier_and_a_shorter_one_no_later(
        steps in vec(step(), 0..60),
        other in 1_000..400_000_u64,
    ) {
        let log = log(&steps, Timers::Punctual)?;
        let (leases, contacts) = read(&log);
        let of_task = lease_times(&log);

        for (held, verdict) in leases.under(Millis(other), &contacts) {
            let own = of_task[&held.task];
            let lapsed = held.end.filter(|end| end.how == Ended::Lapsed);
            let fits = match verdict {
                Verdict::Same | Verdict::Unknown => true,
                Verdict::Kept { heard_at, .. } => {
                    other > own.0 && lapsed.is_some_and(|end| heard_at >= end.at)
                }
                Verdict::Moved { at } => {
                    lapsed.is_some_and(|end| (other > own.0) == (at > end.at) && at != end.at)
                }
                Verdict::Lapses { .. } => other < own.0 && lapsed.is_none(),
            };
            prop_assert!(fits, "{:?} of {:?} under {:?}: {:?}", held, own, other, verdict);
        }
    }
}

fn log(steps: &[Step], timers: Timers) -> Result<Vec<Commit>, TestCaseError> {
    let mut history = History::begin(timers)?;
    steps.iter().try_for_each(|step| history.take_step(step))?;
    Ok(history.log().to_vec())
}

fn read(log: &[Commit]) -> (Leases, Contacts) {
    let (mut leases, mut contacts) = (Leases::default(), Contacts::new(Millis::ZERO));
    for commit in log {
        leases.apply(commit);
        contacts.apply(commit);
    }
    (leases, contacts)
}

fn lease_times(log: &[Commit]) -> BTreeMap<TaskId, Millis> {
    let events = log.iter().flat_map(|commit| &commit.events);
    let submitted = events.filter_map(|event| match event {
        Event::Task { id, what: task::Event::Submitted(submitted) } => {
            Some((id.clone(), submitted.spec.terms.lease_time))
        }
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    });
    submitted.collect()
}
