//! The medians of all rounds, for people and for programs.
use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::{Value, json};

use crate::{Arguments, drive::Figures};

/// What was measured, by connections and side.
#[derive(Debug, Default)]
pub(crate) struct Board {
    cells: BTreeMap<(usize, &'static str), Vec<Figures>>,
    durability: BTreeMap<&'static str, &'static str>,
}

impl Board {
    pub(crate) fn note(
        &mut self,
        name: &'static str,
        durability: &'static str,
        connections: usize,
        figures: Figures,
    ) {
        self.durability.insert(name, durability);
        self.cells.entry((connections, name)).or_default().push(figures);
    }

    /// Returns a row for each side and number of connections, the fastest first.
    pub(crate) fn markdown(&self, arguments: &Arguments) -> String {
        let mut text = format!(
            "{}, medians of {} interleaved rounds of {} s; payload 256 B, one request in flight per \
             connection.\n\n\
             | connections | | pairs/s | p50 ms | p99 ms | submissions/s | durable when answered |\n\
             |--:|---|--:|--:|--:|--:|---|\n",
            machine(),
            arguments.rounds,
            arguments.seconds,
        );
        let mut rows: Vec<_> = self.cells.iter().collect();
        let pairs = |rounds: &[Figures]| median(rounds, |figures| figures.pairs);
        rows.sort_by(|((a, _), of_a), ((b, _), of_b)| {
            a.cmp(b).then(pairs(of_b).total_cmp(&pairs(of_a)))
        });
        for ((connections, name), rounds) in rows {
            let of = |pick: fn(&Figures) -> f64| median(rounds, pick);
            let _ = writeln!(
                text,
                "| {connections} | {name} | {:.0} | {:.2} | {:.2} | {:.0} | {} |",
                of(|figures| figures.pairs),
                of(|figures| figures.p50_us) / 1e3,
                of(|figures| figures.p99_us) / 1e3,
                of(|figures| figures.submissions),
                self.durability.get(name).copied().unwrap_or_default(),
            );
        }
        let _ = writeln!(text, "\nRaw fdatasync in the same run: {:.0} us.", self.fdatasync());
        text
    }

    pub(crate) fn json(&self, arguments: &Arguments) -> Value {
        let cells = self.cells.iter().map(|((connections, name), rounds)| {
            let of = |pick: fn(&Figures) -> f64| median(rounds, pick);
            json!({
                "connections": connections,
                "name": name,
                "durability": self.durability.get(name),
                "pairsPerSecond": of(|figures| figures.pairs),
                "pairsPerSecondByRound": rounds.iter().map(|round| round.pairs).collect::<Vec<_>>(),
                "submissionsPerSecond": of(|figures| figures.submissions),
                "p50Us": of(|figures| figures.p50_us),
                "p99Us": of(|figures| figures.p99_us),
            })
        });
        json!({
            "machine": machine(),
            "rounds": arguments.rounds,
            "secondsEach": arguments.seconds,
            "fdatasyncUs": self.fdatasync(),
            "measured": cells.collect::<Vec<_>>(),
        })
    }

    fn fdatasync(&self) -> f64 {
        let samples =
            self.cells.values().flatten().filter(|figures| figures.fdatasync_us.is_some());
        let samples: Vec<_> = samples.copied().collect();
        median(&samples, |figures| figures.fdatasync_us.unwrap_or(0.0))
    }
}

fn median(rounds: &[Figures], pick: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<_> = rounds.iter().map(pick).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, load {load} in the end")
}
