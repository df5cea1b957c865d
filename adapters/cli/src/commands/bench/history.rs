//! A long past, made in seconds: what a fleet at work leaves in a journal.

use std::path::Path;

use anyhow::{Result, bail};
use edge_ledger_core::{
    Cause, Command, CommandId, Commit, CredentialId, Decision, Digest, EdgeId, Journal as _,
    Labels, Ledger, Principal, TaskId, Timestamp, TokenId,
    edge::{Identity, Registration, Report, RuntimeState},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    task::{self, Completion, HolderCommand, Poll, Progress, Spec, Submission, Terms},
};
use uuid::Uuid;

use super::caller::Payloads;
use crate::{
    journal,
    output::Progress as Shown,
    store::{AnyJournal, Kind},
};

/// How many edges have worked.
const EDGES: u64 = 1_000;
/// How many commits stand in one block: as many as there are callers in the other workloads.
const BLOCK: usize = 64;
/// When the past begins.
const BEGAN: i64 = 1_700_000_000_000;

/// What a past consists of: of every task its submission, lease, start and completion, and reports
/// of edges that are well beside them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How many events there are, or a few more.
    pub(super) events: u64,
    /// How many of them are reports, for each task.
    pub(super) reports: u64,
    /// How many bytes the payload of a task has.
    pub(super) payload: u32,
    /// What the payloads are made from.
    pub(super) seed: u64,
}

/// Fills the journal of a data directory, fresh.
///
/// # Errors
///
/// Fails if the journal does.
pub(super) fn fill(data: &Path, store: Kind, shape: Shape) -> Result<()> {
    let journal = journal::open_in(data, store)?;
    let payloads = Payloads::new(shape.payload as usize, shape.seed);
    let (ledger, block) = (Ledger::default(), Vec::new());
    let mut past = Past { ledger, journal, block, payloads, commands: 0 };
    let mut shown = Shown::new("events");
    past.open()?;
    let mut task = 0;
    while past.ledger.head().get() < shape.events {
        past.work(task, shape.reports)?;
        task += 1;
        shown.add(4 + shape.reports);
    }
    past.append()
}

/// A ledger whose commits go to a journal, a block at a time.
struct Past {
    ledger: Ledger,
    journal: AnyJournal,
    block: Vec<Commit>,
    payloads: Payloads,
    commands: u64,
}

impl Past {
    /// Opens the ledger and lets the edges in.
    fn open(&mut self) -> Result<()> {
        let open = lifecycle::Command::Open { epoch: Epoch(0) };
        self.execute(Principal::System, Command::Ledger(open))?;
        self.execute(Principal::System, Command::Token(token(), grant()))?;
        for edge in 0..EDGES {
            let enrollee = Principal::Enrollee { token: token() };
            self.execute(enrollee, Command::Register(Box::new(registration(edge))))?;
        }
        Ok(())
    }

    /// Takes one task from its submission to its end, while edges report.
    fn work(&mut self, number: u64, reports: u64) -> Result<()> {
        let edge = number % EDGES;
        let (name, payload) = ("bench".into(), self.payloads.next());
        let spec = Spec { name, payload, dedupe_key: None, terms: Terms::default() };
        let id = TaskId::from_uuid(uuid(4, number));
        let submission = Submission { id: id.clone(), spec: Box::new(spec), archived: None };
        self.execute(Principal::System, Command::Submit(vec![submission]))?;
        self.execute(speaking(edge), Command::Poll(Poll { holding: None, capacity: 1 }))?;
        for nth in 0..reports {
            self.report((number * reports + nth) % EDGES)?;
        }
        let beat = HolderCommand::Heartbeat(Progress::default());
        self.execute(speaking(edge), Command::Task(id.clone(), holder(beat)))?;
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        let complete = HolderCommand::Complete(completion);
        self.execute(speaking(edge), Command::Task(id, holder(complete)))
    }

    /// Has an edge say that it is well.
    fn report(&mut self, edge: u64) -> Result<()> {
        let (state, uptime) = (Some(RuntimeState::Idle), Some(self.commands / 100));
        let report = Report { runtime_state: state, uptime_seconds: uptime, ..Report::default() };
        self.execute(speaking(edge), Command::Report(Box::new(report)))
    }

    fn execute(&mut self, principal: Principal, command: Command) -> Result<()> {
        self.commands += 1;
        // A hundred commands a millisecond would be many: leases outlive all that happens in one.
        let now = Timestamp::from_millis(BEGAN + i64::try_from(self.commands / 100)?);
        let command_id = CommandId::from_uuid(uuid(7, self.commands));
        let cause = Cause { command: command_id, principal, idempotency: None };
        let Decision::Events(events) = self.ledger.decide(command, &cause, now)? else {
            bail!("a command of the made-up past changes nothing");
        };
        let commit = Commit { after: self.ledger.head(), recorded_at: now, cause, events };
        self.ledger.apply(&commit)?;
        self.block.push(commit);
        if self.block.len() >= BLOCK { self.append() } else { Ok(()) }
    }

    fn append(&mut self) -> Result<()> {
        if !self.block.is_empty() {
            self.journal.append(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }
}

fn holder(command: HolderCommand) -> task::Command {
    task::Command::Holder(None, command)
}

fn registration(number: u64) -> Registration {
    Registration {
        edge: EdgeId::from_uuid(uuid(2, number)),
        identity: Identity {
            device_number: format!("past-{number}").into(),
            display_name: format!("past {number}").into(),
            platform: None,
            arch: None,
            version: None,
        },
        credential: CredentialId::from_uuid(uuid(3, number)),
        secret: Digest::of(b"nobody asks for it any more"),
    }
}

fn speaking(number: u64) -> Principal {
    let edge = EdgeId::from_uuid(uuid(2, number));
    Principal::Edge { edge, credential: CredentialId::from_uuid(uuid(3, number)) }
}

fn grant() -> enrollment::Command {
    enrollment::Command::Create(Box::new(Grant {
        name: "past".into(),
        secret: Digest::of(b"nobody asks for it any more"),
        max_uses: u32::MAX,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Labels::default(),
    }))
}

fn token() -> TokenId {
    TokenId::from_uuid(uuid(1, 0))
}

/// Makes ids as those of version 7 are: they grow with time, and their low half looks random.
const fn uuid(kind: u64, number: u64) -> Uuid {
    let mixed = (number ^ (kind << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Uuid::from_u64_pair((number << 16) | kind, mixed ^ (mixed >> 29))
}
