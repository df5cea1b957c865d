//! Measures the pure ledger on one thread: fold from memory, encode, decode, decode and fold.
//!
//! `cargo run --release -p edge-ledger-proptests --example fold -- [edges] [tasks]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use edge_ledger_core::{Ledger, codec};
use edge_ledger_proptests::{meter::Meter, workload::Workload};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let edges: u64 = arguments.next().unwrap_or(1_000);
    let tasks: u64 = arguments.next().unwrap_or(100_000);
    let mut load = Workload::new(Some(vec![]));
    (0..edges).for_each(|n| load.register(n));
    (0..tasks).for_each(|n| load.submit(n));
    load.work(edges, tasks, &mut Meter::default());
    let log = load.log.take().unwrap_or_default();
    let events = load.ledger.head().get();
    println!("{events:>9} events in {} commits", log.len());

    let meter = Meter::begin();
    let mut folded = Ledger::default();
    for commit in &log {
        folded.apply(commit).expect("the log folds");
    }
    println!("{}", meter.rate("fold an event from memory", events));

    let meter = Meter::begin();
    let blocks: Vec<_> = log.chunks(16).map(codec::encode).collect();
    println!("{}", meter.rate("encode an event", events));
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    println!("{:>9} bytes an event in blocks", bytes as u64 / events);

    let meter = Meter::begin();
    let decoded = blocks.iter().map(|block| codec::decode(block).expect("the block decodes"));
    let commits: usize = decoded.map(|commits| commits.len()).sum();
    println!("{}", meter.rate("decode an event", events));
    assert_eq!(commits, log.len());

    let meter = Meter::begin();
    let mut decoded = Ledger::default();
    for block in &blocks {
        for commit in codec::decode(block).expect("the block decodes") {
            decoded.apply(&commit).expect("the log folds");
        }
    }
    println!("{}", meter.rate("decode and fold an event", events));

    assert_eq!(load.ledger.digest(), folded.digest());
    assert_eq!(load.ledger.digest(), decoded.digest());
}
