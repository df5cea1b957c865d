//! The same work on this ledger and on its peers, in one run: submit a task, lease it, complete it.
//!
//! `cargo bench -p edge-ledger --bench peers` starts whichever of PostgreSQL, Redis and beanstalkd
//! are installed, each with every write synced, in a temporary directory on one disk. Rounds are
//! interleaved, so that a disk that changes its mind changes it for everybody. `docs/BENCHMARK.md`
//! says what is compared with what.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

mod beanstalkd;
mod drive;
mod ours;
mod postgres;
mod process;
mod redis;
mod table;
mod wire;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;

use drive::Figures;
use ours::{Ours, Way};
use table::Board;

/// Puts the same work on this ledger and on its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Make the temporary directory in this one: the disk under it is what is measured.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// How many times everything is measured; medians are shown.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each measurement takes, in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many connections, each with one request in flight.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The bytes of a payload.
const PAYLOAD: usize = 256;

/// One of those that are compared.
#[derive(Debug)]
enum Side {
    Ours(Ours),
    Postgres(postgres::Postgres),
    Redis(redis::Redis),
    Beanstalkd(beanstalkd::Beanstalkd),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // Interrupted, it still stops what it has started.
    tokio::select! {
        outcome = compare(&arguments) => outcome,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

async fn compare(arguments: &Arguments) -> Result<()> {
    let root = tempfile::Builder::new()
        .prefix("edge-ledger-peers-")
        .tempdir_in(&arguments.dir)
        .with_context(|| format!("cannot make a directory in {}", arguments.dir.display()))?;
    // Whoever runs as root runs PostgreSQL as somebody else, who has to get there.
    process::let_others_pass(root.path())?;
    let root = root.path().canonicalize()?;
    let mut sides =
        vec![Side::Ours(Ours::new(&root, Way::InProcess)), Side::Ours(Ours::new(&root, Way::Http))];
    sides.extend(postgres::Postgres::start(&root).await?.map(Side::Postgres));
    sides.extend(redis::Redis::start(&root).await?.map(Side::Redis));
    sides.extend(beanstalkd::Beanstalkd::start(&root).await?.map(Side::Beanstalkd));

    let time = Duration::from_secs_f64(arguments.seconds);
    let mut board = Board::default();
    for round in 0..arguments.rounds {
        for &connections in &arguments.connections {
            // Another one begins each time.
            sides.rotate_left(1);
            for side in &mut sides {
                let figures = side.measure(connections, time).await?;
                eprintln!(
                    "round {}, {connections} connections: {} {:.0} pairs/s",
                    round + 1,
                    side.name(),
                    figures.pairs
                );
                board.note(side.name(), side.durability(), connections, figures);
            }
        }
    }
    match arguments.json {
        true => println!("{:#}", board.json(arguments)),
        false => print!("{}", board.markdown(arguments)),
    }
    Ok(())
}

impl Side {
    const fn name(&self) -> &'static str {
        match self {
            Self::Ours(ours) => ours.name(),
            Self::Postgres(_) => "PostgreSQL",
            Self::Redis(_) => "Redis streams",
            Self::Beanstalkd(_) => "beanstalkd",
        }
    }

    /// Says what of the work has reached the disk when it is answered.
    const fn durability(&self) -> &'static str {
        match self {
            Self::Ours(_) => "submission, lease, start and completion are synced; fenced",
            Self::Postgres(_) => "submission, lease and completion are synced; fenced",
            Self::Redis(_) => "submission, lease and completion are synced; no fence",
            Self::Beanstalkd(_) => {
                "submission and completion are synced; a lease is in memory only; no fence"
            }
        }
    }

    async fn measure(&mut self, connections: usize, time: Duration) -> Result<Figures> {
        match self {
            Self::Ours(ours) => ours.measure(connections, time),
            Self::Postgres(postgres) => {
                drive::measure(postgres.connect(connections).await?, time).await
            }
            Self::Redis(redis) => drive::measure(redis.connect(connections).await?, time).await,
            Self::Beanstalkd(beanstalkd) => {
                drive::measure(beanstalkd.connect(connections).await?, time).await
            }
        }
    }
}
