//! What no command may break, a function each, so that a failure says what broke.
mod rows;

use std::collections::BTreeSet;

use edge_ledger_core::{
    Command, Commit, EdgeId, Event, Ledger, Principal, TaskId, Timestamp,
    edge::Standing,
    task::{self, Fence, Task, TaskStatus},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::archive::leaving;
pub use rows::Rows;

/// A commit that was applied, with the ledger before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// The ledger before.
    pub before: &'a Ledger,
    /// The ledger after.
    pub after: &'a Ledger,
    /// What happened.
    pub commit: &'a Commit,
    /// What was asked.
    pub command: &'a Command,
    /// When.
    pub now: Timestamp,
}

type Kept = Result<(), TestCaseError>;

/// Checks every invariant that one commit can break.
///
/// # Errors
///
/// Fails with the invariant that is broken.
pub fn all(taken: &Taken<'_>) -> Kept {
    positions_have_no_gaps(taken)?;
    tasks_follow_their_life(taken)?;
    a_done_task_never_changes(taken)?;
    a_task_has_one_holder_at_most(taken)?;
    a_fence_is_the_position_of_its_lease(taken)?;
    only_the_holder_reports(taken)?;
    contact_is_what_an_edge_asked_and_got(taken)?;
    a_disabled_edge_holds_nothing(taken)?;
    nobody_in_quarantine_gets_anything_new(taken)?;
    capacity_is_kept(taken)?;
    attempts_stay_within_their_bound(taken)?;
    a_finished_task_keeps_no_ids_of_rows(taken)?;
    all_list_in_the_order_they_came(taken)?;
    only_what_is_finished_leaves(taken)?;
    the_finished_list_in_the_order_they_finished(taken)?;
    every_lease_has_an_end_that_falls_due(taken)
}

impl Taken<'_> {
    /// Lists the fences that were granted.
    pub fn granted(&self) -> impl Iterator<Item = Fence> {
        let epoch = self.after.epoch();
        self.commit
            .envelopes()
            .filter(|envelope| {
                matches!(envelope.event, Event::Task { what: task::Event::Leased { .. }, .. })
            })
            .map(move |envelope| Fence::of(epoch, envelope.position))
    }

    fn task_events(&self) -> impl Iterator<Item = (&TaskId, &task::Event)> {
        self.commit.events.iter().filter_map(|event| match event {
            Event::Task { id, what } => Some((id, what)),
            Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => None,
        })
    }

    const fn asking(&self) -> Option<EdgeId> {
        match self.commit.cause.principal {
            Principal::Edge { edge, .. } => Some(edge),
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
        }
    }
}

fn positions_have_no_gaps(taken: &Taken<'_>) -> Kept {
    prop_assert_eq!(taken.commit.after, taken.before.head());
    prop_assert_eq!(taken.commit.head(), taken.after.head());
    prop_assert!(taken.before.head() < taken.after.head(), "a commit is never empty");
    Ok(())
}

/// Looks at each event of a commit by itself, in its own commit.
fn tasks_follow_their_life(taken: &Taken<'_>) -> Kept {
    let mut ledger = taken.before.clone();
    for event in &taken.commit.events {
        let single =
            Commit { after: ledger.head(), events: vec![event.clone()], ..taken.commit.clone() };
        let before = ledger.clone();
        prop_assert_eq!(ledger.apply(&single), Ok(()));
        if let Event::Task { id, what } = event {
            let from = before.task(id).map(Task::status);
            let to = ledger.task(id).map(Task::status);
            prop_assert!(follows(from, what, to), "{:?}: {:?} -> {:?} -> {:?}", id, from, what, to);
        }
    }
    Ok(())
}

/// The life of a task, as the wire contract draws it.
fn follows(from: Option<TaskStatus>, event: &task::Event, to: Option<TaskStatus>) -> bool {
    use TaskStatus::{Assigned, Await, Cancelled, Done, Failed, Processing};
    use task::Event;
    let Some(to) = to else { return false };
    let Some(from) = from else { return matches!((event, to), (Event::Submitted(_), Await)) };
    match event {
        Event::Submitted(_) => false,
        Event::Readied => (from, to) == (Await, Await),
        Event::Leased { .. } => (from, to) == (Await, Assigned),
        Event::LeaseRedelivered { .. } => (from, to) == (Assigned, Assigned),
        Event::LeaseExtended { .. } => from == to && matches!(from, Assigned | Processing),
        Event::Progressed(_) | Event::ResultsStored(_) => {
            matches!(from, Assigned | Processing) && to == Processing
        }
        Event::LateResultsKept(_) | Event::LateResultsAdopted { .. } | Event::Reassigned { .. } => {
            from == to && matches!(from, Await | Assigned | Processing)
        }
        Event::WentStale(_) | Event::LeaseEnded { .. } | Event::AttemptFailed { .. } => {
            matches!(from, Assigned | Processing) && to == Await
        }
        Event::Failed { .. } => matches!(from, Await | Assigned | Processing) && to == Failed,
        Event::Completed(_) => (from, to) == (Processing, Done),
        Event::Cancelled { .. } => matches!(from, Await | Assigned | Processing) && to == Cancelled,
        Event::Retried { .. } => matches!(from, Failed | Cancelled) && to == Await,
    }
}

fn a_done_task_never_changes(taken: &Taken<'_>) -> Kept {
    for (id, task) in taken.before.tasks() {
        let leaves = leaving(taken.commit).any(|left| left == id);
        if task.status() == TaskStatus::Done && !leaves {
            prop_assert_eq!(taken.after.task(id), Some(task));
        }
    }
    Ok(())
}

fn a_task_has_one_holder_at_most(taken: &Taken<'_>) -> Kept {
    for (id, task) in taken.after.tasks() {
        let holders: Vec<_> = taken
            .after
            .edges()
            .filter(|(edge, _)| taken.after.held_by(*edge).any(|(held, _)| held == id))
            .map(|(edge, _)| edge)
            .collect();
        let holder: Vec<_> = task.lease().into_iter().map(|lease| lease.edge).collect();
        prop_assert_eq!(holders, holder, "who holds {:?}", id);
    }
    Ok(())
}

fn a_fence_is_the_position_of_its_lease(taken: &Taken<'_>) -> Kept {
    for envelope in taken.commit.envelopes() {
        let Event::Task { id, what: task::Event::Leased { edge, .. } } = envelope.event else {
            continue;
        };
        let lease = taken.after.task(id).and_then(Task::lease);
        let fence = lease.filter(|lease| lease.edge == *edge).map(|lease| lease.fence);
        let expected = u64::from(taken.after.epoch().0) << 40 | envelope.position.get();
        prop_assert_eq!(fence.map(Fence::get), Some(expected));
        prop_assert_eq!(fence.map(Fence::position), Some(envelope.position));
        prop_assert!(expected < 1 << 53, "a fence is exact in any JSON");
    }
    Ok(())
}

fn only_the_holder_reports(taken: &Taken<'_>) -> Kept {
    let Command::Task(id, task::Command::Holder(fence, _)) = taken.command else { return Ok(()) };
    let lease = taken.before.task(id).and_then(Task::lease);
    prop_assert_eq!(lease.map(|lease| lease.edge), taken.asking(), "who reports");
    let Some(lease) = lease else { return Ok(()) };
    prop_assert!(fence.is_none_or(|fence| fence == lease.fence), "under which fence");
    prop_assert!(taken.now < lease.expires_at, "in time");
    Ok(())
}

fn contact_is_what_an_edge_asked_and_got(taken: &Taken<'_>) -> Kept {
    for (id, edge) in taken.after.edges() {
        let before = taken.before.edge(id).and_then(|edge| edge.contact());
        let registers = matches!(taken.command, Command::Register(_))
            && taken.commit.events.iter().any(
                |event| matches!(event, Event::Edge { id: registered, .. } if *registered == id),
            );
        if registers || taken.asking() == Some(id) {
            prop_assert_eq!(edge.contact().map(|contact| contact.at), Some(taken.now));
        } else {
            prop_assert_eq!(edge.contact(), before, "{:?} did not ask", id);
        }
    }
    Ok(())
}

fn a_disabled_edge_holds_nothing(taken: &Taken<'_>) -> Kept {
    for (id, edge) in taken.after.edges() {
        if matches!(edge.standing(), Standing::Disabled { .. }) {
            prop_assert_eq!(taken.after.held_by(id).count(), 0, "{:?} is disabled", id);
        }
    }
    Ok(())
}

fn nobody_in_quarantine_gets_anything_new(taken: &Taken<'_>) -> Kept {
    for (id, what) in taken.task_events() {
        let task::Event::Leased { edge, .. } = what else { continue };
        let standing = taken.before.edge(*edge).map(|edge| edge.standing().clone());
        let had = taken.before.task(id).and_then(Task::lease).map(|lease| lease.edge);
        let may = matches!(standing, Some(Standing::Active)) || had == Some(*edge);
        prop_assert!(may, "{:?} is {:?} and did not hold {:?}", edge, standing, id);
    }
    Ok(())
}

fn capacity_is_kept(taken: &Taken<'_>) -> Kept {
    let (Command::Poll(poll), Some(id)) = (taken.command, taken.asking()) else { return Ok(()) };
    let holds = |ledger: &Ledger| ledger.held_by(id).count();
    if holds(taken.before) < holds(taken.after) {
        let allowed = taken.before.edge(id).map_or(0, |edge| edge.capacity());
        let most = allowed.min(poll.capacity) as usize;
        prop_assert!(holds(taken.after) <= most, "{} of {}", holds(taken.after), most);
    }
    let leases = taken.task_events().filter(|(_, what)| {
        matches!(what, task::Event::Leased { .. } | task::Event::LeaseRedelivered { .. })
    });
    prop_assert!(leases.count() <= 1, "a poll hands out one lease at most");
    Ok(())
}

fn attempts_stay_within_their_bound(taken: &Taken<'_>) -> Kept {
    for (id, task) in taken.after.tasks() {
        let most = task.terms().max_attempts;
        let attempt = task.lease().map_or(0, |lease| lease.attempt);
        prop_assert!(task.attempts() <= most && attempt <= most, "{:?} of {}", id, most);
    }
    Ok(())
}

/// They stay in the journal; in memory their number is enough.
fn a_finished_task_keeps_no_ids_of_rows(taken: &Taken<'_>) -> Kept {
    for (id, _) in taken.task_events() {
        let Some(task) = taken.after.task(id) else { continue };
        if matches!(task.state(), task::State::Finished { .. }) {
            let kept = serde_json::to_value(task).unwrap_or_default();
            prop_assert_eq!(&kept["rows"]["ids"], &serde_json::json!([]), "of {:?}", id);
        }
    }
    Ok(())
}

/// And a page begins where the one before it ended.
fn all_list_in_the_order_they_came(taken: &Taken<'_>) -> Kept {
    let ledger = taken.after;
    let tokens: Vec<_> = ledger.tokens().map(|(_, token)| token.created_position()).collect();
    let edges: Vec<_> = ledger.edges().map(|(_, edge)| edge.registered_position()).collect();
    let tasks: Vec<_> = ledger.tasks().map(|(_, task)| task.submitted_position()).collect();
    for positions in [&tokens, &edges, &tasks] {
        prop_assert!(positions.is_sorted_by(|earlier, later| earlier < later), "{:?}", positions);
    }
    let counts = ledger.counts();
    let listed = (tokens.len(), edges.len(), tasks.len());
    prop_assert_eq!(listed, (counts.tokens, counts.edges, counts.tasks), "nobody is left out");
    if let Some(middle) = tasks.get(tasks.len() / 2) {
        let page = ledger.tasks_after(*middle).map(|(_, task)| task.submitted_position());
        prop_assert_eq!(page.collect::<Vec<_>>(), &tasks[tasks.len() / 2 + 1..]);
    }
    Ok(())
}

/// And takes its id and its dedupe key along.
fn only_what_is_finished_leaves(taken: &Taken<'_>) -> Kept {
    let leaving: BTreeSet<_> = leaving(taken.commit).collect();
    for (id, task) in taken.before.tasks() {
        let key = task.dedupe_key().and_then(|key| taken.after.task_of_dedupe_key(key));
        if leaving.contains(id) {
            prop_assert!(task.finished_at().is_some(), "{:?} is {}", id, task.status());
            prop_assert_eq!((taken.after.task(id), key), (None, None), "{:?} has left", id);
        } else {
            prop_assert!(taken.after.task(id).is_some(), "{:?} stays", id);
            prop_assert_eq!(key.map(|(id, _)| id), task.dedupe_key().map(|_| id));
        }
    }
    let count = |ledger: &Ledger| (ledger.counts().archived, ledger.counts().tasks);
    let (left, stayed) = (count(taken.before), count(taken.after));
    prop_assert_eq!(stayed.0 - left.0, leaving.len() as u64);
    if !leaving.is_empty() {
        prop_assert_eq!(left.1 - stayed.1, leaving.len());
    }
    Ok(())
}

fn the_finished_list_in_the_order_they_finished(taken: &Taken<'_>) -> Kept {
    let listed: Vec<_> = taken.after.finished().map(|(_, task)| task.last_milestone()).collect();
    let mut finished: Vec<_> = taken
        .after
        .tasks()
        .filter(|(_, task)| task.finished_at().is_some())
        .map(|(_, task)| task.last_milestone())
        .collect();
    finished.sort_unstable();
    prop_assert_eq!(listed, finished);
    Ok(())
}

fn every_lease_has_an_end_that_falls_due(taken: &Taken<'_>) -> Kept {
    let next = taken.after.next_due();
    for lease in taken.after.tasks().filter_map(|(_, task)| task.lease()) {
        prop_assert!(next.is_some_and(|next| next <= lease.expires_at), "{:?}", lease);
        let due: Vec<_> = taken.after.due(lease.expires_at).collect();
        prop_assert!(!due.is_empty(), "{:?} ends, and nothing is due", lease);
    }
    Ok(())
}
