//! What came out: for people a table, for programs one JSON document.

use std::{collections::BTreeMap, fs, ops::AddAssign, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use super::{caller::Target, cpu, disk::Yardstick, drive::Work, tally::Summary};
use crate::{
    output::{Cell, Output, Table},
    store::Kind,
};

/// What a workload came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) workload: &'static str,
    pub(super) target: String,
    /// What keeps the ledger, if that is known.
    pub(super) store: Option<Kind>,
    pub(super) callers: usize,
    pub(super) rate: Option<f64>,
    pub(super) payload_bytes: u32,
    pub(super) batch: u32,
    pub(super) seed: u64,
    pub(super) work: Work,
    pub(super) measured: Measured,
    pub(super) latency: BTreeMap<&'static str, Summary>,
    pub(super) disk: Yardstick,
}

/// What was done, in how long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub(super) done: u64,
    pub(super) seconds: f64,
    pub(super) rounds: u32,
    pub(super) cpu: Cpu,
}

/// Processor time, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) server: Option<Duration>,
    pub(super) client: Option<Duration>,
}

/// What every answer promises, whichever way it came.
pub(super) const DURABILITY: &str =
    "every answer comes after its commit is written and synced (fdatasync)";

impl Report {
    /// Says it.
    pub(super) fn show(&self, output: Output) -> Result<()> {
        match output.is_json() {
            true => output.json(&self.json()),
            false => {
                output.table(&self.facts(), "")?;
                output.text("")?;
                output.table(&latencies(&self.latency), "")
            }
        }
    }

    /// Returns the most pieces a second that the disk allows: each caller waits for each of its
    /// answers, and no answer comes sooner than a sync.
    fn bound(&self, answers: f64) -> f64 {
        let sync = self.disk.journal_sync.p50_us / 1e6;
        self.callers as f64 / (answers * sync)
    }

    /// Returns it as one JSON document.
    pub(super) fn json(&self) -> Value {
        let per_second = self.measured.per_second();
        let bounds = self.bounds().map(|(answers, bound)| {
            json!({
                "answersEach": answers,
                "perSecond": round(bound),
                "achieved": thousandth(per_second / bound),
            })
        });
        json!({
            "workload": self.workload,
            "target": self.target,
            "store": self.store,
            "durability": DURABILITY,
            "loop": if self.rate.is_some() { "open" } else { "closed" },
            "rate": self.rate,
            "callers": self.callers,
            "payloadBytes": self.payload_bytes,
            "batch": self.batch,
            "seed": self.seed,
            "answersEach": self.work.answers(),
            "done": self.measured.done,
            "rounds": self.measured.rounds,
            "seconds": thousandth(self.measured.seconds),
            "perSecond": round(per_second),
            "latency": self.latency,
            "disk": self.disk,
            "bounds": bounds.collect::<Vec<_>>(),
            "cpu": {
                "server": self.measured.cpu.share(self.measured.seconds, |cpu| cpu.server),
                "client": self.measured.cpu.share(self.measured.seconds, |cpu| cpu.client),
            },
            "machine": machine(),
        })
    }

    fn facts(&self) -> Table {
        let per_second = self.measured.per_second();
        let what = match self.work {
            Work::Pair => "lease, start and complete a task".to_owned(),
            Work::Submit { batch: 1 } => "submit a task".to_owned(),
            Work::Submit { batch } => format!("submit {batch} tasks at once"),
        };
        let how = match self.rate {
            Some(rate) => format!("{} callers, open loop at {rate} a second", self.callers),
            None => format!("{} callers, one request in flight each", self.callers),
        };
        let store = self.store.map_or_else(String::new, |store| format!(", in {store}"));
        let mut table = Table::facts([
            ("workload", Cell::new(format!("{}: {what}", self.workload))),
            ("target", Cell::new(format!("{}{store}; {how}", self.target))),
            ("durability", Cell::new(DURABILITY)),
            (
                "done",
                Cell::new(format!("{} in {:.2} s", self.measured.done, self.measured.seconds)),
            ),
            ("a second", Cell::new(round(per_second)).good()),
        ]);
        for (answers, bound) in self.bounds() {
            let told = format!(
                "{:.3} of {} a second, at {answers} syncs each",
                per_second / bound,
                round(bound)
            );
            table.fact("of the disk's bound", Cell::new(told));
        }
        let Yardstick { fdatasync, journal_sync, .. } = &self.disk;
        table.fact("raw fdatasync", Cell::new(told(fdatasync)));
        table.fact("a lone append", Cell::new(told(journal_sync)));
        if let Some(share) = self.measured.cpu.share(self.measured.seconds, |cpu| cpu.server) {
            table.fact("server", Cell::new(format!("{share:.2} of a core")));
        }
        table
    }

    /// Returns the disk's bound for pairs of a lease and a completion, two syncs each, and for what
    /// the work really takes.
    fn bounds(&self) -> impl Iterator<Item = (u32, f64)> {
        let answers = match self.work {
            Work::Pair => &[2, 3][..],
            Work::Submit { .. } => &[1],
        };
        answers.iter().map(|answers| (*answers, self.bound(f64::from(*answers))))
    }
}

/// Returns a row of percentiles for each kind of thing that was measured.
pub(super) fn latencies(latency: &BTreeMap<&'static str, Summary>) -> Table {
    let mut table = Table::new(["MILLISECONDS", "P50", "P90", "P99", "P99.9", "MAX", "COUNT"]);
    for (what, summary) in latency {
        let millis = |micros: f64| Cell::new(format!("{:.3}", micros / 1e3));
        table.row([
            Cell::new(what),
            millis(summary.p50_us),
            millis(summary.p90_us),
            millis(summary.p99_us),
            millis(summary.p999_us),
            millis(summary.max_us),
            Cell::new(summary.count),
        ]);
    }
    table
}

/// Says a yardstick in a few words.
pub(super) fn told(yardstick: &Summary) -> String {
    format!("{:.1} us, p99 {:.1} us", yardstick.p50_us, yardstick.p99_us)
}

/// Says what else there is to know of the machine: a figure from a loaded one is worth little.
pub(super) fn machine() -> Value {
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|load| load.split_whitespace().next()?.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({ "cores": cores, "loadLastMinute": load, "version": env!("CARGO_PKG_VERSION") })
}

impl Measured {
    /// Returns how many pieces were done a second.
    pub(super) fn per_second(&self) -> f64 {
        self.done as f64 / self.seconds.max(1e-9)
    }
}

impl AddAssign for Measured {
    fn add_assign(&mut self, more: Self) {
        let add = |a: Option<Duration>, b: Option<Duration>| a.zip(b).map(|(a, b)| a + b);
        self.cpu = match self.rounds {
            0 => more.cpu,
            _ => Cpu {
                server: add(self.cpu.server, more.cpu.server),
                client: add(self.cpu.client, more.cpu.client),
            },
        };
        self.done += more.done;
        self.seconds += more.seconds;
        self.rounds += more.rounds;
    }
}

impl Cpu {
    /// Returns what server and client have had so far.
    pub(super) fn now<T: Target>(target: &T) -> Self {
        Self { server: target.server_cpu(), client: cpu::of_this_process() }
    }

    /// Returns what they have had since.
    pub(super) fn since(self, before: Self) -> Self {
        let since = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before))
        };
        let (server, client) =
            (since(self.server, before.server), since(self.client, before.client));
        Self { server, client }
    }

    /// Returns how much of a core one of them had in so many seconds.
    pub(super) fn share(self, seconds: f64, of: fn(Self) -> Option<Duration>) -> Option<f64> {
        of(self).map(|cpu| thousandth(cpu.as_secs_f64() / seconds))
    }
}

impl Work {
    /// Returns how many durable answers one piece takes.
    const fn answers(self) -> u32 {
        match self {
            Self::Pair => 3,
            Self::Submit { .. } => 1,
        }
    }
}

fn round(number: f64) -> u64 {
    number.round() as u64
}

pub(super) fn thousandth(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
