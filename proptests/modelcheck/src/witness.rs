//! What the ledger has said so far, as one outside of it writes it down, and what it may never say.
//!
//! It hears events and nothing else, and keeps books of its own: who was told to hold what until
//! when, which rows were taken, what has ended. Where a commit or the ledger contradicts them, a
//! claim is broken.
use edge_ledger_core::{
    Command, Commit, EdgeId, Event, Ledger, Principal, Timestamp, edge,
    task::{self, Fence, HolderCommand, OperatorCommand, Outcome, Row, SystemCommand, TaskStatus},
};

use crate::{Bounds, Edge, Task, cast::row_number};

/// What holds whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Claim {
    /// A task has one holder at a time, who holds it for as long as it was told unless it, an
    /// operator or the end of the run says otherwise.
    OneHolder,
    /// Nothing is accepted but under the fence of the present lease, and every lease has a higher
    /// one than all before.
    NothingUnderAnOldFence,
    /// Each row that was accepted is stored once, and stays.
    NoRowLostOrDoubled,
    /// What has ended stays as it ended, until an operator begins a new run of what did not succeed.
    TheEndStays,
    /// An edge in quarantine is granted nothing that it did not hold.
    QuarantineGrantsNothing,
    /// A ledger that is opened again is the one that was closed.
    ARestartChangesNothing,
}

impl Claim {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OneHolder,
        Self::NothingUnderAnOldFence,
        Self::NoRowLostOrDoubled,
        Self::TheEndStays,
        Self::QuarantineGrantsNothing,
        Self::ARestartChangesNothing,
    ];

    /// Returns it in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneHolder => "a task has one holder at a time",
            Self::NothingUnderAnOldFence => "nothing is accepted under an old fence",
            Self::NoRowLostOrDoubled => "no stored row is lost or doubled",
            Self::TheEndStays => "what has ended stays as it ended",
            Self::QuarantineGrantsNothing => "quarantine grants nothing",
            Self::ARestartChangesNothing => "a restart changes nothing",
        }
    }
}

/// The books, and the claims that were broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub(crate) tasks: Vec<Told>,
    /// The edges that may not be granted anything, by number.
    pub(crate) barred: u8,
    /// A bit a claim.
    pub(crate) broken: u8,
}

/// What was told of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) holder: Option<Holder>,
    pub(crate) newest: Fence,
    /// The rows of the present run, by number.
    pub(crate) rows: u8,
    pub(crate) ended: Option<TaskStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) edge: Edge,
    pub(crate) fence: Fence,
    /// Until when it was told that it holds the task.
    pub(crate) until: Timestamp,
}

impl Witness {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let told = Told { holder: None, newest: Fence::new(0), rows: 0, ended: None };
        Self { tasks: vec![told; bounds.tasks.into()], barred: 0, broken: 0 }
    }

    /// Returns whether a claim has not been broken.
    #[must_use]
    pub const fn holds(&self, claim: Claim) -> bool {
        self.broken & (1 << claim as u8) == 0
    }

    /// Returns whether all claims hold.
    #[must_use]
    pub const fn holds_all(&self) -> bool {
        self.broken == 0
    }

    pub(crate) fn breaks(&mut self, claim: Claim) {
        self.broken |= 1 << claim as u8;
    }

    /// Hears a commit, with the command that it answers and the ledger after it.
    pub(crate) fn hear(
        &mut self,
        bounds: &Bounds,
        command: &Command,
        commit: &Commit,
        ledger: &Ledger,
    ) {
        let heard = Heard { command, commit, held: self.held() };
        self.accepted(bounds, &heard);
        for envelope in commit.envelopes() {
            match envelope.event {
                Event::Ledger(_) | Event::Token { .. } => {}
                Event::Edge { id, what } => self.edge(Edge::of(*id), what),
                Event::Task { id, what } => {
                    if let Some(task) = Task::of(id, bounds) {
                        let fence = Fence::of(ledger.epoch(), envelope.position);
                        self.task(task, what, fence, &heard);
                    }
                }
            }
        }
        self.compare(bounds, ledger);
    }

    /// A report was accepted: it was the holder's, under its fence, in time.
    fn accepted(&mut self, bounds: &Bounds, heard: &Heard<'_>) {
        let Command::Task(id, task::Command::Holder(Some(fence), _)) = heard.command else {
            return;
        };
        let held = Task::of(id, bounds).and_then(|task| heard.held[usize::from(task.0)]);
        let right = held.is_some_and(|held| {
            heard.asking() == Some(held.edge)
                && held.fence == *fence
                && heard.commit.recorded_at < held.until
        });
        if !right {
            self.breaks(Claim::NothingUnderAnOldFence);
        }
    }

    fn edge(&mut self, edge: Edge, what: &edge::Event) {
        let bit = 1 << edge.0;
        match what {
            edge::Event::Quarantined { .. } | edge::Event::Disabled { .. } => self.barred |= bit,
            edge::Event::Released | edge::Event::Enabled => self.barred &= !bit,
            edge::Event::Registered { .. }
            | edge::Event::Reregistered { .. }
            | edge::Event::CredentialIssued { .. }
            | edge::Event::CredentialExpirySet { .. }
            | edge::Event::CredentialEnded { .. }
            | edge::Event::Reported(_)
            | edge::Event::FailureCounted { .. }
            | edge::Event::FailuresCleared
            | edge::Event::LabelsSet(_)
            | edge::Event::CapacitySet(_) => {}
        }
    }

    fn task(&mut self, task: Task, what: &task::Event, fence: Fence, heard: &Heard<'_>) {
        let of = usize::from(task.0);
        if self.tasks[of].ended.is_some() && !matches!(what, task::Event::Retried { .. }) {
            self.breaks(Claim::TheEndStays);
        }
        match what {
            task::Event::Submitted(_) | task::Event::Readied | task::Event::Reassigned { .. } => {}
            task::Event::Leased { edge, expires_at, .. } => {
                self.leased(task, *edge, fence, *expires_at, heard);
            }
            task::Event::LeaseRedelivered { expires_at, .. }
            | task::Event::LeaseExtended { expires_at } => self.extended(of, *expires_at),
            task::Event::Progressed(progressed) => self.extended(of, progressed.expires_at),
            task::Event::ResultsStored(stored) => {
                self.extended(of, stored.expires_at);
                let new = numbers(&heard.sent()) & !self.tasks[of].rows;
                self.took(of, stored.rows.iter().map(|row| row_number(&row.config_id)));
                if numbers(&stored.rows) != new {
                    self.breaks(Claim::NoRowLostOrDoubled);
                }
            }
            task::Event::LateResultsKept(_) => {}
            task::Event::LateResultsAdopted { config_ids, .. } => {
                self.took(of, config_ids.iter().map(|id| row_number(id)));
            }
            task::Event::WentStale(_) => {
                let until = self.tasks[of].holder.map(|holder| holder.until);
                if until.is_none_or(|until| heard.commit.recorded_at < until) {
                    self.breaks(Claim::OneHolder);
                }
                self.tasks[of].holder = None;
            }
            task::Event::LeaseEnded { .. } | task::Event::AttemptFailed { .. } => {
                let holder = self.tasks[of].holder.take();
                let by = heard.asking();
                if holder.is_none_or(|holder| by.is_some_and(|by| by != holder.edge)) {
                    self.breaks(Claim::OneHolder);
                }
            }
            task::Event::Failed { .. } => self.ended(of, TaskStatus::Failed),
            task::Event::Completed(_) => self.ended(of, TaskStatus::Done),
            task::Event::Cancelled { .. } => self.ended(of, TaskStatus::Cancelled),
            task::Event::Retried { .. } => {
                let ended = self.tasks[of].ended.take();
                let may = matches!(ended, Some(TaskStatus::Failed | TaskStatus::Cancelled));
                if !may || !heard.is_retry() {
                    self.breaks(Claim::TheEndStays);
                }
                self.tasks[of].rows = 0;
            }
        }
    }

    fn leased(
        &mut self,
        task: Task,
        edge: EdgeId,
        fence: Fence,
        until: Timestamp,
        heard: &Heard<'_>,
    ) {
        let of = usize::from(task.0);
        let edge = Edge::of(edge);
        let told = &mut self.tasks[of];
        let is_new = told.newest < fence;
        let was_held = told.holder.replace(Holder { edge, fence, until }).is_some();
        told.newest = fence;
        if !is_new {
            self.breaks(Claim::NothingUnderAnOldFence);
        }
        if was_held {
            self.breaks(Claim::OneHolder);
        }
        let held_it = heard.held[of].is_some_and(|held| held.edge == edge);
        if self.barred & (1 << edge.0) != 0 && !held_it {
            self.breaks(Claim::QuarantineGrantsNothing);
        }
    }

    fn extended(&mut self, of: usize, until: Timestamp) {
        match &mut self.tasks[of].holder {
            Some(holder) => holder.until = until,
            None => self.breaks(Claim::OneHolder),
        }
    }

    fn took(&mut self, of: usize, rows: impl Iterator<Item = u8>) {
        for row in rows {
            let bit = 1 << row;
            if self.tasks[of].rows & bit != 0 {
                self.breaks(Claim::NoRowLostOrDoubled);
            }
            self.tasks[of].rows |= bit;
        }
    }

    fn ended(&mut self, of: usize, how: TaskStatus) {
        let told = &mut self.tasks[of];
        told.holder = None;
        told.ended = Some(how);
    }

    /// The ledger shows what it said.
    fn compare(&mut self, bounds: &Bounds, ledger: &Ledger) {
        for (number, told) in (0..).zip(self.tasks.clone()) {
            let Some(task) = ledger.task(&Task(number).id()) else { continue };
            let shown = task.lease().map(|lease| (Edge::of(lease.edge), lease.fence));
            let listed = (0..bounds.edges)
                .map(Edge)
                .filter(|edge| ledger.held_by(edge.id()).any(|(id, _)| *id == Task(number).id()));
            let told_holder = told.holder.map(|holder| (holder.edge, holder.fence));
            if shown != told_holder || !listed.eq(told_holder.map(|(edge, _)| edge)) {
                self.breaks(Claim::OneHolder);
            }
            if task.row_count() != told.rows.count_ones() as usize {
                self.breaks(Claim::NoRowLostOrDoubled);
            }
            if outcome(task.state()) != told.ended {
                self.breaks(Claim::TheEndStays);
            }
        }
    }

    fn held(&self) -> Vec<Option<Holder>> {
        self.tasks.iter().map(|told| told.holder).collect()
    }
}

/// A commit as it is heard.
struct Heard<'a> {
    command: &'a Command,
    commit: &'a Commit,
    /// Who held each task before it.
    held: Vec<Option<Holder>>,
}

impl Heard<'_> {
    fn asking(&self) -> Option<Edge> {
        match self.commit.cause.principal {
            Principal::Edge { edge, .. } => Some(Edge::of(edge)),
            Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => None,
        }
    }

    /// Returns the rows that the command brings.
    fn sent(&self) -> Vec<Row> {
        let Command::Task(_, command) = self.command else { return Vec::new() };
        match command {
            task::Command::Holder(_, HolderCommand::StoreResults(rows))
            | task::Command::System(SystemCommand::KeepLateResults { rows, .. }) => rows.clone(),
            task::Command::Holder(..) | task::Command::Operator(_) | task::Command::System(_) => {
                Vec::new()
            }
        }
    }

    fn is_retry(&self) -> bool {
        let retry = task::Command::Operator(OperatorCommand::Retry);
        matches!(self.command, Command::Task(_, command) if *command == retry)
    }
}

fn numbers(rows: &[Row]) -> u8 {
    rows.iter().fold(0, |all, row| all | 1 << row_number(&row.config_id))
}

fn outcome(state: &task::State) -> Option<TaskStatus> {
    match state {
        task::State::Awaiting { .. } | task::State::Leased(_) => None,
        task::State::Finished { outcome, .. } => Some(match outcome {
            Outcome::Completed(_) => TaskStatus::Done,
            Outcome::Failed { .. } => TaskStatus::Failed,
            Outcome::Cancelled { .. } => TaskStatus::Cancelled,
        }),
    }
}
