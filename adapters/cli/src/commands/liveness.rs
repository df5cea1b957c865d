//! `liveness`: who was alive, from the log alone.

mod svg;
mod timeline;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{
    Commit, Journal, JournalReader, Position, Thresholds, Timestamp,
    past::{LogEnd, Moment, Past, PastError},
    view::EdgeView,
};
use edge_ledger_wire::operator::Edge;
use serde::{Deserialize, Serialize};

use super::{
    edge::{liveness, silence},
    log::DataArgs,
};
use crate::{
    config::{Setting, Shown, Span},
    context::Context,
    exit::{Exit, Failure},
    journal,
    output::{Cell, Output, Progress, Table, note},
};
pub(crate) use timeline::outcome;

/// Show who was alive, now, at any past instant or throughout a stretch of time, from a data directory
/// that no gateway has open.
#[derive(Debug, Args)]
#[command(after_help = "\
Silence grows only while the ledger was open. At a time inside an outage everybody is as alive as
when the ledger was closed or, after a crash, as at its last commit.

With --from, --to or --svg it is a timeline: intervals that include their beginning and not their
end. Without --from it begins with the log, without --to it ends at the last commit.")]
pub(crate) struct LivenessArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Just after the commit at this position, or at this time, as in 2026-01-31T09:14:00Z
    /// [default: now].
    #[arg(long, value_name = "POSITION|TIME")]
    at: Option<Moment>,
    #[command(flatten)]
    stretch: timeline::StretchArgs,
    #[command(flatten)]
    thresholds: ThresholdArgs,
}

/// How long an edge may be silent.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Liveness")]
pub(crate) struct ThresholdArgs {
    /// The longest silence of an edge that is online [default: 1m].
    #[arg(long, env = "EDGE_LEDGER_LIVENESS_ONLINE_WITHIN", value_name = "TIME")]
    pub(crate) online_within: Option<Span>,
    /// The longest silence of an edge that is stale; beyond, it is offline [default: 5m].
    #[arg(long, env = "EDGE_LEDGER_LIVENESS_STALE_WITHIN", value_name = "TIME")]
    pub(crate) stale_within: Option<Span>,
}

/// How long an edge may be silent, settled.
#[derive(Debug)]
pub(crate) struct ThresholdSettings {
    pub(crate) online_within: Setting<Span>,
    pub(crate) stale_within: Setting<Span>,
}

impl ThresholdArgs {
    /// Settles how long an edge may be silent.
    pub(crate) fn settle(self, file: Self) -> ThresholdSettings {
        let usual = Thresholds::default();
        ThresholdSettings {
            online_within: Setting::settle(
                "liveness.online-within",
                self.online_within,
                file.online_within,
                || usual.online_within.into(),
            ),
            stale_within: Setting::settle(
                "liveness.stale-within",
                self.stale_within,
                file.stale_within,
                || usual.stale_within.into(),
            ),
        }
    }
}

impl ThresholdSettings {
    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![self.online_within.shown(), self.stale_within.shown()]
    }

    /// Returns the thresholds, if they make sense.
    pub(crate) fn thresholds(&self) -> Result<Thresholds> {
        let (online, stale) = (self.online_within.value, self.stale_within.value);
        if online.0 > stale.0 {
            let told = format!("online-within is {online}, longer than stale-within, {stale}");
            return Err(Failure::usage(told).next("an edge is online first, then stale").into());
        }
        Ok(Thresholds { online_within: online.millis(), stale_within: stale.millis() })
    }
}

pub(crate) fn run(args: LivenessArgs, context: &Context) -> Result<Exit> {
    let thresholds = args.thresholds.settle(context.file.liveness).thresholds()?;
    let data = args.data.settle(context).value;
    if args.stretch.is_wanted() {
        return timeline::run(&args.stretch, &data, &thresholds, context.output);
    }
    let journal = journal::open(&data)?;
    let mut progress = Progress::new("commits");
    let reader = journal.reader();
    let past = fold(reader.read(Position::START).inspect(|_| progress.add(1)), args.at)?;
    drop(progress);
    show(&past, &thresholds, context.output)?;
    Ok(Exit::Ok)
}

/// Folds a log that nobody writes, up to a moment or to its end.
fn fold<E: std::error::Error + Send + Sync + 'static>(
    log: impl Iterator<Item = Result<Commit, E>>,
    at: Option<Moment>,
) -> Result<Past> {
    const END: Moment = Moment::Time(Timestamp::from_millis(i64::MAX));
    match Past::at(log, at.unwrap_or(END), LogEnd::Abandoned) {
        Ok(past) if at.is_some() => Ok(past),
        Ok(Past { ledger, .. }) => {
            let as_of = now().max(ledger.recorded_at());
            Ok(Past { ledger, as_of })
        }
        Err(beyond @ PastError::Beyond { .. }) => {
            let next = "name a position up to there, or a time";
            Err(Failure::new(Exit::NotFound, beyond.to_string()).next(next).into())
        }
        Err(error @ (PastError::Unreadable(_) | PastError::Corrupt(_))) => {
            Err(anyhow::Error::new(error)
                .context("run `edge-ledger log verify` to see how far it is good"))
        }
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn show(past: &Past, thresholds: &Thresholds, output: Output) -> Result<()> {
    let Past { ledger, as_of } = past;
    let views = ledger.edges().filter_map(|(id, _)| EdgeView::of(ledger, id, thresholds, *as_of));
    let mut edges: Vec<_> = views.map(|view| Edge::from(&view)).collect();
    edges.sort_by_key(|edge| edge.position);
    if output.is_json() {
        return output.json(&Answer {
            as_of: as_of.to_string(),
            head: ledger.head(),
            open: ledger.is_open(),
            items: edges,
        });
    }
    let served = if ledger.is_open() { "open" } else { "not open" };
    note(&format!("as of {as_of}, position {}, the ledger {served}", ledger.head()));
    let mut table = Table::new(["EDGE", "NAME", "LIVENESS", "SILENT FOR", "LAST SEEN", "HOLDS"]);
    for edge in &edges {
        table.row([
            Cell::new(&edge.id),
            Cell::new(&edge.display_name),
            liveness(edge.liveness),
            Cell::maybe(edge.silence_ms.map(silence)),
            Cell::maybe(edge.last_seen_at.as_ref()),
            Cell::new(edge.holds.join(" ")),
        ]);
    }
    output.table(&table, "no edges were registered then")
}

/// Who was alive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    as_of: String,
    head: Position,
    /// Whether the ledger was open, so that silence grew.
    open: bool,
    items: Vec<Edge>,
}
