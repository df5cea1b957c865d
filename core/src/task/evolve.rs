//! How events change a task.
use std::collections::BTreeMap;

use crate::{Position, Timestamp, lifecycle::Epoch};

use super::{
    Completion, Event, Fence, LateResults, Lease, LeaseEnd, LossReason, Lost, Outcome, Progress,
    State, Submitted, Task, results::Rows,
};

impl Task {
    pub(crate) fn submitted(submitted: &Submitted, at: Position, now: Timestamp) -> Self {
        let Submitted { spec, digest, deadline_at, ready_at } = submitted;
        Self {
            name: spec.name.clone(),
            dedupe_key: spec.dedupe_key.clone(),
            digest: *digest,
            terms: spec.terms.clone(),
            submitted: at,
            submitted_at: now,
            run: 1,
            run_began: at,
            deadline_at: *deadline_at,
            attempts: 0,
            state: State::Awaiting { ready_at: *ready_at },
            progress: None,
            lost: BTreeMap::new(),
            last_error: None,
            rows: Rows::default(),
            late: Vec::new(),
            trail: vec![at],
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
                self.progress = None;
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
                self.progress = Some(progressed.progress.clone());
            }
            Event::ResultsStored(stored) => {
                self.worked(stored.expires_at);
                self.rows.add(stored.rows.iter().map(|row| &row.config_id));
                self.trail.push(at);
            }
            Event::LateResultsKept(kept) => {
                self.late.push(LateResults {
                    kept_at: at,
                    edge: kept.edge,
                    run: self.run,
                    config_ids: kept.rows.iter().map(|row| row.config_id.clone()).collect(),
                });
                self.trail.push(at);
            }
            Event::LateResultsAdopted { kept_at, config_ids } => {
                self.rows.add(config_ids.iter());
                self.late.retain(|late| late.kept_at != *kept_at);
                self.trail.push(at);
            }
            Event::WentStale(end) => {
                let since = self.lease().map_or(now, |lease| lease.expires_at);
                self.lose(end, LossReason::Lapsed, at, since);
            }
            Event::LeaseEnded { reason, lease } => self.lose(lease, (*reason).into(), at, now),
            Event::AttemptFailed { error, lease } => {
                self.lose(lease, LossReason::Failed, at, now);
                self.last_error = Some(error.clone());
            }
            Event::Failed { reason, error } => {
                self.last_error = Some(error.clone());
                self.finish(Outcome::Failed { reason: *reason, error: error.clone() }, at, now);
            }
            Event::Completed(completion) => {
                self.late = Vec::new();
                let Completion { processed, total, .. } = **completion;
                self.progress = Some(Progress { processed, total, ..Progress::default() });
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
                self.progress = None;
                self.lost = BTreeMap::new();
                self.rows = Rows::default();
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

    fn lose(&mut self, end: &LeaseEnd, reason: LossReason, at: Position, since: Timestamp) {
        self.lost.insert(end.edge, Lost { fence: end.fence, reason, since });
        self.attempts = end.attempts;
        self.state = State::Awaiting { ready_at: end.ready_at };
        self.progress = None;
        self.trail.push(at);
    }

    fn finish(&mut self, outcome: Outcome, at: Position, now: Timestamp) {
        if let State::Leased(lease) = &self.state {
            self.attempts = lease.attempt;
            let reason = LossReason::Finished;
            self.lost.insert(lease.edge, Lost { fence: lease.fence, reason, since: now });
        }
        self.state = State::Finished { at: now, outcome };
        self.rows.close();
        self.trail.push(at);
    }
}
