//! Who was alive throughout a stretch of time, and who worked on what.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_core::{
    EdgeId, Millis, Thresholds, Timestamp,
    leases::{Ended, Held},
    task::FailReason,
    timeline::{Interval, Totals, Window},
};
use serde::Serialize;

use super::{liveness, silence, svg};
use crate::{
    chronicle::Chronicle,
    exit::Exit,
    output::{Cell, Output, Table, note},
    source::Source,
};

/// A stretch of time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Timeline")]
pub(crate) struct StretchArgs {
    /// From this time on, as in 2026-01-31T09:14:00Z [default: the beginning of the log].
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    from: Option<Timestamp>,
    /// Up to this time, exclusive [default: the last commit].
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    to: Option<Timestamp>,
    /// Of this edge only.
    #[arg(long, value_name = "EDGE", conflicts_with = "at")]
    edge: Option<EdgeId>,
    /// Write the timeline, with the tasks that were worked on, to a picture that a browser opens.
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    svg: Option<PathBuf>,
}

impl StretchArgs {
    /// Returns whether it is asked for at all.
    pub(super) const fn is_wanted(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.edge.is_some() || self.svg.is_some()
    }
}

pub(super) fn run(
    args: &StretchArgs,
    data: &Path,
    thresholds: &Thresholds,
    output: Output,
) -> Result<Exit> {
    let source = Source::open(data)?;
    let chronicle = Chronicle::read(&source)?;
    chronicle.can_tell(thresholds.online_within)?;
    let window = chronicle.window(args.from, args.to)?;
    let rows = rows(&chronicle, thresholds, window, args.edge)?;
    if let Some(path) = &args.svg {
        let picture = svg::draw(&svg::Picture {
            window,
            thresholds,
            openings: chronicle.contacts.openings(),
            summarised: chronicle.summarised.map(|(_, until)| until),
            rows: &rows,
        });
        std::fs::write(path, picture)
            .with_context(|| format!("the picture {} was not written", path.display()))?;
        note(&format!("wrote {}: {} edges, a row each", path.display(), rows.len()));
    }
    tell_bounds(&chronicle, window);
    show(&chronicle, window, thresholds, &rows, args.svg.is_some(), output)?;
    Ok(Exit::Ok)
}

/// An edge throughout a window.
pub(super) struct Row<'a> {
    pub(super) edge: EdgeId,
    pub(super) name: Option<&'a str>,
    pub(super) intervals: Vec<Interval>,
    pub(super) leases: Vec<Span<'a>>,
}

/// The part of a lease that lies within the window.
pub(super) struct Span<'a> {
    pub(super) within: Window,
    pub(super) held: &'a Held,
    pub(super) task_name: Option<&'a str>,
}

impl Span<'_> {
    /// Returns how the lease ended, in a word of the log's; none if it goes on.
    pub(super) fn outcome(&self) -> Option<&'static str> {
        self.held.end.map(|end| outcome(end.how))
    }
}

/// Returns how a lease ended, in a word.
pub(crate) const fn outcome(how: Ended) -> &'static str {
    use edge_ledger_core::task::EndReason;
    match how {
        Ended::Lapsed => "lapsed",
        Ended::Otherwise(EndReason::Restarted) => "restarted",
        Ended::Otherwise(EndReason::Reassigned) => "reassigned",
        Ended::Otherwise(EndReason::EdgeDisabled) => "edge disabled",
        Ended::Otherwise(EndReason::CredentialRevoked) => "credential revoked",
        Ended::Otherwise(EndReason::Restored) => "restored",
        Ended::AttemptFailed => "attempt failed",
        Ended::Failed(FailReason::Reported | FailReason::AttemptsExhausted) => "failed",
        Ended::Failed(FailReason::DeadlineMissed) => "deadline missed",
        Ended::Completed => "completed",
        Ended::Cancelled => "cancelled",
    }
}

fn rows<'a>(
    chronicle: &'a Chronicle,
    thresholds: &Thresholds,
    window: Window,
    only: Option<EdgeId>,
) -> Result<Vec<Row<'a>>> {
    let goes_on = Timestamp::from_millis(i64::MAX);
    let row = |edge| {
        let held = chronicle.leases.all().iter().filter(|held| held.edge == edge);
        let leases = held.filter_map(|held| {
            let granted_at = held.signs.first()?.at;
            let within = window.clip(granted_at, held.end.map_or(goes_on, |end| end.at))?;
            Some(Span { within, held, task_name: chronicle.task_name(&held.task) })
        });
        Row {
            edge,
            name: chronicle.name_of(edge),
            intervals: chronicle.contacts.intervals(edge, thresholds, window),
            leases: leases.collect(),
        }
    };
    let rows = chronicle.edges(only)?.into_iter().map(row);
    Ok(rows.filter(|row| !row.intervals.is_empty()).collect())
}

/// Says what the timeline rests on, where that is not the whole log.
fn tell_bounds(chronicle: &Chronicle, window: Window) {
    if let Some((position, until)) = chronicle.summarised {
        note(&format!(
            "up to position {position}, of {until}, from summaries at a resolution of {} s: the \
             timeline is the same, tasks and names are not in them",
            chronicle.contacts.resolution().0 / 1_000
        ));
    }
    let begin = chronicle.begin.get();
    if begin > 0 {
        note(&format!(
            "what was before position {} is not there: edges appear when they are first \
             heard of after it",
            begin + 1
        ));
    }
    note(&format!("from {} up to {}, exclusive", window.from, window.to));
}

fn show(
    chronicle: &Chronicle,
    window: Window,
    thresholds: &Thresholds,
    rows: &[Row<'_>],
    drawn: bool,
    output: Output,
) -> Result<()> {
    if output.is_json() {
        return output.json(&Timeline::of(chronicle, window, thresholds, rows));
    }
    if drawn {
        return Ok(());
    }
    let mut table = Table::new(["EDGE", "NAME", "FROM", "TO", "LIVENESS", "FOR"]);
    for row in rows {
        for interval in &row.intervals {
            table.row([
                Cell::new(row.edge),
                Cell::maybe(row.name),
                Cell::new(interval.from),
                Cell::new(interval.to),
                liveness(interval.liveness),
                Cell::new(silence(interval.span())),
            ]);
        }
    }
    output.table(&table, "no edge was heard of by then")
}

/// Who was alive throughout a window.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Timeline<'a> {
    from: String,
    to: String,
    online_within_ms: u64,
    stale_within_ms: u64,
    /// How far apart signs of life are told from each other; 0 if each of them is known.
    resolution_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    summarised: Option<Summarised>,
    /// The position after which anything is known.
    known_after: u64,
    /// When the ledger was open.
    open: Vec<Stretch>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summarised {
    until_position: u64,
    until: String,
}

#[derive(Serialize)]
struct Stretch {
    from: String,
    to: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    edge: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    intervals: Vec<State>,
    online_ms: u64,
    stale_ms: u64,
    offline_ms: u64,
    leases: Vec<Work<'a>>,
}

#[derive(Serialize)]
struct State {
    from: String,
    to: String,
    liveness: edge_ledger_core::Liveness,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Work<'a> {
    task: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Where the lease was granted.
    granted: u64,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl<'a> Timeline<'a> {
    fn of(
        chronicle: &Chronicle,
        window: Window,
        thresholds: &Thresholds,
        rows: &[Row<'a>],
    ) -> Self {
        let openings = chronicle.contacts.openings().iter();
        let open = openings
            .filter_map(|opening| window.clip(opening.began, opening.ended.unwrap_or(window.to)));
        Self {
            from: window.from.to_string(),
            to: window.to.to_string(),
            online_within_ms: thresholds.online_within.0,
            stale_within_ms: thresholds.stale_within.0,
            resolution_ms: chronicle.contacts.resolution().0,
            summarised: chronicle.summarised.map(|(position, until)| Summarised {
                until_position: position.get(),
                until: until.to_string(),
            }),
            known_after: chronicle.begin.get(),
            open: open.map(Stretch::from).collect(),
            items: rows.iter().map(Item::of).collect(),
        }
    }
}

impl<'a> Item<'a> {
    fn of(row: &Row<'a>) -> Self {
        let Totals {
            online: Millis(online_ms),
            stale: Millis(stale_ms),
            offline: Millis(offline_ms),
        } = Totals::of(&row.intervals);
        let state = |interval: &Interval| State {
            from: interval.from.to_string(),
            to: interval.to.to_string(),
            liveness: interval.liveness,
        };
        let work = |span: &Span<'a>| Work {
            task: span.held.task.to_string(),
            name: span.task_name,
            granted: span.held.granted.get(),
            from: span.within.from.to_string(),
            to: span.within.to.to_string(),
            outcome: span.outcome(),
        };
        Self {
            edge: row.edge.to_string(),
            name: row.name,
            intervals: row.intervals.iter().map(state).collect(),
            online_ms,
            stale_ms,
            offline_ms,
            leases: row.leases.iter().map(work).collect(),
        }
    }
}

impl From<Window> for Stretch {
    fn from(window: Window) -> Self {
        Self { from: window.from.to_string(), to: window.to.to_string() }
    }
}
