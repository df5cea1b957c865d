//! Writes a data directory with a long past of a fleet at work, in which one task has failed, and says
//! which: something to ask the past about.
//!
//! `cargo run --release -p edge-ledger-proptests --example past -- DIRECTORY [events]`
//!
//! Then: `edge-ledger bisect DIRECTORY --first --when "tasks['TASK'].status == 'FAILED'"`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use std::path::PathBuf;

use edge_ledger_core::Journal as _;
use edge_ledger_proptests::{meter::Meter, workload::Workload};

/// How many edges work.
const EDGES: u64 = 1_000;
/// How many commits stand in one block.
const BLOCK: usize = 64;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let events = arguments.next().map_or(1_000_000, |text| text.parse().expect("a number"));
    let mut load = Workload::new(Some(Vec::new()));
    (0..EDGES).for_each(|n| load.register(n));
    (0..10_000).for_each(|n| load.submit(n));
    while load.ledger.head().get() + 25_000 < events {
        load.work(EDGES, 5_000, &mut Meter::default());
        (0..5_000).for_each(|n| load.check_in(n * 7 % EDGES));
    }
    let failing = load.lease(0);
    load.beat(0, &failing);
    load.fail(0, &failing);
    let failed_at = load.ledger.head().get();
    while load.ledger.head().get() < events {
        load.check_in(load.commands % EDGES);
    }
    std::fs::create_dir_all(&directory).expect("makes the directory");
    let mut journal = edge_ledger_sled::open(directory.join("journal")).expect("opens a journal");
    for block in load.log.expect("it is kept").chunks(BLOCK) {
        journal.append(block).expect("appends");
    }
    println!("{} events; task {failing} failed at {failed_at}", load.ledger.head());
}
