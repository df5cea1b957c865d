//! Measures the pure ledger on one thread: decide and apply, fold from memory, encode, decode,
//! decode and fold.
//!
//! `cargo run --release -p edge-ledger-proptests --example fold -- [edges] [tasks]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use std::time::Instant;

use edge_ledger_core::{
    Cause, Command, CommandId, Commit, CredentialId, Decision, Digest, EdgeId, Event, Labels,
    Ledger, Millis, Principal, TaskId, Timestamp, TokenId, codec,
    edge::{Identity, Registration},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    task::{self, Completion, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms},
};
use serde_json::value::RawValue;
use uuid::Uuid;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let edges: u64 = arguments.next().unwrap_or(1_000);
    let tasks: u64 = arguments.next().unwrap_or(100_000);
    let mut run = Run::default();

    run.measure("register an edge", edges, Run::register);
    run.measure("submit a task", tasks, Run::submit);
    run.measure("lease, beat and complete a task", tasks, |run, n| run.work(n, edges));
    let events = run.ledger.head().get();
    println!("{:>9} events in {} commits", events, run.log.len());

    let began = Instant::now();
    let mut folded = Ledger::default();
    for commit in &run.log {
        folded.apply(commit).expect("the log folds");
    }
    rate("fold an event from memory", events, began);

    let began = Instant::now();
    let blocks: Vec<_> = run.log.chunks(16).map(codec::encode).collect();
    rate("encode an event", events, began);
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    println!("{:>9} bytes an event in blocks", bytes as u64 / events);

    let began = Instant::now();
    let decoded = blocks.iter().map(|block| codec::decode(block).expect("the block decodes"));
    let commits: usize = decoded.map(|commits| commits.len()).sum();
    rate("decode an event", events, began);
    assert_eq!(commits, run.log.len());

    let began = Instant::now();
    let mut decoded = Ledger::default();
    for block in &blocks {
        for commit in codec::decode(block).expect("the block decodes") {
            decoded.apply(&commit).expect("the log folds");
        }
    }
    rate("decode and fold an event", events, began);

    assert_eq!(run.ledger.digest(), folded.digest());
    assert_eq!(run.ledger.digest(), decoded.digest());
}

#[derive(Default)]
struct Run {
    ledger: Ledger,
    log: Vec<Commit>,
    now: i64,
}

impl Run {
    fn measure(&mut self, what: &str, times: u64, step: impl Fn(&mut Self, u64)) {
        if self.log.is_empty() {
            let open = lifecycle::Command::Open { epoch: Epoch(0) };
            self.execute(Principal::System, Command::Ledger(open));
            self.execute(Principal::System, Command::Token(token(), create(u32::MAX)));
        }
        let began = Instant::now();
        (0..times).for_each(|n| step(self, n));
        rate(what, times, began);
    }

    fn register(&mut self, n: u64) {
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

    fn submit(&mut self, n: u64) {
        let payload = Payload::new(RawValue::from_string("{}".to_owned()).expect("JSON"));
        let terms = Terms::default();
        let spec = Spec { name: "task".into(), payload, dedupe_key: None, terms };
        let submission = Submission { id: task_id(n), spec: Box::new(spec) };
        self.execute(Principal::System, Command::Submit(vec![submission]));
    }

    fn work(&mut self, n: u64, edges: u64) {
        let n = n % edges;
        let edge = Principal::Edge { edge: edge(n), credential: credential(n) };
        let poll = Poll { holding: None, capacity: 1 };
        let leased = self.execute(edge.clone(), Command::Poll(poll));
        let Some(Event::Task { id, .. }) = leased.and_then(|commit| commit.events.first()) else {
            panic!("a task waits");
        };
        let id = id.clone();
        let heartbeat = HolderCommand::Heartbeat(Progress::default());
        let report = |command| Command::Task(id.clone(), task::Command::Holder(None, command));
        self.execute(edge.clone(), report(heartbeat));
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        self.execute(edge, report(HolderCommand::Complete(completion)));
    }

    fn execute(&mut self, principal: Principal, command: Command) -> Option<&Commit> {
        self.now += 1;
        let now = Timestamp::EPOCH.after(Millis(self.now.unsigned_abs()));
        let command_id = CommandId::from_uuid(Uuid::from_u64_pair(7, self.now.unsigned_abs()));
        let cause = Cause { command: command_id, principal, idempotency: None };
        let decided = self.ledger.decide(command, &cause, now).expect("every command is accepted");
        let Decision::Events(events) = decided else { return None };
        let commit = Commit { after: self.ledger.head(), recorded_at: now, cause, events };
        self.ledger.apply(&commit).expect("a decided commit folds");
        self.log.push(commit);
        self.log.last()
    }
}

fn rate(what: &str, times: u64, began: Instant) {
    let nanos = began.elapsed().as_nanos() as f64 / times as f64;
    println!("{:>9.0} a second: {what} ({nanos:.0} ns)", 1e9 / nanos);
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

fn token() -> TokenId {
    TokenId::from_uuid(Uuid::from_u64_pair(1, 0))
}

fn edge(n: u64) -> EdgeId {
    EdgeId::from_uuid(Uuid::from_u64_pair(2, n))
}

fn credential(n: u64) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u64_pair(3, n))
}

fn task_id(n: u64) -> TaskId {
    TaskId::from_uuid(Uuid::from_u64_pair(4, n))
}
