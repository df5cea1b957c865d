//! The pure ledger, piece by piece: decide, apply, the codec, and a replay of both.
//!
//! `cargo bench -p edge-ledger-proptests` takes about half a minute. Throughput is in events.
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use edge_ledger_core::{
    Cause, Command, Commit, Event, Ledger, codec,
    task::{self, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms},
};
use edge_ledger_proptests::{meter::Meter, workload::Workload};
use serde_json::value::RawValue;

/// A fleet that fits into a processor's cache would flatter, a huge one takes long to set up.
const EDGES: u64 = 1_000;
const TASKS: u64 = 20_000;
/// How many commits one block has.
const BLOCK: usize = 64;

criterion_group! {
    name = ledger;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = decide, apply, encode, replay
}
criterion_main!(ledger);

fn decide(criterion: &mut Criterion) {
    let work = worked();
    let ledger = &work.ledger;
    let now = ledger.recorded_at();
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(1));
    let mut bench = |name, command: &Command, cause: &Cause| {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || command.clone(),
                |command| black_box(ledger.decide(command, cause, now)).expect("it is accepted"),
                BatchSize::SmallInput,
            );
        });
    };
    let log = work.log.as_deref().unwrap_or_default();
    let opened = log.first().expect("a log begins with the opening");
    bench("submit", &Command::Submit(vec![submission()]), &opened.cause);
    let (idle, busy) = (idle(ledger, log), busy(ledger, log));
    bench("poll", &Command::Poll(Poll { holding: None, capacity: 1 }), &idle.cause);
    let beat = HolderCommand::Heartbeat(Progress::default());
    let beat = Command::Task(leased(busy).clone(), task::Command::Holder(None, beat));
    bench("heartbeat", &beat, &busy.cause);
    group.finish();
}

fn apply(criterion: &mut Criterion) {
    let log = worked().log.unwrap_or_default();
    let mut group = criterion.benchmark_group("apply");
    group.throughput(Throughput::Elements(events(&log)));
    group.bench_function("a mixed log", |bencher| bencher.iter(|| fold(&log)));
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let log = worked().log.unwrap_or_default();
    let block = &log[log.len() / 2..][..BLOCK];
    let bytes = codec::encode(block);
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(events(block)));
    group.bench_function("encode a block", |bencher| bencher.iter(|| codec::encode(block)));
    group.bench_function("decode a block", |bencher| bencher.iter(|| codec::decode(&bytes)));
    group.finish();
}

fn replay(criterion: &mut Criterion) {
    let log = worked().log.unwrap_or_default();
    let blocks: Vec<_> = log.chunks(BLOCK).map(codec::encode).collect();
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(events(&log)));
    group.bench_function("decode and apply a mixed log", |bencher| {
        bencher.iter(|| {
            let mut ledger = Ledger::default();
            for block in &blocks {
                for commit in codec::decode(block).expect("it was encoded") {
                    ledger.apply(&commit).expect("it folded before");
                }
            }
            ledger
        });
    });
    group.finish();
}

/// Returns a ledger with a fleet at work, half of whose tasks wait, and its log.
fn worked() -> Workload {
    let mut work = Workload::new(Some(Vec::new()));
    (0..EDGES).for_each(|n| work.register(n));
    (0..TASKS).for_each(|n| work.submit(n));
    work.work(EDGES - 1, TASKS / 2, &mut Meter::default());
    // One that is left at work.
    let task = work.lease(EDGES - 1);
    work.beat(EDGES - 1, &task);
    work
}

/// Returns a lease of an edge that holds nothing any more.
fn idle<'a>(ledger: &Ledger, log: &'a [Commit]) -> &'a Commit {
    let done = |commit: &&Commit| is_lease(commit) && !is_running(ledger, commit);
    log.iter().find(done).expect("some work is done")
}

/// Returns a lease that runs.
fn busy<'a>(ledger: &Ledger, log: &'a [Commit]) -> &'a Commit {
    let running = |commit: &&Commit| is_lease(commit) && is_running(ledger, commit);
    log.iter().rev().find(running).expect("one is left at work")
}

fn is_lease(commit: &Commit) -> bool {
    let [Event::Task { what: task::Event::Leased { .. }, .. }] = commit.events.as_slice() else {
        return false;
    };
    true
}

fn is_running(ledger: &Ledger, lease: &Commit) -> bool {
    ledger.task(leased(lease)).is_some_and(|task| task.lease().is_some())
}

fn leased(commit: &Commit) -> &edge_ledger_core::TaskId {
    match commit.events.as_slice() {
        [Event::Task { id, .. }] => id,
        other => panic!("a lease is one event about a task, not {other:?}"),
    }
}

fn submission() -> Submission {
    let payload = RawValue::from_string(format!("\"{}\"", "x".repeat(254))).expect("JSON");
    let payload = Payload::new(payload);
    let spec = Spec { name: "new".into(), payload, dedupe_key: None, terms: Terms::default() };
    Submission { id: "new".parse().expect("an id"), spec: Box::new(spec), archived: None }
}

fn fold(log: &[Commit]) -> Ledger {
    let mut ledger = Ledger::default();
    for commit in log {
        ledger.apply(commit).expect("it folded before");
    }
    ledger
}

fn events(log: &[Commit]) -> u64 {
    log.iter().map(|commit| commit.events.len() as u64).sum()
}
