//! Workloads of many pieces: `pairs`, `submit` and `lone`.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;

use super::{
    Place, TargetChoice,
    caller::{Payloads, Target},
    disk::Disk,
    drive::{Pace, Round, Work},
    local::Local,
    remote::Remote,
    report::{Cpu, Measured, Report},
    tally::Tally,
};
use crate::{config::Span, context::Context, exit::Failure, output::Progress};

/// How much work, and how it comes.
#[derive(Clone, Debug, Args)]
pub(super) struct LoadArgs {
    /// How many callers there are, each with one request in flight; over HTTP each has a connection
    /// of its own [default: 64].
    #[arg(long, visible_alias = "in-flight", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,
    /// How long to measure.
    #[arg(long, value_name = "TIME", default_value = "10s", conflicts_with = "count")]
    duration: Span,
    /// Measure so many pieces of work instead of a time.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How long to work before anything is measured.
    #[arg(long, value_name = "TIME", default_value = "2s")]
    warmup: Span,
    /// Work comes at so many pieces a second, and latency counts from when it came. Without it a
    /// caller asks again once it is answered.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// How many bytes the payload of a task has.
    #[arg(long, value_name = "BYTES", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=100_000))]
    payload: u32,
    /// How many tasks a submission has.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batch: u32,
    /// What the payloads are made from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl LoadArgs {
    /// Returns how many tasks a submission has.
    pub(super) const fn batch(&self) -> usize {
        self.batch as usize
    }

    /// Leaves one caller only.
    pub(super) fn alone(self) -> Result<Self> {
        match self.connections {
            None | Some(1) => Ok(Self { connections: Some(1), ..self }),
            Some(count) => {
                let told = format!("a lone caller is one, and --connections says {count}");
                Err(Failure::usage(told).next("measure `pairs` instead").into())
            }
        }
    }

    /// Returns how many callers there are.
    pub(super) fn callers(&self) -> usize {
        self.connections.unwrap_or(64) as usize
    }

    /// Returns how many bytes a payload has.
    pub(super) const fn payload(&self) -> u32 {
        self.payload
    }

    /// Returns what the payloads are made from.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    const fn pace(&self) -> Pace {
        match self.rate {
            None => Pace::Closed,
            Some(per_second) => Pace::Open { per_second },
        }
    }
}

/// Measures a workload where it is to be measured, and tells.
pub(super) async fn run(
    name: &'static str,
    work: Work,
    args: LoadArgs,
    place: &Place,
    context: &Context,
) -> Result<()> {
    let disk = Disk::under(place.path(), place.store)?;
    let report = match &place.target {
        TargetChoice::InProcess => {
            let target = Local::open(place.path(), place.store, args.callers())?;
            measure(name, work, &args, disk, target).await?
        }
        TargetChoice::OwnGateway => {
            let target = Remote::start(place.path(), place.store, &[]).await?;
            measure(name, work, &args, disk, target).await?
        }
        TargetChoice::Running { url, token } => {
            let target = Remote::running(url, token)?;
            measure(name, work, &args, disk, target).await?
        }
    };
    Report { store: place.store(), ..report }.show(context.output)
}

/// Measures a workload on a target, and the disk beside it.
pub(super) async fn measure<T: Target>(
    name: &'static str,
    work: Work,
    args: &LoadArgs,
    disk: Disk,
    mut target: T,
) -> Result<Report> {
    let callers = target.callers(args.callers()).await?;
    let mut bench = Bench {
        target,
        callers,
        work,
        args,
        disk,
        payloads: Rc::new(RefCell::new(Payloads::new(args.payload as usize, args.seed))),
        tally: Rc::default(),
        progress: Progress::new(name),
    };
    let mut rate = bench.warm_up().await?;
    bench.tally.borrow_mut().clear();
    bench.disk.sample()?;
    let mut measured = Measured::default();
    while let Some(pieces) = bench.next_round(rate, &measured) {
        measured += bench.round(pieces, args.pace()).await?;
        rate = measured.per_second();
        bench.disk.sample()?;
    }
    let Bench { target, disk, tally, .. } = bench;
    Ok(Report {
        workload: name,
        target: target.describe(),
        store: None,
        callers: args.callers(),
        rate: args.rate,
        payload_bytes: args.payload,
        batch: args.batch,
        seed: args.seed,
        work,
        measured,
        latency: tally.borrow().summaries(),
        disk: disk.yardstick(),
    })
}

/// A benchmark under way. It goes in rounds of about a second: while nothing is measured, tasks are
/// submitted for the next one, and the disk is measured.
struct Bench<'a, T: Target> {
    target: T,
    callers: Vec<T::Caller>,
    work: Work,
    args: &'a LoadArgs,
    disk: Disk,
    payloads: Rc<RefCell<Payloads>>,
    tally: Rc<RefCell<Tally>>,
    progress: Progress,
}

/// How long a round is to take: long enough for its ends not to matter, short enough for a disk
/// not to change.
const ROUND: f64 = 1.0;
/// The most pieces of a round: they are submitted first, and wait in memory.
const ROUND_MOST: f64 = 200_000.0;

impl<T: Target> Bench<'_, T> {
    /// Works until everything is warm, and returns how many pieces a second were done.
    async fn warm_up(&mut self) -> Result<f64> {
        let began = Instant::now();
        let mut pieces = 4 * self.callers.len() as u64;
        loop {
            let round = self.round(pieces, Pace::Closed).await?;
            let rate = round.per_second();
            if began.elapsed() >= self.args.warmup.0 {
                return Ok(rate);
            }
            pieces = pieces_of(rate * ROUND / 2.0);
        }
    }

    /// Returns how many pieces the next round is to have; none if enough is measured.
    fn next_round(&self, rate: f64, measured: &Measured) -> Option<u64> {
        let rate = self.args.rate.unwrap_or(rate);
        let left = match self.args.count {
            Some(count) => count.saturating_sub(measured.done),
            None => {
                let left = self.args.duration.0.as_secs_f64() - measured.seconds;
                if left < 0.05 { 0 } else { pieces_of(left * rate) }
            }
        };
        // An open loop is not interrupted: what has come waits.
        let most = if self.args.rate.is_some() { u64::MAX } else { pieces_of(rate * ROUND) };
        (left > 0).then_some(left.min(most))
    }

    /// Measures a round.
    async fn round(&mut self, pieces: u64, pace: Pace) -> Result<Measured> {
        if self.work == Work::Pair {
            self.submit(pieces).await?;
        }
        let cpu = Cpu::now(&self.target);
        let took = self.put(self.work, pieces, pace).await?;
        self.progress.add(pieces);
        Ok(Measured {
            done: pieces,
            seconds: took.as_secs_f64(),
            rounds: 1,
            cpu: Cpu::now(&self.target).since(cpu),
        })
    }

    /// Submits tasks, in what is not measured.
    async fn submit(&mut self, tasks: u64) -> Result<()> {
        let batch = self.args.batch();
        let tally = std::mem::take(&mut self.tally);
        let submissions = tasks.div_ceil(batch as u64);
        self.put(Work::Submit { batch }, submissions, Pace::Closed).await?;
        self.tally = tally;
        Ok(())
    }

    async fn put(&mut self, work: Work, pieces: u64, pace: Pace) -> Result<Duration> {
        let (callers, payloads, tally) = (&mut self.callers, &self.payloads, &self.tally);
        Round { callers, work, pieces, pace, payloads, tally }.run().await
    }
}

fn pieces_of(pieces: f64) -> u64 {
    pieces.clamp(1.0, ROUND_MOST) as u64
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("expected a number, found {text:?}"))?;
    match rate.is_finite() && rate > 0.0 {
        true => Ok(rate),
        false => Err(format!("expected more than 0 a second, found {text}")),
    }
}
