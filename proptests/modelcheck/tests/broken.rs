//! Twins of the ledger that break one rule each: the checker finds out every one of them.
#![expect(clippy::wildcard_enum_match_arm, reason = "a twin changes one thing and leaves the rest")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
use edge_ledger_core::{
    Cause, Command, Decision, EdgeId, Event, Ledger, Principal, Rejection, TaskId, Timestamp,
    edge::Standing,
    task::{self, HolderCommand, OperatorCommand, SystemCommand, Task},
};
use edge_ledger_modelcheck::{Bounds, Calm, Checked, Claim, Found, Rules, Storm, check, rows};

/// One task is enough for most.
const ONE: Bounds = Bounds { tasks: 1, ..Bounds::small() };

type Decided = Result<Decision, Rejection>;
type Decide = fn(&Ledger, Command, &Cause, Timestamp) -> Decided;

#[test]
fn two_holders_at_a_time_are_found() {
    found(Claim::OneHolder, leases_what_is_held, ONE);
}

#[test]
fn a_lease_that_is_taken_away_before_its_time_is_found() {
    found(Claim::OneHolder, ends_leases_early, Bounds { lease_ticks: 2, ..Bounds::small() });
}

#[test]
fn a_report_under_an_old_fence_is_found() {
    found(Claim::NothingUnderAnOldFence, ignores_the_fence, Bounds { attempts: 2, ..ONE });
}

#[test]
fn a_report_after_the_end_of_its_lease_is_found() {
    found(Claim::NothingUnderAnOldFence, believes_whoever_held_it, Bounds { attempts: 2, ..ONE });
}

#[test]
fn rows_that_are_lost_are_found() {
    found(Claim::NoRowLostOrDoubled, forgets_rows, ONE);
}

#[test]
fn rows_that_are_stored_twice_are_found() {
    found(Claim::NoRowLostOrDoubled, stores_rows_again, ONE);
}

#[test]
fn an_end_that_is_undone_is_found() {
    found(Claim::TheEndStays, cancels_what_is_done, ONE);
}

#[test]
fn a_success_that_is_tried_again_is_found() {
    found(Claim::TheEndStays, retries_what_is_done, Bounds { runs: 2, ..ONE });
}

#[test]
fn a_lease_in_quarantine_is_found() {
    let bounds = Bounds { attempts: 4, ..ONE };
    found(Claim::QuarantineGrantsNothing, grants_in_quarantine, bounds);
}

#[test]
fn a_task_that_goes_in_circles_is_found() {
    stuck(counts_no_attempts);
}

#[test]
fn a_lease_that_nothing_ends_is_found() {
    stuck(waits_for_ever);
}

#[test]
fn a_restart_that_forgives_is_found() {
    let rules = Rules { reopen: forgives, ..Rules::SHIPPED };
    found_of(Claim::ARestartChangesNothing, rules, ONE);
}

/// The twin is found to break the claim.
fn found(claim: Claim, decide: Decide, bounds: Bounds) {
    found_of(claim, Rules { decide, ..Rules::SHIPPED }, bounds);
}

fn found_of(claim: Claim, rules: Rules, bounds: Bounds) {
    let checked = check(Storm { bounds, rules }, 1);

    let broken = checked.broken();
    assert!(broken.iter().any(|(name, _)| *name == claim.name()), "{claim:?}: {checked}");
    told(&checked);
}

fn stuck(decide: Decide) {
    let rules = Rules { decide, ..Rules::SHIPPED };
    let bounds = Bounds { lease_ticks: 2, ..ONE };
    let rounds = bounds.rounds();
    let checked = check(Calm { bounds, rules, storm: 0, rounds }, 1);

    assert!(matches!(checked.found[Calm::PROGRESS], Found::Broken(_)), "{checked}");
    told(&checked);
}

#[expect(clippy::print_stdout, reason = "who runs the tests is to see what was found, and how")]
fn told(checked: &Checked) {
    println!("{checked}");
}

fn leases_what_is_held(
    ledger: &Ledger,
    command: Command,
    cause: &Cause,
    now: Timestamp,
) -> Decided {
    let polls = matches!(command, Command::Poll(_));
    let decided = ledger.decide(command, cause, now)?;
    let asking = asking(cause);
    let held =
        |(_, task): &(&TaskId, &Task)| task.lease().is_some_and(|it| Some(it.edge) != asking);
    let of_another = ledger.tasks().find(held).filter(|_| decided == Decision::AlreadySo);
    Ok(match (of_another, asking) {
        (Some((id, task)), Some(edge)) if polls => lease(id, task, edge, now),
        _ => decided,
    })
}

/// As a reactor would that mistakes a tick for two.
fn ends_leases_early(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    let decided = ledger.decide(command, cause, now)?;
    let Some(Event::Task { id, what: task::Event::Readied | task::Event::WentStale(_) }) =
        first(&decided)
    else {
        return Ok(decided);
    };
    let other = ledger.tasks().find(|(other, task)| *other != id && task.lease().is_some());
    let Some((other, lease)) = other.and_then(|(other, task)| Some((other, task.lease()?))) else {
        return Ok(decided);
    };
    let end = task::LeaseEnd {
        edge: lease.edge,
        fence: lease.fence,
        attempts: lease.attempt,
        ready_at: None,
    };
    let early = Event::Task { id: other.clone(), what: task::Event::WentStale(end) };
    Ok(map(decided, |mut events| {
        events.push(early.clone());
        events
    }))
}

fn ignores_the_fence(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    let command = match command {
        Command::Task(id, task::Command::Holder(_, word)) => {
            Command::Task(id, task::Command::Holder(None, word))
        }
        other => other,
    };
    ledger.decide(command, cause, now)
}

fn believes_whoever_held_it(
    ledger: &Ledger,
    command: Command,
    cause: &Cause,
    now: Timestamp,
) -> Decided {
    let heartbeats = match &command {
        Command::Task(id, task::Command::Holder(_, HolderCommand::Heartbeat(_))) => {
            Some(id.clone())
        }
        _ => None,
    };
    let decided = ledger.decide(command, cause, now);
    match (&decided, heartbeats) {
        (Err(Rejection::Task(task::Rejection::LeaseLost(_))), Some(id)) => {
            let held = ledger.task(&id).and_then(Task::lease).is_some();
            let progressed =
                task::Progressed { progress: task::Progress::default(), expires_at: now };
            let what = task::Event::Progressed(Box::new(progressed));
            if held { Ok(Decision::Events(vec![Event::Task { id, what }])) } else { decided }
        }
        _ => decided,
    }
}

fn forgets_rows(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    let decided = ledger.decide(command, cause, now)?;
    Ok(of_tasks(decided, |what| match what {
        task::Event::ResultsStored(mut stored) => {
            stored.rows.clear();
            task::Event::ResultsStored(stored)
        }
        other => other,
    }))
}

fn stores_rows_again(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    let decided = ledger.decide(command, cause, now)?;
    Ok(of_tasks(decided, |what| match what {
        task::Event::ResultsStored(mut stored) if stored.rows.is_empty() => {
            stored.rows = rows(&[0]);
            task::Event::ResultsStored(stored)
        }
        other => other,
    }))
}

fn cancels_what_is_done(
    ledger: &Ledger,
    command: Command,
    cause: &Cause,
    now: Timestamp,
) -> Decided {
    let cancelled = match &command {
        Command::Task(id, task::Command::Operator(OperatorCommand::Cancel { reason })) => {
            Some(Event::Task {
                id: id.clone(),
                what: task::Event::Cancelled { reason: reason.clone() },
            })
        }
        _ => None,
    };
    ledger.decide(command, cause, now).or_else(|refusal| {
        cancelled.map(|cancelled| Decision::Events(vec![cancelled])).ok_or(refusal)
    })
}

fn retries_what_is_done(
    ledger: &Ledger,
    command: Command,
    cause: &Cause,
    now: Timestamp,
) -> Decided {
    let retried = match &command {
        Command::Task(id, task::Command::Operator(OperatorCommand::Retry)) => {
            let run = ledger.task(id).map_or(0, Task::run) + 1;
            let what = task::Event::Retried { run, deadline_at: None, ready_at: None };
            Some(Event::Task { id: id.clone(), what })
        }
        _ => None,
    };
    ledger
        .decide(command, cause, now)
        .or_else(|refusal| retried.map(|retried| Decision::Events(vec![retried])).ok_or(refusal))
}

fn grants_in_quarantine(
    ledger: &Ledger,
    command: Command,
    cause: &Cause,
    now: Timestamp,
) -> Decided {
    let polls = matches!(command, Command::Poll(_));
    let decided = ledger.decide(command, cause, now)?;
    let Some(edge) = asking(cause).filter(|_| polls && decided == Decision::AlreadySo) else {
        return Ok(decided);
    };
    let standing = ledger.edge(edge).unwrap().standing();
    let waits = |(_, task): &(&TaskId, &Task)| {
        matches!(task.state(), task::State::Awaiting { ready_at: None })
    };
    match (standing, ledger.tasks().find(waits)) {
        (Standing::Quarantined { .. }, Some((id, task))) => Ok(lease(id, task, edge, now)),
        _ => Ok(decided),
    }
}

fn counts_no_attempts(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    let decided = ledger.decide(command, cause, now)?;
    Ok(map(decided, |events| {
        let stale =
            |event: &Event| matches!(event, Event::Task { what: task::Event::WentStale(_), .. });
        let lapses = events.iter().any(stale);
        let fails =
            |event: &Event| matches!(event, Event::Task { what: task::Event::Failed { .. }, .. });
        let kept = events.into_iter().filter(|event| !(lapses && fails(event)));
        kept.map(|event| match event {
            Event::Task { id, what: task::Event::WentStale(end) } => {
                let end = task::LeaseEnd { attempts: end.attempts - 1, ..end };
                Event::Task { id, what: task::Event::WentStale(end) }
            }
            other => other,
        })
        .collect()
    }))
}

fn waits_for_ever(ledger: &Ledger, command: Command, cause: &Cause, now: Timestamp) -> Decided {
    match command {
        Command::Task(_, task::Command::System(SystemCommand::EndLapsedLease)) => {
            Ok(Decision::AlreadySo)
        }
        other => ledger.decide(other, cause, now),
    }
}

fn forgives(ledger: &Ledger) -> Ledger {
    let mut stored = serde_json::to_value(ledger).unwrap();
    for (_, edge) in stored["edges"].as_object_mut().unwrap() {
        edge["failures"] = 0.into();
    }
    serde_json::from_value(stored).unwrap()
}

const fn asking(cause: &Cause) -> Option<EdgeId> {
    match cause.principal {
        Principal::Edge { edge, .. } => Some(edge),
        Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
    }
}

fn lease(id: &TaskId, task: &Task, edge: EdgeId, now: Timestamp) -> Decision {
    let expires_at = now.after(task.terms().lease_time);
    let what = task::Event::Leased { edge, attempt: task.attempts() + 1, expires_at };
    Decision::Events(vec![Event::Task { id: id.clone(), what }])
}

fn first(decided: &Decision) -> Option<&Event> {
    match decided {
        Decision::Events(events) => events.first(),
        Decision::AlreadySo | Decision::Repeated { .. } => None,
    }
}

fn of_tasks(decided: Decision, change: fn(task::Event) -> task::Event) -> Decision {
    let change = |event| match event {
        Event::Task { id, what } => Event::Task { id, what: change(what) },
        other => other,
    };
    map(decided, |events| events.into_iter().map(change).collect())
}

fn map(decided: Decision, change: impl Fn(Vec<Event>) -> Vec<Event>) -> Decision {
    match decided {
        Decision::Events(events) => Decision::Events(change(events)),
        other => other,
    }
}
