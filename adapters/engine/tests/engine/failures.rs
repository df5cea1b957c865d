//! After a failed append nothing decided on top of it is told as done, or shown.
use edge_ledger_core::{Journal, TaskId};
use edge_ledger_engine::{ExecuteError, Options, Readiness, Stop, replay};

use crate::{
    asked::{Asked, ask, ask_head, ask_to_panic, submit, tick},
    gate::{Fate, Rig},
};

#[test]
fn a_failed_append_stops_everything_that_was_decided_on_top_of_it() {
    for fate in [Fate::Lose, Fate::Keep, Fate::Conflict, Fate::Panic] {
        let rig = Rig::default();
        let before = ask(&rig.handle, submit("before", "one")).decided();
        rig.gate.arrival();
        let lost =
            [ask(&rig.handle, submit("lost", "one")), ask(&rig.handle, submit("lost-too", "one"))];
        let lost = lost.map(Asked::decided);
        let with_it = ask(&rig.handle, submit("lost", "other"));
        let already = ask(&rig.handle, submit("lost", "one")).decided();
        rig.gate.decide(Fate::Append);
        before.outcome().expect("told");
        assert_eq!(rig.gate.arrival().len(), 2);
        let look = ask_head(&rig.handle);
        let beside = ask(&rig.handle, submit("lost", "other"));
        let on_top = ask(&rig.handle, submit("on-top", "one")).decided();
        let refused = ask(&rig.handle, submit("on-top", "other"));

        rig.gate.decide(fate);

        for lost in lost {
            let outcome = lost.outcome();
            assert!(matches!(outcome, Err(ExecuteError::Unrecorded(_))), "{fate:?}: {outcome:?}");
        }
        for idle in [with_it, already, beside, on_top, refused, ask(&rig.handle, tick())] {
            let outcome = idle.outcome();
            assert!(matches!(outcome, Err(ExecuteError::Stopped)), "{fate:?}: {outcome:?}");
        }
        for look in [look, ask_head(&rig.handle)] {
            let outcome = look.outcome();
            assert!(matches!(outcome, Err(ExecuteError::Stopped)), "{fate:?}: {outcome:?}");
        }
        assert!(rig.handle.glance(|_, _| ()).is_err());
        assert!(rig.gate.is_quiet(), "nothing is appended any more");
        assert!(matches!(rig.handle.readiness(), Readiness::Stopped(Stop::Failed { .. })));
        assert!(matches!(rig.engine.close(), Stop::Failed { .. }));

        let reopened = replay(&rig.inner.reader()).expect("folds");
        let has = |id: &str| reopened.task(&TaskId::new(id).expect("a task id")).is_some();
        let kept = matches!(fate, Fate::Keep);
        assert!(has("before"));
        assert_eq!((has("lost"), has("lost-too"), has("on-top")), (kept, kept, false));
    }
}

#[test]
fn a_writer_that_waits_for_room_is_stopped_by_a_failed_append() {
    let rig = Rig::start(usize::MAX, Options { group: 1, ..Options::default() });
    let first = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();
    let filling = ask(&rig.handle, tick()).decided();
    let waiting = ask(&rig.handle, tick()).decided();
    let queued = ask(&rig.handle, tick());

    rig.gate.decide(Fate::Lose);

    assert!(matches!(first.outcome(), Err(ExecuteError::Unrecorded(_))));
    for idle in [filling, waiting, queued] {
        assert!(matches!(idle.outcome(), Err(ExecuteError::Stopped)));
    }
    assert!(matches!(rig.engine.close(), Stop::Failed { .. }));
}

#[test]
fn an_answer_that_panics_stops_the_writer_and_leaves_nobody_waiting() {
    let rig = Rig::default();
    let first = ask(&rig.handle, tick()).decided();
    rig.gate.arrival();

    let panics = ask_to_panic(&rig.handle);
    let queued = ask(&rig.handle, tick());

    assert!(matches!(panics.outcome(), Err(ExecuteError::Stopped)));
    for idle in [queued, ask(&rig.handle, tick())] {
        assert!(matches!(idle.outcome(), Err(ExecuteError::Stopped)));
    }
    rig.gate.decide(Fate::Append);
    first.outcome().expect("it was decided before");
    assert!(matches!(ask_head(&rig.handle).outcome(), Err(ExecuteError::Stopped)));
    assert!(matches!(rig.handle.readiness(), Readiness::Stopped(Stop::Failed { .. })));
    assert!(matches!(rig.engine.close(), Stop::Failed { .. }));
}
