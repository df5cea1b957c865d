//! Measures a journal under the log of a fleet: a lone append, groups, bytes on disk, look-ups, and
//! how fast it is read and folded again.
//!
//! `cargo run --release -p edge-ledger-proptests --example journal -- [store] [tasks] [group]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use edge_ledger_core::{Commit, Journal, JournalReader, Ledger, Position};
use edge_ledger_journal::{BlockJournal, JournalError, SegmentStore, Store, StoreReader};
use edge_ledger_proptests::{
    meter::{Meter, resident},
    workload::Workload,
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().unwrap_or_else(|| "sled".to_owned());
    let mut numbers = arguments.map(|text| text.parse::<usize>().expect("a number"));
    let tasks = numbers.next().unwrap_or(100_000);
    let group = numbers.next().unwrap_or(64);
    let log = log(1_000, tasks as u64);
    let dir = tempfile::tempdir().expect("makes a directory");
    raw_sync(dir.path());
    match store.as_str() {
        "sled" => measure(&log, group, || edge_ledger_sled::open(dir.path().join("journal"))),
        "segments" => measure(&log, group, || {
            BlockJournal::open(SegmentStore::open(dir.path().join("journal"))?)
        }),
        other => panic!("there is no store {other:?}"),
    }
}

/// The log of edges that work and say that they are well.
fn log(edges: u64, tasks: u64) -> Vec<Commit> {
    let mut load = Workload::new(Some(Vec::new()));
    (0..edges).for_each(|n| load.register(n));
    (0..tasks.min(10_000)).for_each(|n| load.submit(n));
    let mut left = tasks;
    while left > 0 {
        let some = left.min(5_000);
        load.work(edges, some, &mut Meter::default());
        (0..some).for_each(|n| load.check_in(n * 7 % edges));
        left -= some;
    }
    load.log.expect("it is kept")
}

fn measure<S: Store>(
    log: &[Commit],
    group: usize,
    open: impl Fn() -> Result<BlockJournal<S>, JournalError>,
) {
    let events = log.last().expect("a log").head().get();
    let resident_before = resident().unwrap_or_default();
    let began = Instant::now();
    let mut journal = open().expect("opens");
    println!("create {:?}, resident +{} kB", began.elapsed(), grown(resident_before));

    let (alone, grouped) = log.split_at(2_000);
    let mut took: Vec<_> = alone
        .iter()
        .map(|commit| {
            let began = Instant::now();
            journal.append(std::slice::from_ref(commit)).expect("appends");
            began.elapsed()
        })
        .collect();
    println!(
        "append one commit: {}, resident +{} kB",
        percentiles(&mut took),
        grown(resident_before)
    );
    let began = Instant::now();
    let mut took: Vec<_> = grouped
        .chunks(group)
        .map(|commits| {
            let began = Instant::now();
            journal.append(commits).expect("appends");
            began.elapsed()
        })
        .collect();
    let rate = grouped.len() as f64 / began.elapsed().as_secs_f64();
    println!("append {group} commits: {}, {rate:.0} commits/s", percentiles(&mut took));
    let bytes = journal.reader().store().disk_bytes().expect("looks");
    println!("{events} events, {} bytes on disk, {} an event", bytes, bytes / events);
    drop(journal);

    let began = Instant::now();
    let journal = open().expect("opens");
    println!("first reopen {:?}", began.elapsed());
    drop(journal);
    let began = Instant::now();
    let journal = open().expect("opens");
    println!("second reopen {:?}", began.elapsed());

    let reader = journal.reader();
    let mut took: Vec<_> = (0..10_000_u64)
        .map(|n| {
            let after = Position::new(n * 7_919 % events);
            let began = Instant::now();
            reader.read(after).next().expect("is there").expect("is readable");
            began.elapsed()
        })
        .collect();
    println!("look one commit up: {}", percentiles(&mut took));

    let rate = |what: &str, began: Began| {
        let per_second = events as f64 / began.wall.elapsed().as_secs_f64();
        let cpu = (on_cpu() - began.cpu).as_nanos() as u64 / events;
        println!("{per_second:>9.0} events/s, {cpu:>5} ns of processor each: {what}");
    };
    for _ in 0..3 {
        let began = Began::now();
        assert_eq!(reader.read(Position::START).count(), log.len());
        rate("read, one thread", began);
        let began = Began::now();
        assert_eq!(reader.read_ahead(Position::START).count(), log.len());
        rate("read ahead", began);
        let began = Began::now();
        let mut folded = Ledger::default();
        log.iter().for_each(|commit| folded.apply(commit).expect("folds"));
        rate("fold from memory", began);
        let began = Began::now();
        let mut replayed = Ledger::default();
        for commit in reader.read_ahead(Position::START) {
            replayed.apply(&commit.expect("is readable")).expect("folds");
        }
        rate("read ahead and fold", began);
        assert_eq!(replayed.digest(), folded.digest());
    }
}

/// When a stretch of work began, by the clock and by the processors.
struct Began {
    wall: Instant,
    cpu: Duration,
}

impl Began {
    fn now() -> Self {
        Self { wall: Instant::now(), cpu: on_cpu() }
    }
}

/// How long this process's threads had a processor, those that ended too.
fn on_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let ticks = stat.rsplit(')').next().expect("has a name").split(' ').skip(12).take(2);
    // A tick is a hundredth of a second on every Linux there is.
    Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().expect("a number") * 10).sum())
}

/// What a sync takes of a small append to a plain file.
fn raw_sync(dir: &Path) {
    let mut file = File::create(dir.join("raw")).expect("makes a file");
    let mut took: Vec<_> = (0..1_000)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 300]).and_then(|()| file.sync_data()).expect("syncs");
            began.elapsed()
        })
        .collect();
    println!("raw append and fdatasync: {}", percentiles(&mut took));
}

fn percentiles(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 1_000).min(took.len() - 1)];
    format!("p50 {:?}, p99 {:?}", at(500), at(990))
}

fn grown(before: u64) -> u64 {
    resident().unwrap_or_default().saturating_sub(before) / 1_024
}
