//! Measures how long a start takes with a long log behind it: `fill` makes a data directory of so
//! many events, mostly signs of life, with a snapshot near its end; `start` comes back from it.
//!
//! `cargo run --release -p edge-ledger-proptests --example start -- fill DIR sled|segments [events]
//! [edges] [tasks] [events past the snapshot]`, then `… start DIR sled|segments [replay]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use std::{mem, path::Path, time::Instant};

use edge_ledger_core::{Journal, Ledger};
use edge_ledger_engine::replay_from;
use edge_ledger_journal::{BlockJournal, SegmentStore, Snapshots, Store, StoreReader};
use edge_ledger_proptests::{
    meter::{Meter, on_cpu, resident},
    workload::Workload,
};
use edge_ledger_sled::SledStore;

/// How many commits are appended together, as many callers would.
const TOGETHER: usize = 4_096;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (what, place, store) = match arguments.as_slice() {
        [what, place, store, ..] => (what.as_str(), Path::new(place), store.as_str()),
        _ => panic!("what, where and in which store"),
    };
    let numbers: Vec<u64> = arguments[3..].iter().filter_map(|text| text.parse().ok()).collect();
    let journal = place.join("journal");
    match (what, store) {
        ("fill", "sled") => fill(place, SledStore::open(journal).expect("opens"), &numbers),
        ("fill", "segments") => fill(place, SegmentStore::open(journal).expect("opens"), &numbers),
        ("start", "sled") => start(place, || SledStore::open(journal).expect("opens")),
        ("start", "segments") => start(place, || SegmentStore::open(journal).expect("opens")),
        _ => panic!("fill or start, in sled or segments"),
    }
}

fn fill(place: &Path, store: impl Store, numbers: &[u64]) {
    let number = |nth: usize, usual| numbers.get(nth).copied().unwrap_or(usual);
    let (events, edges, tasks) = (number(0, 10_000_000), number(1, 10_000), number(2, 100_000));
    let past_snapshot = number(3, 500_000);
    let mut journal = BlockJournal::open(store).expect("opens");
    let mut load = Workload::new(Some(Vec::new()));
    let mut snapshot = None;
    for n in 0..edges {
        load.register(n);
        append(&mut journal, &mut load, TOGETHER);
    }
    for n in 0..tasks {
        load.submit(n);
        append(&mut journal, &mut load, TOGETHER);
    }
    let mut turn = 0;
    while load.ledger.head().get() < events {
        // Nine in ten are signs of life, the others are a task's life, of which there are four.
        if turn % edges == 0 {
            load.work(edges, edges / 36, &mut Meter::default());
        }
        load.check_in(turn % edges);
        turn += 1;
        append(&mut journal, &mut load, TOGETHER);
        let due = load.ledger.head().get() + past_snapshot >= events;
        if due && snapshot.is_none() {
            append(&mut journal, &mut load, 1);
            snapshot = Some((journal.link(), load.ledger.clone()));
        }
    }
    append(&mut journal, &mut load, 1);
    let (link, ledger) = snapshot.expect("a snapshot stands before the end");
    let began = Instant::now();
    let path = snapshots(place).write(link, &ledger).expect("writes");
    let bytes = path.metadata().expect("is there").len();
    println!("{:>9.3} s to write a snapshot of {bytes} bytes", began.elapsed().as_secs_f64());
    println!("{:>9} events, {} on disk", load.ledger.head(), disk(&journal));
}

fn append<S: Store>(journal: &mut BlockJournal<S>, load: &mut Workload, from: usize) {
    let log = load.log.as_mut().expect("the log is kept");
    if log.len() >= from {
        journal.append(&mem::take(log)).expect("appends");
    }
}

fn start<S: Store>(place: &Path, open: impl FnOnce() -> S) {
    let whole = std::env::args().nth(4).is_some_and(|word| word == "replay");
    let began = Instant::now();
    let journal = BlockJournal::open(open()).expect("opens");
    step("the journal is open", began);
    let log = journal.reader();
    let found = snapshots(place).newest(|position| log.link_at(position));
    let (from, ledger) = match found {
        Some(found) if !whole => (found.link().position.get(), found.into_ledger()),
        Some(_) | None => (0, Ledger::default()),
    };
    step("the snapshot is read", began);
    let ledger = replay_from(&log, ledger).expect("folds");
    step("the rest is folded: ready", began);
    println!("{:>9} events folded, {:?}", ledger.head().get() - from, ledger.counts());
    if let Some(bytes) = resident() {
        println!("{:>9} MB resident", bytes / 1_000_000);
    }
    drop((ledger, log, journal));
}

fn snapshots(place: &Path) -> Snapshots {
    Snapshots::at(place.join("snapshots"))
}

fn disk<S: Store>(journal: &BlockJournal<S>) -> String {
    let bytes = journal.reader().store().disk_bytes().expect("is there");
    format!("{} MB", bytes / 1_000_000)
}

/// Says what is done by now: by the clock, and by the time that this thread had a processor, which
/// a busy machine does not lengthen.
fn step(what: &str, began: Instant) {
    let on_cpu = on_cpu().unwrap_or_default().as_secs_f64();
    println!("{:>9.3} s, {on_cpu:>6.3} s on a processor: {what}", began.elapsed().as_secs_f64());
}
