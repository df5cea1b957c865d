//! What an idle edge costs on disk: live, archived, and summarised.
//!
//! `cargo run --release -p edge-ledger-proptests --example beats -- [EDGES [MINUTES [GROUP]]]`
//! appends a report of each edge every 15 s, in groups, through the journal in either store, with
//! command ids as they are minted and with random ones; then it archives all of it.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{env, path::Path};

use edge_ledger_core::{
    Cause, CommandId, Commit, CredentialId, EdgeId, Event, Journal as _, JournalReader as _,
    Millis, Position, Principal, Timestamp,
    edge::{self, Report, RuntimeState},
};
use edge_ledger_journal::{
    Archive, Archived, BlockJournal, Keeper, Retention, SegmentStore, Store, StoreReader as _,
};
use edge_ledger_sled::SledStore;
use uuid::Uuid;

const EVERY: u64 = 15_000;
const BEGIN: i64 = 1_800_000_000_000;

fn main() {
    let mut given = env::args().skip(1).map(|arg| arg.parse().expect("a number"));
    let edges = given.next().unwrap_or(10_000);
    let minutes = given.next().unwrap_or(15);
    let group = given.next().unwrap_or(8) as usize;
    let load = Load { edges, beats: edges * minutes * 60_000 / EVERY, group };
    println!("{edges} edges, {minutes} minutes, {} beats in groups of {group}", load.beats);
    println!("{:<30}{:>12}{:>12}{:>12}", "bytes a beat", "live", "archived", "summarised");
    for ids in [Ids::Minted, Ids::Random] {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let live = SegmentStore::open(dir.path().join("live")).expect("opens");
        load.measure("segments", live, ids, dir.path());
        let dir = tempfile::tempdir().expect("a directory can be made");
        let live = SledStore::open(dir.path().join("live")).expect("opens");
        load.measure("sled", live, ids, dir.path());
    }
}

/// How a command's id is made.
#[derive(Clone, Copy, Debug)]
enum Ids {
    /// As the engine does: a time, a counter within it, and bits that are random once.
    Minted,
    /// A time and 74 random bits.
    Random,
}

#[derive(Clone, Copy)]
struct Load {
    edges: u64,
    beats: u64,
    group: usize,
}

impl Load {
    fn measure<S: Store>(self, name: &str, live: S, ids: Ids, dir: &Path) {
        let archive = Archive::open(dir.join("archive")).expect("opens");
        let store = Archived::new(live, archive.clone());
        let mut journal = BlockJournal::open(store).expect("opens");
        let mut first = 0;
        while first < self.beats {
            let after = first + (self.group as u64).min(self.beats - first);
            let commits: Vec<_> = (first..after).map(|nth| self.beat(nth, ids)).collect();
            journal.append(&commits).expect("appends");
            first = after;
        }
        let live = journal.reader().store().live().clone();
        let taken = live.disk_bytes().expect("can be looked at");
        let mut keeper = Keeper::new(live, journal.remover(), archive.clone()).expect("tidies");
        let everything = Retention { age: Millis::ZERO, size: 0, batch: 0 };
        let later = Timestamp::from_millis(i64::MAX);
        keeper.run(&everything, None, later).expect("archives");
        let reader = journal.reader();
        let read = reader.read_ahead(Position::START).map(|read| read.expect("reads"));
        assert_eq!(read.count() as u64, self.beats);
        let each = |bytes: u64| bytes as f64 / self.beats as f64;
        println!(
            "{:<30}{:>12.1}{:>12.2}{:>12.3}",
            format!("{name}, {ids:?}"),
            each(taken),
            each(archive.disk_bytes()),
            each(archive.beats_bytes()),
        );
    }

    /// Every edge reports every 15 s, a little late, each at its own time.
    fn beat(self, nth: u64, ids: Ids) -> Commit {
        let (round, edge) = (nth / self.edges, nth % self.edges);
        let at = BEGIN + (round * EVERY + edge * EVERY / self.edges) as i64;
        let order = mixed(edge);
        let id = EdgeId::from_uuid(v7(BEGIN - 1_000_000 + edge as i64, order, order));
        let credential = CredentialId::from_uuid(v7(BEGIN - 1_000_000 + edge as i64, edge, order));
        let command = match ids {
            Ids::Minted => v7(at, 0, mixed(0)),
            Ids::Random => v7(at, mixed(nth), mixed(nth ^ 0x5555_5555)),
        };
        let report = Report {
            runtime_state: Some(RuntimeState::Idle),
            uptime_seconds: Some(round * 15 + order % 100_000),
            ..Report::default()
        };
        Commit {
            after: Position::new(nth),
            recorded_at: Timestamp::from_millis(at),
            cause: Cause {
                command: CommandId::from_uuid(command),
                principal: Principal::Edge { edge: id, credential },
                idempotency: None,
            },
            events: vec![Event::Edge { id, what: edge::Event::Reported(Box::new(report)) }],
        }
    }
}

fn v7(at: i64, high: u64, low: u64) -> Uuid {
    let time = (at as u128) << 80;
    let high = u128::from(high & 0xfff) << 64;
    let low = u128::from(low & 0x3fff_ffff_ffff_ffff);
    Uuid::from_u128(time | 7 << 76 | high | 2 << 62 | low)
}

/// Scatters numbers.
fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
}
