//! `beats`: a fleet with nothing to do, which polls and reports at its own pace.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::{
    Place, TargetChoice,
    caller::Target as _,
    connection::Connection,
    cpu,
    disk::Disk,
    remote::{EdgeIdentity, Remote},
    report::{Cpu, DURABILITY, latencies, machine, thousandth, told},
    tally::Tally,
};
use crate::{
    config::Span,
    context::Context,
    exit::Failure,
    output::{Cell, Table},
    store::Kind,
};

/// How large the fleet is, and how often each edge speaks.
#[derive(Clone, Debug, Args)]
pub(super) struct BeatsArgs {
    /// How many edges there are, each with a connection of its own.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    edges: u32,
    /// How often each of them polls and reports.
    #[arg(long, value_name = "TIME", default_value = "15s")]
    every: Span,
    /// How long to measure.
    #[arg(long, value_name = "TIME", default_value = "45s")]
    duration: Span,
    /// How long to run before anything is measured.
    #[arg(long, value_name = "TIME", default_value = "15s")]
    warmup: Span,
}

/// Connections beyond the fleet's: the benchmark's own.
const SPARE: u32 = 100;

pub(super) async fn run(args: BeatsArgs, place: &Place, context: &Context) -> Result<()> {
    if args.every.0.is_zero() {
        return Err(Failure::usage("--every is 0: an edge cannot speak all the time").into());
    }
    let limit = (args.edges + SPARE).to_string();
    let target = match &place.target {
        TargetChoice::InProcess => {
            let told = "beats are measured over HTTP: --target in-process has no connections";
            return Err(Failure::usage(told).next("leave --target out").into());
        }
        TargetChoice::OwnGateway => {
            Remote::start(place.path(), place.store, &["--limit-connections", &limit]).await?
        }
        TargetChoice::Running { url, token } => Remote::running(url, token)?,
    };
    let mut disk = Disk::under(place.path(), place.store)?;
    let fleet = Fleet::gather(&target, args.edges).await?;
    disk.sample()?;
    let found = fleet.run(&args, &target).await?;
    disk.sample()?;
    found.show(&args, &target, place.store(), &disk, context)
}

/// A fleet, and where its gateway listens.
struct Fleet {
    edges: Vec<EdgeIdentity>,
    host: Rc<str>,
}

/// What a fleet came to.
struct Found {
    tally: Tally,
    beats: u64,
    seconds: f64,
    cpu: Cpu,
}

/// Beats in a given stretch of time.
#[derive(Clone, Copy)]
struct Stretch {
    begins: Instant,
    ends: Instant,
}

impl Fleet {
    /// Lets so many edges in.
    async fn gather(target: &Remote, edges: u32) -> Result<Self> {
        let edges = target.register(edges as usize).await?;
        Ok(Self { edges, host: target.host().into() })
    }

    /// Has every edge speak at its own time, spread evenly.
    async fn run(self, args: &BeatsArgs, target: &Remote) -> Result<Found> {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let began = Instant::now();
        let begins = began + args.warmup.0;
        let stretch = Stretch { begins, ends: begins + args.duration.0 };
        let local = LocalSet::new();
        let mut fleet = JoinSet::new();
        let apart = args.every.0.div_f64(f64::from(args.edges));
        for (number, edge) in self.edges.into_iter().enumerate() {
            let first = began + apart.mul_f64(number as f64);
            let (host, tally) = (Rc::clone(&self.host), Rc::clone(&tally));
            let living = live(edge, host, first, args.every.0, stretch, tally);
            fleet.spawn_local_on(living, &local);
        }
        let cpu = local.run_until(async {
            tokio::time::sleep_until(stretch.begins.into()).await;
            let before = Cpu::now(target);
            tokio::time::sleep_until(stretch.ends.into()).await;
            let cpu = Cpu::now(target).since(before);
            while let Some(edge) = fleet.join_next().await {
                edge??;
            }
            anyhow::Ok(cpu)
        });
        let cpu = cpu.await?;
        let tally = tally.take();
        let beats = tally.summaries().get("report").map_or(0, |reports| reports.count);
        Ok(Found { tally, beats, seconds: args.duration.0.as_secs_f64(), cpu })
    }
}

/// Polls and reports until the time is over. What is late counts from when it was due.
async fn live(
    edge: EdgeIdentity,
    host: Rc<str>,
    first: Instant,
    every: Duration,
    stretch: Stretch,
    tally: Rc<RefCell<Tally>>,
) -> Result<()> {
    let mut due = first;
    // Not before it has something to say: the gateway hangs up on who connects and is silent.
    tokio::time::sleep_until(due.into()).await;
    let mut connection = Connection::to(&host).await?;
    while due < stretch.ends {
        tokio::time::sleep_until(due.into()).await;
        edge.poll(&mut connection).await?;
        let polled = Instant::now();
        edge.report(&mut connection, (due - first).as_secs()).await?;
        let reported = Instant::now();
        if due >= stretch.begins {
            let mut tally = tally.borrow_mut();
            tally.note("poll", polled - due);
            tally.note("report", reported - polled);
        }
        due += every;
    }
    Ok(())
}

impl Found {
    fn show(
        &self,
        args: &BeatsArgs,
        target: &Remote,
        store: Option<Kind>,
        disk: &Disk,
        context: &Context,
    ) -> Result<()> {
        let memory = target.process().and_then(cpu::memory_of_process);
        let (disk, latency) = (disk.yardstick(), self.tally.summaries());
        let share = |of| self.cpu.share(self.seconds, of);
        let (server, client) = (share(|cpu| cpu.server), share(|cpu| cpu.client));
        let output = context.output;
        if output.is_json() {
            return output.json(&json!({
                "workload": "beats",
                "target": target.describe(),
                "store": store,
                "durability": DURABILITY,
                "loop": "open",
                "edges": args.edges,
                "everySeconds": args.every.0.as_secs_f64(),
                "done": self.beats,
                "seconds": thousandth(self.seconds),
                "perSecond": thousandth(self.beats as f64 / self.seconds),
                "latency": latency,
                "disk": disk,
                "cpu": { "server": server, "client": client },
                "serverMemoryBytes": memory,
                "machine": machine(),
            }));
        }
        let what = format!("beats: {} edges poll and report every {}", args.edges, args.every);
        let mut table = Table::facts([
            ("workload", Cell::new(what)),
            ("target", Cell::new(target.describe())),
            ("durability", Cell::new(DURABILITY)),
            ("done", Cell::new(format!("{} in {:.2} s", self.beats, self.seconds))),
            ("raw fdatasync", Cell::new(told(&disk.fdatasync))),
            ("a lone append", Cell::new(told(&disk.journal_sync))),
        ]);
        if let Some(server) = server {
            table.fact("server", Cell::new(format!("{server:.3} of a core")));
        }
        if let Some(memory) = memory {
            table.fact("its memory", Cell::new(format!("{} MiB", memory / (1024 * 1024))));
        }
        output.table(&table, "")?;
        output.text("")?;
        output.table(&latencies(&latency), "")
    }
}
