//! Tasks.
use std::collections::{BTreeMap, BTreeSet};

use edge_ledger_core::{
    EdgeId, Position, TaskId, Timestamp,
    task::{
        self, Command, Fence, HolderCommand, OperatorCommand, Poll, Spec, Submission, SystemCommand,
    },
};

use super::{Answer, Model};

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) spec: Spec,
    pub(super) assigned_to: Option<EdgeId>,
    pub(super) run: u32,
    /// The turn in which its run began.
    age: u64,
    /// Attempts that are over.
    pub(super) used: u32,
    deadline: Option<Timestamp>,
    pub(super) state: State,
    pub(super) rows: BTreeSet<String>,
    pub(super) late: Vec<Late>,
    /// Who has held this run.
    past: BTreeSet<EdgeId>,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    Waits(Option<Timestamp>),
    Held(Held),
    Done,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) by: EdgeId,
    /// The turn in which it was leased.
    since: u64,
    pub(super) attempt: u32,
    pub(super) until: Timestamp,
    /// How often it was handed out again.
    pub(super) again: u8,
    pub(super) begun: bool,
    pub(super) fence: Option<Fence>,
}

#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) kept_at: Option<Position>,
    run: u32,
    rows: Vec<String>,
}

impl Task {
    pub(super) fn learn(&mut self, task: &task::Task) {
        if let (State::Held(held), Some(lease)) = (&mut self.state, task.lease()) {
            held.fence = Some(lease.fence);
        }
        for (late, kept) in self.late.iter_mut().zip(task.late_results()) {
            late.kept_at = Some(kept.kept_at);
        }
    }

    pub(super) fn is_held_by(&self, edge: EdgeId) -> bool {
        matches!(&self.state, State::Held(held) if held.by == edge)
    }

    /// Ends its lease, if it has one; the attempt does not count.
    pub(super) fn give_up(&mut self) {
        if let State::Held(held) = &self.state {
            self.used = held.attempt - 1;
            self.past.insert(held.by);
            self.state = State::Waits(None);
        }
    }

    /// Gives its lease its whole time again, if it has one.
    pub(super) fn extend(&mut self, now: Timestamp) {
        let until = now.after(self.spec.terms.lease_time);
        if let State::Held(held) = &mut self.state {
            held.until = held.until.max(until);
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Failed | State::Cancelled)
    }

    fn end(&mut self, state: State) {
        if let State::Held(held) = &self.state {
            self.past.insert(held.by);
        }
        self.state = state;
    }

    /// Ends an attempt that counts; the next one waits for the backoff from when it ended.
    fn end_attempt(&mut self, id: &TaskId, ended_at: Timestamp, now: Timestamp) {
        let State::Held(held) = &self.state else { return };
        let attempt = held.attempt;
        self.used = attempt;
        if attempt >= self.spec.terms.max_attempts {
            return self.end(State::Failed);
        }
        let ready_at = ended_at.after(self.spec.terms.backoff.wait(id, self.run, attempt));
        self.end(State::Waits((ready_at > now).then_some(ready_at)));
    }

    /// Lets happen what time alone makes happen by `now`, in the order of time.
    fn pass(&mut self, id: &TaskId, now: Timestamp) -> bool {
        let wakes = match &self.state {
            State::Held(held) => Some(held.until),
            State::Waits(ready_at) => *ready_at,
            State::Done | State::Failed | State::Cancelled => return false,
        };
        let wakes = wakes.filter(|at| *at <= now);
        let deadline = self.deadline.filter(|at| *at <= now);
        match (wakes, deadline, &self.state) {
            (None, None, _) => return false,
            (wakes, Some(deadline), _) if wakes.is_none_or(|wakes| deadline < wakes) => {
                self.end(State::Failed);
            }
            (Some(until), _, State::Held(_)) => self.end_attempt(id, until, now),
            (Some(_) | None, _, _) => self.state = State::Waits(None),
        }
        true
    }

    fn worked(&mut self, now: Timestamp) {
        self.extend(now);
        if let State::Held(held) = &mut self.state {
            held.begun = true;
        }
    }

    fn lease(&mut self, by: EdgeId, since: u64, now: Timestamp) {
        self.state = State::Held(Held {
            by,
            since,
            attempt: self.used + 1,
            until: now.after(self.spec.terms.lease_time),
            again: 0,
            begun: false,
            fence: None,
        });
    }
}

impl Model {
    /// Lets happen what time alone makes happen by `now`.
    pub fn pass(&mut self, now: Timestamp) {
        if !self.clock.is_open() {
            return;
        }
        let mut happened = false;
        for (id, task) in &mut self.tasks {
            while task.pass(id, now) {
                happened = true;
            }
        }
        if happened {
            self.clock.committed(now);
        }
    }

    pub(super) fn submit(&mut self, submissions: &[Submission], now: Timestamp) -> Answer {
        let mut seen: Vec<&Submission> = Vec::new();
        let mut fresh: Vec<&Submission> = Vec::new();
        for submission in submissions {
            let spec = &*submission.spec;
            if spec.terms.assigned_to.is_some_and(|edge| !self.edges.contains_key(&edge)) {
                return Err("task_edge_unknown");
            }
            let key =
                |other: &Spec| other.dedupe_key.is_some() && other.dedupe_key == spec.dedupe_key;
            let beside = seen
                .iter()
                .find(|other| other.id == submission.id)
                .or_else(|| seen.iter().find(|other| key(&other.spec)))
                .map(|other| (&other.id, &*other.spec));
            let here = self.tasks.iter().map(|(id, task)| (id, &task.spec));
            let mut ever: Vec<_> = here.chain(&self.archived).collect();
            ever.sort_by_key(|(_, other)| !key(other));
            let known = ever.into_iter().find(|(id, other)| key(other) || **id == submission.id);
            match beside.or(known) {
                Some((_, other)) if other == spec => {}
                Some((id, _)) if *id != submission.id => return Err("task_dedupe_key_taken"),
                Some(_) => return Err("task_id_taken"),
                None => fresh.push(submission),
            }
            if beside.is_none() {
                seen.push(submission);
            }
        }
        for submission in &fresh {
            let age = self.next_turn();
            self.tasks.insert(submission.id.clone(), new_task(&submission.spec, age, now));
        }
        Ok(!fresh.is_empty())
    }

    pub(super) fn archive(&mut self, tasks: &[TaskId]) -> Answer {
        if tasks.is_empty() || tasks.len() > 256 {
            return Err("ledger_archive_size");
        }
        for (nth, id) in tasks.iter().enumerate() {
            if tasks[..nth].contains(id) {
                return Err("ledger_archive_repeats");
            }
            if !self.tasks.get(id).ok_or("task_unknown")?.is_over() {
                return Err("ledger_archive_unfinished");
            }
        }
        for id in tasks {
            self.archived.extend(self.tasks.remove(id).map(|task| (id.clone(), task.spec)));
        }
        Ok(true)
    }

    pub(super) fn poll(&mut self, edge: EdgeId, poll: &Poll, now: Timestamp) -> bool {
        let mut happened = false;
        for id in self.held_by(edge) {
            if poll.holding.as_ref().is_some_and(|holding| holding.contains(&id)) {
                continue;
            }
            happened = true;
            if self.hand_out_again(&id, edge, now) {
                return true;
            }
        }
        let Some(asking) = self.edges.get(&edge) else { return happened };
        let most = poll.capacity.min(asking.capacity) as usize;
        if asking.quarantined || self.held_by(edge).len() >= most {
            return happened;
        }
        let labels = asking.labels.0.clone();
        let may_have = |task: &Task| match task.assigned_to {
            Some(meant_for) => meant_for == edge,
            None => task.spec.terms.requires.0.iter().all(|(k, v)| labels.get(k) == Some(v)),
        };
        let best = self
            .tasks
            .iter()
            .filter(|(_, task)| matches!(task.state, State::Waits(None)) && may_have(task))
            .min_by_key(|(_, task)| (-i64::from(task.spec.terms.priority), task.age))
            .map(|(id, _)| id.clone());
        let since = self.next_turn();
        match best.and_then(|id| self.tasks.get_mut(&id)) {
            Some(task) => {
                task.lease(edge, since, now);
                true
            }
            None => happened,
        }
    }

    /// Lists what an edge holds, oldest lease first.
    fn held_by(&self, edge: EdgeId) -> Vec<TaskId> {
        let mut held: BTreeMap<u64, TaskId> = BTreeMap::new();
        for (id, task) in &self.tasks {
            if let State::Held(lease) = &task.state
                && lease.by == edge
            {
                held.insert(lease.since, id.clone());
            }
        }
        held.into_values().collect()
    }

    /// Hands out a lease that its holder does not seem to know of; returns whether it has one now.
    fn hand_out_again(&mut self, id: &TaskId, edge: EdgeId, now: Timestamp) -> bool {
        let since = self.next_turn();
        let Some(task) = self.tasks.get_mut(id) else { return false };
        let until = now.after(task.spec.terms.lease_time);
        if let State::Held(held) = &mut task.state
            && !held.begun
            && held.again < 3
        {
            held.again += 1;
            held.until = held.until.max(until);
            return true;
        }
        task.end_attempt(id, now, now);
        if task.is_over() {
            return false;
        }
        task.lease(edge, since, now);
        true
    }

    pub(super) fn task(
        &mut self,
        id: &TaskId,
        command: &Command,
        asking: Option<EdgeId>,
        now: Timestamp,
    ) -> Answer {
        let nobody = matches!(
            command,
            Command::Operator(OperatorCommand::Reassign { to: Some(to) })
                if !self.edges.contains_key(to)
        );
        let since = self.next_turn();
        let task = self.tasks.get_mut(id).ok_or("task_unknown")?;
        match command {
            Command::Operator(command) => task.operator(command, nobody, since, now),
            Command::System(command) => Ok(task.system(id, command, now)),
            Command::Holder(fence, command) => {
                let edge = asking.ok_or("task_unknown")?;
                let done = task.holder(id, edge, *fence, command, now)?;
                if let (true, Some(edge)) = (done, self.edges.get_mut(&edge)) {
                    match command {
                        HolderCommand::Complete(_) => edge.failures = 0,
                        HolderCommand::Fail { .. } => edge.failed(),
                        HolderCommand::Heartbeat(_) | HolderCommand::StoreResults(_) => {}
                    }
                }
                Ok(done)
            }
        }
    }
}

impl Task {
    fn holder(
        &mut self,
        id: &TaskId,
        edge: EdgeId,
        fence: Option<Fence>,
        command: &HolderCommand,
        now: Timestamp,
    ) -> Answer {
        if !self.is_held_by(edge) && !self.past.contains(&edge) {
            return Err("task_unknown");
        }
        if self.is_over() {
            return Ok(false);
        }
        let State::Held(held) = &self.state else { return Err("task_lease_lost") };
        if held.by != edge {
            return Err("task_lease_lost");
        }
        if fence.is_some() && fence != held.fence {
            return Err("task_fence_stale");
        }
        let (attempt, begun) = (held.attempt, held.begun);
        match command {
            HolderCommand::Heartbeat(_) => self.worked(now),
            HolderCommand::StoreResults(rows) => {
                self.worked(now);
                self.rows.extend(rows.iter().map(|row| row.config_id.to_string()));
            }
            HolderCommand::Complete(_) if !begun => return Err("task_wrong_status"),
            HolderCommand::Complete(completion) => {
                if !completion.best.iter().all(|best| self.rows.contains(&**best)) {
                    return Err("task_best_unknown");
                }
                if completion.processed > completion.total {
                    return Err("task_progress_beyond_total");
                }
                self.late.clear();
                self.end(State::Done);
            }
            HolderCommand::Fail { retryable: true, .. }
                if attempt < self.spec.terms.max_attempts =>
            {
                self.end_attempt(id, now, now);
            }
            HolderCommand::Fail { .. } => self.end(State::Failed),
        }
        Ok(true)
    }

    fn operator(
        &mut self,
        command: &OperatorCommand,
        to_nobody: bool,
        turn: u64,
        now: Timestamp,
    ) -> Answer {
        match (command, &self.state) {
            (OperatorCommand::Cancel { .. }, State::Cancelled) => Ok(false),
            (OperatorCommand::Retry, State::Failed | State::Cancelled) => {
                self.retry(turn, now);
                Ok(true)
            }
            (OperatorCommand::Retry, _) | (_, State::Done | State::Failed | State::Cancelled) => {
                Err("task_wrong_status")
            }
            (OperatorCommand::Cancel { .. }, _) => {
                self.end(State::Cancelled);
                Ok(true)
            }
            (OperatorCommand::Reassign { .. }, _) if to_nobody => Err("task_edge_unknown"),
            (OperatorCommand::Reassign { to }, state) => {
                let holder = match state {
                    State::Held(held) => Some(held.by),
                    State::Waits(_) | State::Done | State::Failed | State::Cancelled => None,
                };
                let keeps = holder.is_none() || holder == *to;
                let changes = self.assigned_to != *to || !keeps;
                if !keeps {
                    self.give_up();
                }
                self.assigned_to = *to;
                Ok(changes)
            }
            (OperatorCommand::AdoptLateResults { kept_at }, _) => {
                let chosen = |late: &Late| kept_at.is_none() || late.kept_at == *kept_at;
                let (taken, left): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.late).into_iter().partition(chosen);
                self.late = left;
                if taken.is_empty() && kept_at.is_some() {
                    return Err("task_late_results_unknown");
                }
                let any = !taken.is_empty();
                self.rows.extend(taken.into_iter().flat_map(|late| late.rows));
                Ok(any)
            }
        }
    }

    fn retry(&mut self, turn: u64, now: Timestamp) {
        let fresh = new_task(&self.spec, turn, now);
        *self = Self {
            run: self.run + 1,
            assigned_to: self.assigned_to,
            late: std::mem::take(&mut self.late),
            ..fresh
        };
    }

    fn system(&mut self, id: &TaskId, command: &SystemCommand, now: Timestamp) -> bool {
        match command {
            SystemCommand::KeepLateResults { edge, rows } => {
                if self.is_over() || !self.past.contains(edge) {
                    return false;
                }
                let mut kept: Vec<String> = Vec::new();
                for row in rows.iter().map(|row| row.config_id.to_string()) {
                    let of_run = || self.late.iter().filter(|late| late.run == self.run);
                    let is_known = self.rows.contains(&row)
                        || kept.contains(&row)
                        || of_run().any(|late| late.rows.contains(&row));
                    if !is_known {
                        kept.push(row);
                    }
                }
                let any = !kept.is_empty();
                if any {
                    self.late.push(Late { kept_at: None, run: self.run, rows: kept });
                }
                any
            }
            SystemCommand::EndLapsedLease | SystemCommand::Ready | SystemCommand::EndOverdueRun => {
                self.pass(id, now)
            }
        }
    }
}

fn new_task(spec: &Spec, age: u64, now: Timestamp) -> Task {
    Task {
        spec: spec.clone(),
        assigned_to: spec.terms.assigned_to,
        run: 1,
        age,
        used: 0,
        deadline: spec.terms.run_time.map(|span| now.after(span)),
        state: State::Waits(spec.terms.not_before.filter(|at| *at > now)),
        rows: BTreeSet::new(),
        late: Vec::new(),
        past: BTreeSet::new(),
    }
}
