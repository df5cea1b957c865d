//! Measures the pure ledger on one thread, with many edges and with many tasks waiting: decide and
//! apply, memory, and snapshots.
//!
//! `cargo run --release -p edge-ledger-proptests --example load -- [edges] [waiting tasks]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use edge_ledger_core::snapshot;
use edge_ledger_proptests::{
    meter::{Meter, resident},
    workload::Workload,
};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let edges: u64 = arguments.next().unwrap_or(1_000);
    let tasks: u64 = arguments.next().unwrap_or(100_000);
    let mut load = Workload::new(None);

    let meter = Meter::begin();
    (0..edges).for_each(|n| load.register(n));
    println!("{}", meter.rate("register an edge", edges));
    print_memory();
    let mut meter = Meter::default();
    load.submit_more(tasks, &mut meter);
    println!("{}", meter.rate("submit a task", tasks));
    print_memory();

    let meter = Meter::begin();
    let bytes = snapshot::encode(&load.ledger);
    println!("{}", meter.rate("encode a snapshot", 1));
    let meter = Meter::begin();
    let read = snapshot::decode(&bytes).expect("a snapshot decodes");
    println!("{}", meter.rate("decode a snapshot", 1));
    println!("{:>9} bytes of snapshot", bytes.len());
    assert_eq!(read.counts(), load.ledger.counts());
    drop((bytes, read));

    let mut meter = Meter::default();
    let done = load.work(edges, tasks, &mut meter);
    println!("{}", meter.rate("decide and apply a command: lease, beat, complete, submit", done));
    print_memory();
}

fn print_memory() {
    if let Some(bytes) = resident() {
        println!("{:>9} MB resident", bytes / 1_000_000);
    }
}
