//! `replay`, `start` and `growth`: what it costs to have a long past.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_core::Journal as _;
use serde_json::{Value, json};

use super::{
    Place, TargetChoice,
    disk::Disk,
    drive::Work,
    history::{self, Shape},
    load::{self, LoadArgs},
    local::Local,
    remote::Remote,
    report::{Report, machine, thousandth},
};
use crate::{
    context::Context,
    exit::{Exit, Failure, chain},
    journal,
    output::{Cell, Table},
};

/// How long the past is.
#[derive(Clone, Debug, Args)]
pub(super) struct PastArgs {
    /// How many events there are.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    events: u64,
    /// How often it is done.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How many reports of edges that are well stand beside each task, whose own events are four.
    #[arg(long, value_name = "COUNT", default_value_t = REPORTS)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=10_000))]
    reports: u64,
    /// How many bytes the payload of a task has.
    #[arg(long, value_name = "BYTES", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=100_000))]
    payload: u32,
    /// What the payloads are made from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl PastArgs {
    const fn shape(&self) -> Shape {
        let Self { events, reports, payload, seed, .. } = *self;
        Shape { events, reports, payload, seed }
    }
}

/// How much past there is behind each measurement.
#[derive(Clone, Debug, Args)]
pub(super) struct GrowthArgs {
    /// How many events there are, in each measurement.
    #[arg(long, value_name = "COUNT", value_delimiter = ',')]
    #[arg(default_values_t = [100_000, 1_000_000, 10_000_000])]
    events: Vec<u64>,
    #[command(flatten)]
    load: LoadArgs,
}

/// How many reports stand beside each task, unless told otherwise.
const REPORTS: u64 = 2;

/// How long a gateway may take to read its past.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures how fast a journal is read, decoded and folded.
pub(super) fn replay(args: &PastArgs, place: &Place, context: &Context) -> Result<()> {
    place.is_our_own("replay")?;
    let data = place.path();
    history::fill(data, place.store, args.shape())?;
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        let journal = journal::open_in(data, place.store)?;
        let began = Instant::now();
        let ledger = edge_ledger_engine::replay(&journal.reader())
            .map_err(|error| Failure::new(Exit::Failure, chain(&error)))?;
        runs.push(Run { events: ledger.head().get(), took: began.elapsed() });
    }
    show("replay", "read, decode and fold a journal", args, &runs, place, context)
}

/// Measures how long it takes from the start of a gateway until it answers.
pub(super) async fn start(args: &PastArgs, place: &Place, context: &Context) -> Result<()> {
    place.is_our_own("start")?;
    let root = place.path();
    history::fill(&root.join("data"), place.store, args.shape())?;
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        let began = Instant::now();
        let gateway = Remote::start_within(root, place.store, &[], PATIENCE).await?;
        runs.push(Run { events: args.events, took: began.elapsed() });
        gateway.stop().await?;
    }
    show("start", "from the start of a gateway until it answers", args, &runs, place, context)
}

/// Measures pairs over ever longer pasts.
pub(super) async fn growth(args: &GrowthArgs, place: &Place, context: &Context) -> Result<()> {
    place.is_our_own("growth")?;
    let mut points: Vec<(u64, Report)> = Vec::new();
    for &events in &args.events {
        let directory = place.path().join(events.to_string());
        fs::create_dir(&directory)?;
        let data = match place.target {
            TargetChoice::InProcess => directory.clone(),
            TargetChoice::OwnGateway | TargetChoice::Running { .. } => directory.join("data"),
        };
        let (payload, seed) = (args.load.payload(), args.load.seed());
        let shape = Shape { events, reports: REPORTS, payload, seed };
        history::fill(&data, place.store, shape)?;
        let disk = Disk::under(&directory, place.store)?;
        let report = match place.target {
            TargetChoice::InProcess => {
                let target = Local::open(&directory, place.store, args.load.callers())?;
                load::measure("growth", Work::Pair, &args.load, disk, target).await?
            }
            TargetChoice::OwnGateway | TargetChoice::Running { .. } => {
                let target = Remote::start_within(&directory, place.store, &[], PATIENCE).await?;
                load::measure("growth", Work::Pair, &args.load, disk, target).await?
            }
        };
        points.push((events, Report { store: place.store(), ..report }));
        fs::remove_dir_all(&directory)?;
    }
    let first = points.first().map_or(0.0, |(_, report)| report.measured.per_second());
    let of_first = |report: &Report| thousandth(report.measured.per_second() / first);
    if context.output.is_json() {
        let points: Vec<Value> = points
            .iter()
            .map(|(events, report)| {
                json!({ "events": events, "ofFirst": of_first(report), "pairs": report.json() })
            })
            .collect();
        return context.output.json(&json!({
            "workload": "growth",
            "store": place.store,
            "points": points,
            "machine": machine(),
        }));
    }
    let mut table = Table::new(["EVENTS BEFORE", "PAIRS A SECOND", "OF THE FIRST", "LEASE P99 MS"]);
    for (events, report) in &points {
        let lease = report.latency.get("lease").map_or(0.0, |lease| lease.p99_us / 1e3);
        table.row([
            Cell::new(events),
            Cell::new(format!("{:.0}", report.measured.per_second())),
            Cell::new(of_first(report)),
            Cell::new(format!("{lease:.3}")),
        ]);
    }
    context.output.table(&table, "")
}

/// One of several measurements of the same.
#[derive(Clone, Copy, Debug)]
struct Run {
    events: u64,
    took: Duration,
}

fn show(
    workload: &str,
    what: &str,
    args: &PastArgs,
    runs: &[Run],
    place: &Place,
    context: &Context,
) -> Result<()> {
    let mut seconds: Vec<_> = runs.iter().map(|run| run.took.as_secs_f64()).collect();
    let in_order = seconds.clone();
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().context("there is at least one run")?;
    let events = runs.first().map_or(0, |run| run.events);
    let (per_second, bytes) = (events as f64 / median, bytes_under(place.path())?);
    if context.output.is_json() {
        return context.output.json(&json!({
            "workload": workload,
            "store": place.store,
            "events": events,
            "reportsPerTask": args.reports,
            "payloadBytes": args.payload,
            "seed": args.seed,
            "runs": in_order.iter().map(|seconds| thousandth(*seconds)).collect::<Vec<_>>(),
            "seconds": thousandth(median),
            "perSecond": per_second.round() as u64,
            "bytesOnDisk": bytes,
            "machine": machine(),
        }));
    }
    let each: Vec<_> = in_order.iter().map(|seconds| format!("{seconds:.3}")).collect();
    let table = Table::facts([
        ("workload", Cell::new(format!("{workload}: {what}"))),
        ("store", Cell::new(place.store)),
        ("events", Cell::new(events)),
        ("on disk", Cell::new(format!("{:.1} bytes an event", bytes as f64 / events as f64))),
        ("each run", Cell::new(format!("{} s", each.join(", ")))),
        ("median", Cell::new(format!("{median:.3} s")).good()),
        ("events a second", Cell::new(per_second.round())),
    ]);
    context.output.table(&table, "")
}

/// Returns how many bytes all files under a directory have.
fn bytes_under(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { bytes_under(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
