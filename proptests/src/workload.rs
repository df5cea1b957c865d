//! A ledger under the commands of a fleet, to measure it.
use std::{collections::VecDeque, ops::Range};

use edge_ledger_core::{
    Cause, Command, CommandId, Commit, CredentialId, Decision, Digest, EdgeId, Event, Labels,
    Ledger, Principal, TaskId, Timestamp, TokenId,
    edge::{self, Identity, Registration},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    task::{self, Completion, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::meter::Meter;

/// How many submissions are made at a time.
const BATCH: usize = 1_000;

/// A ledger, and what made it so.
#[derive(Debug)]
pub struct Workload {
    /// The ledger.
    pub ledger: Ledger,
    /// Its log, if it is kept.
    pub log: Option<Vec<Commit>>,
    /// How many commands have been decided and applied.
    pub commands: u64,
    now: i64,
}

impl Workload {
    /// Opens a ledger.
    #[must_use]
    pub fn new(log: Option<Vec<Commit>>) -> Self {
        let mut opened = Self { ledger: Ledger::default(), log, commands: 0, now: 0 };
        let open = lifecycle::Command::Open { epoch: Epoch(0) };
        opened.execute(Principal::System, Command::Ledger(open));
        opened.execute(Principal::System, Command::Token(token(), create(u32::MAX)));
        opened
    }

    /// Registers the `n`-th edge.
    pub fn register(&mut self, n: u64) {
        let identity = Identity {
            device_number: format!("device-{n}").into(),
            display_name: format!("edge {n}").into(),
            platform: None,
            arch: None,
            version: None,
        };
        let registration = Registration {
            edge: edge(n),
            identity,
            credential: credential(n),
            secret: Digest::of(b"secret"),
        };
        let enrollee = Principal::Enrollee { token: token() };
        self.execute(enrollee, Command::Register(Box::new(registration)));
    }

    /// Submits the `n`-th task.
    pub fn submit(&mut self, n: u64) {
        self.execute(Principal::System, submission(n));
    }

    /// Submits so many tasks more. The meter runs while their commands, made before, are decided
    /// and applied.
    pub fn submit_more(&mut self, tasks: u64, meter: &mut Meter) {
        let first = self.ledger.counts().tasks as u64;
        for batch in batches(first..first + tasks) {
            let commands: Vec<_> = batch.map(submission).collect();
            meter.go();
            commands.into_iter().for_each(|command| drop(self.execute(Principal::System, command)));
            meter.stop();
        }
    }

    /// Lets the `n`-th edge ask for work and returns what it got.
    ///
    /// # Panics
    ///
    /// Panics if it gets none.
    pub fn lease(&mut self, n: u64) -> TaskId {
        let leased = self.execute(as_edge(n), Command::Poll(Poll { holding: None, capacity: 1 }));
        match leased.events.first() {
            Some(Event::Task { id, .. }) => id.clone(),
            other => panic!("a task waits, not {other:?}"),
        }
    }

    /// Lets the `n`-th edge say that it works.
    pub fn beat(&mut self, n: u64, task: &TaskId) {
        self.report(n, task, HolderCommand::Heartbeat(Progress::default()));
    }

    /// Lets the `n`-th edge say that it is done.
    pub fn complete(&mut self, n: u64, task: &TaskId) {
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        self.report(n, task, HolderCommand::Complete(completion));
    }

    /// Lets the `n`-th edge say that it failed, and that another attempt would, too.
    pub fn fail(&mut self, n: u64, task: &TaskId) {
        let error = "it cannot be done".into();
        self.report(n, task, HolderCommand::Fail { error, retryable: false });
    }

    /// Lets the `n`-th edge say that it is well.
    pub fn check_in(&mut self, n: u64) {
        let report = edge::Report {
            version: Some("1.4.2".into()),
            runtime_state: Some(edge::RuntimeState::Idle),
            uptime_seconds: Some(self.now.unsigned_abs() / 10_000),
            ..edge::Report::default()
        };
        self.execute(as_edge(n), Command::Report(Box::new(report)));
    }

    /// Lets so many edges, half of them at a time, lease, beat and complete so many tasks while as
    /// many new ones are submitted; returns how many commands that took. The meter runs while
    /// commands are decided and applied, but not while submissions are made.
    pub fn work(&mut self, edges: u64, tasks: u64, meter: &mut Meter) -> u64 {
        let begun = self.commands;
        let first = self.ledger.counts().tasks as u64;
        let mut held = VecDeque::new();
        for batch in batches(first..first + tasks) {
            let commands: Vec<_> = batch.map(|n| (n, submission(n))).collect();
            meter.go();
            for (n, submission) in commands {
                // A prime of a size with the fleet, so that neighbours do not ask one after another.
                let who = n.wrapping_mul(99_991) % edges;
                held.push_back((who, self.lease(who)));
                let (beats, task) = &held[held.len() / 2];
                self.beat(*beats, task);
                let full = held.len() as u64 > edges / 2;
                if let Some((who, task)) = full.then(|| held.pop_front()).flatten() {
                    self.complete(who, &task);
                }
                self.execute(Principal::System, submission);
            }
            meter.stop();
        }
        meter.go();
        for (who, task) in held {
            self.beat(who, &task);
            self.complete(who, &task);
        }
        meter.stop();
        self.commands - begun
    }

    fn report(&mut self, n: u64, task: &TaskId, command: HolderCommand) {
        let command = Command::Task(task.clone(), task::Command::Holder(None, command));
        self.execute(as_edge(n), command);
    }

    fn execute(&mut self, principal: Principal, command: Command) -> Commit {
        self.now += 1;
        self.commands += 1;
        let now = Timestamp::from_millis(self.now / 10);
        let command_id = CommandId::from_uuid(id(7, self.now.unsigned_abs()));
        let cause = Cause { command: command_id, principal, idempotency: None };
        let decided = self.ledger.decide(command, &cause, now).expect("every command is accepted");
        let Decision::Events(events) = decided else { panic!("every command changes something") };
        let commit = Commit { after: self.ledger.head(), recorded_at: now, cause, events };
        self.ledger.apply(&commit).expect("a decided commit folds");
        if let Some(log) = &mut self.log {
            log.push(commit.clone());
        }
        commit
    }
}

fn create(max_uses: u32) -> enrollment::Command {
    enrollment::Command::Create(Box::new(Grant {
        name: "measured".into(),
        secret: Digest::of(b"secret"),
        max_uses,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Labels::default(),
    }))
}

fn as_edge(n: u64) -> Principal {
    Principal::Edge { edge: edge(n), credential: credential(n) }
}

/// Cuts a range so that what is made for a batch of it needs little memory.
fn batches(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range.step_by(BATCH).map(move |begin| begin..end.min(begin + BATCH as u64))
}

fn submission(n: u64) -> Command {
    let payload = Payload::new(RawValue::from_string(payload(n)).expect("JSON"));
    let terms = Terms::default();
    let spec = Spec { name: format!("task {n}").into(), payload, dedupe_key: None, terms };
    Command::Submit(vec![Submission { id: task_id(n), spec: Box::new(spec), archived: None }])
}

/// A payload as an optimisation has it, of about 256 bytes.
fn payload(n: u64) -> String {
    let seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        r#"{{"strategy":"ema-cross","symbol":"SPX","from":"2019-01-02","to":"2023-12-29","seed":{seed},"grid":{{"fast":[{},{}],"slow":[{},{}],"stop":0.0{}}},"objective":"sharpe","fees":0.0005,"input":"sha256:{:016x}{:016x}"}}"#,
        n % 17,
        n % 29,
        n % 91 + 30,
        n % 211 + 60,
        n % 97,
        seed,
        seed.rotate_left(29).wrapping_mul(31)
    )
}

fn token() -> TokenId {
    TokenId::from_uuid(id(1, 0))
}

fn edge(n: u64) -> EdgeId {
    EdgeId::from_uuid(id(2, n))
}

fn credential(n: u64) -> CredentialId {
    CredentialId::from_uuid(id(3, n))
}

fn task_id(n: u64) -> TaskId {
    TaskId::from_uuid(id(4, n))
}

/// Makes ids as those of version 7 are: they grow with time, and their low half looks random.
fn id(kind: u64, n: u64) -> Uuid {
    let mixed = (n ^ kind << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Uuid::from_u64_pair(n << 16 | kind, mixed ^ mixed >> 29)
}
