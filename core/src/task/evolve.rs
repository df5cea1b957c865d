//! How events change a task.
use crate::{Position, Timestamp, lifecycle::Epoch};

use super::{
    Completion, Event, Fence, LateResults, Lease, LeaseEnd, LossReason, Lost, Outcome, Progress,
    State, Submitted, Task,
    results::Rows,
    work::{Losses, Trail},
};

impl Task {
    pub(crate) fn submitted(submitted: &Submitted, at: Position, now: Timestamp) -> Self {
        let Submitted { spec, digest, deadline_at, ready_at } = submitted;
        Self {
            name: spec.name.clone(),
            dedupe_key: spec.dedupe_key.clone(),
            digest: *digest,
            terms: spec.terms.clone(),
            submitted_at: now,
            run: 1,
            run_began: at,
            deadline_at: *deadline_at,
            attempts: 0,
            state: State::Awaiting { ready_at: *ready_at },
            work: None,
            trail: Trail::of(at, &[]),
            changes: 1,
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Position, now: Timestamp, epoch: Epoch) {
        self.changes += 1;
        match event {
            Event::Submitted(_) => {}
            Event::Readied => {
                self.state = State::Awaiting { ready_at: None };
                self.trail.push(at);
            }
            Event::Leased { edge, attempt, expires_at } => {
                self.state = State::Leased(Lease {
                    edge: *edge,
                    fence: Fence::of(epoch, at),
                    attempt: *attempt,
                    leased_at: now,
                    expires_at: *expires_at,
                    redeliveries: 0,
                    started: false,
                });
                self.no_progress();
                self.trail.push(at);
            }
            Event::LeaseRedelivered { redeliveries, expires_at } => {
                if let State::Leased(lease) = &mut self.state {
                    lease.redeliveries = *redeliveries;
                    lease.expires_at = *expires_at;
                }
            }
            Event::LeaseExtended { expires_at } => {
                if let State::Leased(lease) = &mut self.state {
                    lease.expires_at = *expires_at;
                }
            }
            Event::Progressed(progressed) => {
                self.worked(progressed.expires_at);
                self.work_mut(|work| work.progress = Some(progressed.progress.clone()));
            }
            Event::ResultsStored(stored) => {
                self.worked(stored.expires_at);
                let config_ids = stored.rows.iter().map(|row| &row.config_id);
                self.work_mut(|work| work.rows.add(config_ids));
                self.trail.push(at);
            }
            Event::LateResultsKept(kept) => {
                let late = LateResults {
                    kept_at: at,
                    edge: kept.edge,
                    run: self.run,
                    config_ids: kept.rows.iter().map(|row| row.config_id.clone()).collect(),
                };
                self.work_mut(|work| work.late.push(late));
                self.trail.push(at);
            }
            Event::LateResultsAdopted { kept_at, config_ids } => {
                self.work_mut(|work| {
                    work.rows.add(config_ids.iter());
                    work.late.retain(|late| late.kept_at != *kept_at);
                });
                self.trail.push(at);
            }
            Event::WentStale(end) => {
                let since = self.lease().map_or(now, |lease| lease.expires_at);
                self.lose(end, LossReason::Lapsed, at, since);
            }
            Event::LeaseEnded { reason, lease } => self.lose(lease, (*reason).into(), at, now),
            Event::AttemptFailed { error, lease } => {
                self.lose(lease, LossReason::Failed, at, now);
                self.work_mut(|work| work.last_error = Some(error.clone()));
            }
            Event::Failed { reason, error } => {
                self.work_mut(|work| work.last_error = Some(error.clone()));
                self.finish(Outcome::Failed { reason: *reason, error: error.clone() }, at, now);
            }
            Event::Completed(completion) => {
                let Completion { processed, total, .. } = **completion;
                self.work_mut(|work| {
                    work.late = Vec::new();
                    work.progress = Some(Progress { processed, total, ..Progress::default() });
                });
                self.finish(Outcome::Completed((**completion).clone()), at, now);
            }
            Event::Cancelled { reason } => {
                self.finish(Outcome::Cancelled { reason: reason.clone() }, at, now);
            }
            Event::Retried { run, deadline_at, ready_at } => {
                self.run = *run;
                self.run_began = at;
                self.deadline_at = *deadline_at;
                self.attempts = 0;
                self.state = State::Awaiting { ready_at: *ready_at };
                self.work_mut(|work| {
                    work.progress = None;
                    work.lost = Losses::default();
                    work.rows = Rows::default();
                });
                self.trail.push(at);
            }
            Event::Reassigned { to } => {
                self.terms.assigned_to = *to;
                self.trail.push(at);
            }
        }
    }

    fn worked(&mut self, until: Timestamp) {
        if let State::Leased(lease) = &mut self.state {
            lease.started = true;
            lease.expires_at = until;
        }
    }

    fn no_progress(&mut self) {
        if self.work.is_some() {
            self.work_mut(|work| work.progress = None);
        }
    }

    fn lose(&mut self, end: &LeaseEnd, reason: LossReason, at: Position, since: Timestamp) {
        self.work_mut(|work| {
            work.lost.insert(end.edge, Lost { fence: end.fence, reason, since });
            work.progress = None;
        });
        self.attempts = end.attempts;
        self.state = State::Awaiting { ready_at: end.ready_at };
        self.trail.push(at);
    }

    fn finish(&mut self, outcome: Outcome, at: Position, now: Timestamp) {
        let held = self.lease().map(|lease| {
            let reason = LossReason::Finished;
            (lease.edge, lease.attempt, Lost { fence: lease.fence, reason, since: now })
        });
        if let Some((edge, attempt, lost)) = held {
            self.attempts = attempt;
            self.work_mut(|work| work.lost.insert(edge, lost));
        }
        if self.work.is_some() {
            self.work_mut(|work| work.rows.close());
        }
        self.state = State::Finished { at: now, outcome };
        self.trail.push(at);
    }
}
