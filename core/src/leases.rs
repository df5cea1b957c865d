//! The leases of a log: what kept each of them alive, how it ended, and whether it would have under
//! another lease time.
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Commit, EdgeId, Event, Millis, Position, TaskId, Timestamp,
    contacts::Contacts,
    lifecycle,
    task::{self, EndReason, FailReason},
};

/// Every lease in a stretch of the log, in the order in which they were granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    all: Vec<Held>,
    /// The places of each task's leases.
    of_task: BTreeMap<TaskId, Vec<usize>>,
    /// When the present run of a task is to have ended.
    deadlines: BTreeMap<TaskId, Timestamp>,
    /// The time of the last commit.
    last: Option<Timestamp>,
}

/// A lease, from its grant to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Of what.
    pub task: TaskId,
    /// Who held it.
    pub edge: EdgeId,
    /// Where it was granted.
    pub granted: Position,
    /// What kept it alive, oldest first; the first is the grant.
    pub signs: Vec<Sign>,
    /// How it ended, if it has.
    pub end: Option<End>,
    /// When its holder first sent results that came too late, if it did.
    pub late_at: Option<Timestamp>,
}

/// Something that set when a lease expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// When.
    pub at: Timestamp,
    /// When the lease expired from then on.
    pub expires_at: Timestamp,
    /// If the ledger gave it more time because it had been closed: its last sign of life before.
    pub closed_since: Option<Timestamp>,
}

/// The end of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When. What time alone brought about counts from when it was due, not from when that was
    /// noticed.
    pub at: Timestamp,
    /// How.
    pub how: Ended,
    /// If the ledger ended it as it opened: its last sign of life before.
    pub closed_since: Option<Timestamp>,
}

/// How a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing was heard from its holder in time.
    Lapsed,
    /// It was ended for another reason.
    Otherwise(EndReason),
    /// The attempt failed, and another may go better.
    AttemptFailed,
    /// The run ended without success.
    Failed(FailReason),
    /// The run ended with success.
    Completed,
    /// An operator ended the run.
    Cancelled,
}

impl Leases {
    /// Takes the next commit.
    pub fn apply(&mut self, commit: &Commit) {
        let now = commit.recorded_at;
        let opens = commit
            .events
            .iter()
            .any(|event| matches!(event, Event::Ledger(lifecycle::Event::Opened { .. })));
        let closed_since = self.last.filter(|_| opens);
        for envelope in commit.envelopes() {
            match envelope.event {
                Event::Task { id, what } => {
                    let position = envelope.position;
                    self.evolve(id, what, When { position, now, closed_since });
                }
                Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => {}
            }
        }
        self.last = Some(now);
    }

    /// Lists them.
    #[must_use]
    pub fn all(&self) -> &[Held] {
        &self.all
    }

    /// Returns the time of the last commit.
    #[must_use]
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    fn evolve(&mut self, id: &TaskId, what: &task::Event, when: When) {
        let When { position, now, closed_since } = when;
        match what {
            task::Event::Submitted(submitted) => self.deadline(id, submitted.deadline_at),
            task::Event::Retried { deadline_at, .. } => self.deadline(id, *deadline_at),
            task::Event::Leased { edge, expires_at, .. } => {
                let sign = Sign { at: now, expires_at: *expires_at, closed_since: None };
                self.of_task.entry(id.clone()).or_default().push(self.all.len());
                self.all.push(Held {
                    task: id.clone(),
                    edge: *edge,
                    granted: position,
                    signs: vec![sign],
                    end: None,
                    late_at: None,
                });
            }
            task::Event::LeaseRedelivered { expires_at, .. } => self.sign(id, now, *expires_at),
            task::Event::LeaseExtended { expires_at } => {
                let sign = Sign { at: now, expires_at: *expires_at, closed_since };
                self.open(id).into_iter().for_each(|held| held.signs.push(sign));
            }
            task::Event::Progressed(progressed) => self.sign(id, now, progressed.expires_at),
            task::Event::ResultsStored(stored) => self.sign(id, now, stored.expires_at),
            task::Event::LateResultsKept(kept) => {
                let places = self.of_task.get(id).map_or(&[][..], Vec::as_slice);
                // It may hold the task again: what is late is about a lease that is over.
                let lost = |place: &&usize| {
                    let held = &self.all[**place];
                    held.edge == kept.edge && held.end.is_some()
                };
                if let Some(&place) = places.iter().rev().find(lost) {
                    let held = &mut self.all[place];
                    held.late_at = held.late_at.or(Some(now));
                }
            }
            task::Event::WentStale(_) => {
                let expired = self.open(id).and_then(|held| held.signs.last());
                let at = expired.map_or(now, |sign| sign.expires_at);
                self.end(id, End { at, how: Ended::Lapsed, closed_since: None });
            }
            task::Event::Failed { reason, .. } => {
                let due = self.deadlines.get(id).filter(|_| *reason == FailReason::DeadlineMissed);
                let at = due.map_or(now, |due| now.min(*due));
                self.end(id, End { at, how: Ended::Failed(*reason), closed_since });
            }
            task::Event::LeaseEnded { reason, .. } => {
                self.end(id, End { at: now, how: Ended::Otherwise(*reason), closed_since });
            }
            task::Event::AttemptFailed { .. } => {
                self.end(id, End { at: now, how: Ended::AttemptFailed, closed_since });
            }
            task::Event::Completed(_) => {
                self.end(id, End { at: now, how: Ended::Completed, closed_since });
            }
            task::Event::Cancelled { .. } => {
                self.end(id, End { at: now, how: Ended::Cancelled, closed_since });
            }
            task::Event::Readied
            | task::Event::LateResultsAdopted { .. }
            | task::Event::Reassigned { .. } => {}
        }
    }

    fn deadline(&mut self, id: &TaskId, deadline_at: Option<Timestamp>) {
        match deadline_at {
            Some(deadline) => drop(self.deadlines.insert(id.clone(), deadline)),
            None => drop(self.deadlines.remove(id)),
        }
    }

    fn sign(&mut self, id: &TaskId, at: Timestamp, expires_at: Timestamp) {
        if let Some(held) = self.open(id) {
            held.signs.push(Sign { at, expires_at, closed_since: None });
        }
    }

    fn end(&mut self, id: &TaskId, end: End) {
        if let Some(held) = self.open(id) {
            held.end = Some(end);
        }
    }

    fn open(&mut self, id: &TaskId) -> Option<&mut Held> {
        let place = *self.of_task.get(id)?.last()?;
        self.all.get_mut(place).filter(|held| held.end.is_none())
    }
}

/// Where and when an event happened.
#[derive(Clone, Copy, Debug)]
struct When {
    position: Position,
    now: Timestamp,
    /// If the ledger opened with it: its last sign of life before.
    closed_since: Option<Timestamp>,
}

/// What would have become of a lease under another lease time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What did become of it.
    Same,
    /// It lapsed, and would not have.
    Kept {
        /// When its holder was next heard of, within the longer lease.
        heard_at: Timestamp,
        /// Whether that was about the task itself: results that came too late. If not, the edge was
        /// alive, and nobody knows whether it still worked on the task.
        about_task: bool,
    },
    /// It lapsed, and would have lapsed at another time.
    Moved {
        /// When.
        at: Timestamp,
    },
    /// It did not lapse, and would have.
    Lapses {
        /// When.
        at: Timestamp,
    },
    /// Nobody knows: an earlier lease of the task would have gone otherwise.
    Unknown,
}

impl Leases {
    /// Judges each lease under another lease time, in the order in which they were granted.
    ///
    /// The holder is taken to have done what it did, when it did it. That is good up to the first
    /// lease of a task that would have gone otherwise: from then on edges would have been told
    /// other things. Signs of life that were refused, because the lease had lapsed, left no trace;
    /// `contacts`, in which every contact is kept, say when the edge was next heard of at all.
    #[must_use]
    pub fn under<'a>(
        &'a self,
        lease_time: Millis,
        contacts: &Contacts,
    ) -> Vec<(&'a Held, Verdict)> {
        let mut diverged: BTreeSet<&TaskId> = BTreeSet::new();
        let judge = |held: &'a Held| {
            if diverged.contains(&held.task) {
                return (held, Verdict::Unknown);
            }
            let verdict = self.verdict(held, lease_time, contacts);
            if verdict != Verdict::Same {
                diverged.insert(&held.task);
            }
            (held, verdict)
        };
        self.all.iter().map(judge).collect()
    }

    fn verdict(&self, held: &Held, lease_time: Millis, contacts: &Contacts) -> Verdict {
        let lapsed = held.end.filter(|end| end.how == Ended::Lapsed);
        let would_lapse = |at| match lapsed {
            Some(end) if end.at == at => Verdict::Same,
            Some(_) => Verdict::Moved { at },
            None => Verdict::Lapses { at },
        };
        let mut expires_at = Timestamp::from_millis(i64::MAX);
        for sign in &held.signs {
            // Nothing lapses while the ledger is closed, and as it opens every lease is extended.
            let listened_until = sign.closed_since.unwrap_or(sign.at);
            if expires_at <= listened_until {
                return would_lapse(expires_at);
            }
            expires_at = match sign.closed_since {
                Some(_) => expires_at.max(sign.at.after(lease_time)),
                None => sign.at.after(lease_time),
            };
        }
        match (held.end, lapsed) {
            (_, Some(lapse)) if expires_at <= lapse.at => would_lapse(expires_at),
            (_, Some(lapse)) => {
                let late_at = held.late_at.filter(|at| *at < expires_at);
                let heard_at = contacts.heard(held.edge, lapse.at).filter(|at| *at < expires_at);
                match late_at.or(heard_at) {
                    Some(heard_at) => Verdict::Kept { heard_at, about_task: late_at.is_some() },
                    None => would_lapse(expires_at),
                }
            }
            (Some(end), None) if expires_at <= end.closed_since.unwrap_or(end.at) => {
                would_lapse(expires_at)
            }
            (None, None) if self.last.is_some_and(|last| expires_at <= last) => {
                would_lapse(expires_at)
            }
            (Some(_) | None, None) => Verdict::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        Cause, CommandId, CredentialId, Principal,
        lifecycle::Epoch,
        task::{Fence, LeaseEnd, Progress, Progressed},
    };

    const EDGE: EdgeId = EdgeId::from_uuid(Uuid::nil());

    #[test]
    fn a_lease_is_kept_if_its_holder_was_heard_of_within_the_longer_time() {
        for (heard, lease, verdict) in [
            (85, 90, Verdict::Kept { heard_at: at(85), about_task: false }),
            (90, 90, Verdict::Moved { at: at(90) }),
            (91, 90, Verdict::Moved { at: at(90) }),
            (61, 60, Verdict::Same),
            (61, 50, Verdict::Moved { at: at(50) }),
        ] {
            let log = log([(0, leased(60)), (60, lapsed()), (heard, beat())]);

            assert_eq!(judged(&log, lease), [verdict], "heard of at {heard}, {lease} s");
        }
    }

    #[test]
    fn a_lease_lapses_where_a_silence_of_its_holder_was_as_long_as_the_shorter_time() {
        let log = log([(0, leased(60)), (10, work(60)), (40, work(60)), (45, completed())]);

        assert_eq!(judged(&log, 31), [Verdict::Same]);
        assert_eq!(judged(&log, 30), [Verdict::Lapses { at: at(40) }]);
    }

    #[test]
    fn no_lease_lapses_while_the_ledger_is_closed() {
        let log = log([
            (0, leased(60)),
            (10, work(60)),
            (500, opened_and_extended(60)),
            (530, work(60)),
            (531, completed()),
        ]);

        assert_eq!(judged(&log, 40), [Verdict::Same]);
        assert_eq!(judged(&log, 30), [Verdict::Lapses { at: at(530) }]);
        assert_eq!(judged(&log, 10), [Verdict::Lapses { at: at(10) }]);
    }

    #[test]
    fn nothing_is_known_of_a_task_once_one_of_its_leases_would_have_gone_otherwise() {
        let log = log([
            (0, leased(60)),
            (60, lapsed()),
            (61, leased(60)),
            (70, beat()),
            (80, completed()),
        ]);

        let kept = Verdict::Kept { heard_at: at(61), about_task: false };
        assert_eq!(judged(&log, 90), [kept, Verdict::Unknown]);
    }

    fn judged(log: &[Commit], lease: u64) -> Vec<Verdict> {
        let (mut leases, mut contacts) = (Leases::default(), Contacts::new(Millis::ZERO));
        for commit in log {
            leases.apply(commit);
            contacts.apply(commit);
        }
        let judged = leases.under(Millis::from_secs(lease), &contacts);
        judged.into_iter().map(|(_, verdict)| verdict).collect()
    }

    /// What happens, at a time, and whether the edge makes it happen.
    type Step = (bool, Box<dyn Fn(Timestamp) -> Vec<Event>>);

    fn log<const N: usize>(steps: [(i64, Step); N]) -> Vec<Commit> {
        let mut after = Position::START;
        let commits = steps.into_iter().map(|(secs, (by_edge, events))| {
            let credential = CredentialId::from_uuid(Uuid::nil());
            let principal = match by_edge {
                true => Principal::Edge { edge: EDGE, credential },
                false => Principal::System,
            };
            let command = CommandId::from_uuid(Uuid::nil());
            let cause = Cause { command, principal, idempotency: None };
            let commit = Commit { after, recorded_at: at(secs), cause, events: events(at(secs)) };
            after = commit.head();
            commit
        });
        commits.collect()
    }

    fn leased(secs: u64) -> Step {
        let what = move |now: Timestamp| {
            let expires_at = now.after(Millis::from_secs(secs));
            vec![of_task(task::Event::Leased { edge: EDGE, attempt: 1, expires_at })]
        };
        (true, Box::new(what))
    }

    fn work(secs: u64) -> Step {
        let what = move |now: Timestamp| {
            let expires_at = now.after(Millis::from_secs(secs));
            let progressed = Progressed { progress: Progress::default(), expires_at };
            vec![of_task(task::Event::Progressed(Box::new(progressed)))]
        };
        (true, Box::new(what))
    }

    fn opened_and_extended(secs: u64) -> Step {
        let what = move |now: Timestamp| {
            let expires_at = now.after(Millis::from_secs(secs));
            let opened = lifecycle::Event::Opened { epoch: Epoch(0) };
            vec![Event::Ledger(opened), of_task(task::Event::LeaseExtended { expires_at })]
        };
        (false, Box::new(what))
    }

    fn lapsed() -> Step {
        let end = LeaseEnd { edge: EDGE, fence: Fence::new(1), attempts: 1, ready_at: None };
        (false, Box::new(move |_| vec![of_task(task::Event::WentStale(end))]))
    }

    fn completed() -> Step {
        let completion = || task::Completion { best: Box::default(), processed: 0, total: 0 };
        (true, Box::new(move |_| vec![of_task(task::Event::Completed(Box::new(completion())))]))
    }

    fn beat() -> Step {
        (true, Box::new(|_| vec![Event::Ledger(lifecycle::Event::Ticked)]))
    }

    fn of_task(what: task::Event) -> Event {
        Event::Task { id: "job".parse().unwrap(), what }
    }

    const fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }
}
