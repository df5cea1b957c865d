//! What would have been, beside what was, and how far that is known.

use anyhow::Result;
use edge_ledger_core::{
    EdgeId, Liveness, Millis, Thresholds,
    leases::{Ended, Held, Verdict},
    timeline::{self, Difference, Totals, Window},
};
use serde::Serialize;

use crate::{
    chronicle::Chronicle,
    commands::{edge::silence, liveness::outcome},
    output::{Cell, Output, Table, note},
};

/// What would have been, beside what was.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    liveness: Option<OfLiveness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leases: Option<OfLeases>,
    /// What is known of it, and how.
    known: Vec<&'static str>,
    /// What nobody can know.
    unknown: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfLiveness {
    was: Bounds,
    would_be: Bounds,
    resolution_ms: u64,
    edges: Vec<OfEdge>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    online_within_ms: u64,
    stale_within_ms: u64,
}

/// An edge by both thresholds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfEdge {
    edge: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// How often it would have looked otherwise.
    flips: usize,
    /// For how long in all.
    flipped_ms: u64,
    was: States,
    would_be: States,
    differences: Vec<Flip>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct States {
    online_ms: u64,
    stale_ms: u64,
    offline_ms: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flip {
    from: String,
    to: String,
    was: Liveness,
    would_be: Liveness,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfLeases {
    lease_ms: u64,
    granted: usize,
    lapsed: usize,
    /// Of those that lapsed: which would not have.
    would_not_have_lapsed: usize,
    /// Of these: whose holder was heard of about the task itself.
    heard_about_the_task: usize,
    /// Of those that lapsed: which would have at another time.
    would_have_lapsed_at_another_time: usize,
    /// Of those that did not lapse: which would have.
    would_have_lapsed: usize,
    /// Of which nothing is known, since an earlier one of the task would have gone otherwise.
    unknown: usize,
    /// Those that would have gone otherwise, or of which nothing is known.
    items: Vec<OfLease>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfLease {
    task: String,
    edge: String,
    /// Where it was granted.
    granted: u64,
    granted_at: String,
    was: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    was_at: Option<String>,
    would_be: &'static str,
    /// When it would have lapsed, or when its holder was heard of again.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_be_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_about_the_task: Option<bool>,
}

/// Of liveness by other thresholds.
const LIVENESS_IS_KNOWN: &str = "liveness is a view of when edges were heard of: by other \
     thresholds it is exactly this, as long as the edges had done the same";
const LIVENESS_IS_NOT: &str = "what people or programs that look at liveness would have done by \
     other thresholds is not in the log";
/// Of leases under another lease time.
const LEASES_ARE_KNOWN: &str = "a lease is judged by when its holder was heard of: up to the first \
     one of a task that would have gone otherwise nobody was told anything else, and the judgement \
     holds";
const LEASES_ARE_NOT: &str = "after that one the rest of the task is unknown: who holds a task that \
     did not lapse, or lost one that did, would have been told other things and done other things, \
     and so would edges that waited for the task";
const LAPSES_ARE_NOT: &str = "heartbeats that were refused left no trace: of an edge that was heard \
     of in time, but not about the task, nobody knows whether it still worked on it";

impl Answer {
    /// Compares.
    ///
    /// # Errors
    ///
    /// Fails if the one edge that is asked for was never heard of.
    pub(super) fn of(
        chronicle: &Chronicle,
        window: Window,
        only: Option<EdgeId>,
        (was, would_be): (Thresholds, Option<Thresholds>),
        lease: Option<Millis>,
    ) -> Result<Self> {
        let edges = chronicle.edges(only)?;
        let of_edge = |would_be| move |edge| OfEdge::of(chronicle, edge, window, &was, &would_be);
        let liveness = would_be.map(|would_be: Thresholds| OfLiveness {
            was: was.into(),
            would_be: would_be.into(),
            resolution_ms: chronicle.contacts.resolution().0,
            edges: edges.iter().copied().map(of_edge(would_be)).collect(),
        });
        let leases = lease.map(|lease| OfLeases::of(chronicle, window, only, lease));
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        if liveness.is_some() {
            known.push(LIVENESS_IS_KNOWN);
            unknown.push(LIVENESS_IS_NOT);
        }
        if leases.is_some() {
            known.push(LEASES_ARE_KNOWN);
            unknown.extend([LEASES_ARE_NOT, LAPSES_ARE_NOT]);
        }
        let (from, to) = (window.from.to_string(), window.to.to_string());
        Ok(Self { from, to, liveness, leases, known, unknown })
    }

    /// Says it.
    pub(super) fn show(&self, output: Output) -> Result<()> {
        if output.is_json() {
            return output.json(self);
        }
        if let Some(liveness) = &self.liveness {
            liveness.show(output)?;
        }
        if let Some(leases) = &self.leases {
            leases.show(output)?;
        }
        let known = self.known.iter().map(|what| format!("known: {what}"));
        let unknown = self.unknown.iter().map(|what| format!("unknown: {what}"));
        known.chain(unknown).try_for_each(|line| output.text(&line))
    }
}

impl OfLiveness {
    fn show(&self, output: Output) -> Result<()> {
        let mut table = Table::new([
            "EDGE",
            "NAME",
            "FLIPS",
            "FOR",
            "ONLINE WAS",
            "WOULD BE",
            "STALE WAS",
            "WOULD BE",
            "OFFLINE WAS",
            "WOULD BE",
        ]);
        let flipped = self.edges.iter().filter(|edge| edge.flips > 0);
        for edge in flipped.clone() {
            let for_long = |millis| Cell::new(silence(Millis(millis)));
            table.row([
                Cell::new(&edge.edge),
                Cell::maybe(edge.name.as_ref()),
                Cell::new(edge.flips),
                for_long(edge.flipped_ms),
                for_long(edge.was.online_ms),
                for_long(edge.would_be.online_ms),
                for_long(edge.was.stale_ms),
                for_long(edge.would_be.stale_ms),
                for_long(edge.was.offline_ms),
                for_long(edge.would_be.offline_ms),
            ]);
        }
        let (flipped, all) = (flipped.count(), self.edges.len());
        note(&format!("{flipped} of {all} edges would have looked otherwise at some time"));
        output.table(&table, "no edge would have")
    }
}

impl OfEdge {
    fn of(
        chronicle: &Chronicle,
        edge: EdgeId,
        window: Window,
        was: &Thresholds,
        would_be: &Thresholds,
    ) -> Self {
        let by = |thresholds| chronicle.contacts.intervals(edge, thresholds, window);
        let (was, would_be) = (by(was), by(would_be));
        let differences = timeline::differences(&was, &would_be);
        Self {
            edge: edge.to_string(),
            name: chronicle.name_of(edge).map(str::to_owned),
            flips: differences.len(),
            flipped_ms: differences.iter().map(|difference| difference.span().0).sum(),
            was: Totals::of(&was).into(),
            would_be: Totals::of(&would_be).into(),
            differences: differences.iter().map(Flip::from).collect(),
        }
    }
}

impl OfLeases {
    fn of(chronicle: &Chronicle, window: Window, only: Option<EdgeId>, lease: Millis) -> Self {
        let judged = chronicle.leases.under(lease, chronicle.exact());
        let within = |held: &Held| {
            let granted_at = held.signs.first().map(|sign| sign.at);
            granted_at.is_some_and(|at| window.from <= at && at < window.to)
                && only.is_none_or(|only| held.edge == only)
        };
        let judged: Vec<_> = judged.into_iter().filter(|(held, _)| within(held)).collect();
        let count = |is: fn(&Verdict) -> bool| judged.iter().filter(|(_, of)| is(of)).count();
        let otherwise = judged.iter().filter(|(_, verdict)| *verdict != Verdict::Same);
        Self {
            lease_ms: lease.0,
            granted: judged.len(),
            lapsed: judged.iter().filter(|(held, _)| has_lapsed(held)).count(),
            would_not_have_lapsed: count(|of| matches!(of, Verdict::Kept { .. })),
            heard_about_the_task: count(|of| matches!(of, Verdict::Kept { about_task: true, .. })),
            would_have_lapsed_at_another_time: count(|of| matches!(of, Verdict::Moved { .. })),
            would_have_lapsed: count(|of| matches!(of, Verdict::Lapses { .. })),
            unknown: count(|of| matches!(of, Verdict::Unknown)),
            items: otherwise.map(|(held, verdict)| OfLease::of(held, *verdict)).collect(),
        }
    }

    fn show(&self, output: Output) -> Result<()> {
        let mut table =
            Table::new(["TASK", "EDGE", "LEASE", "GRANTED AT", "WAS", "AT", "WOULD BE", "AT"]);
        for lease in &self.items {
            table.row([
                Cell::new(&lease.task),
                Cell::new(&lease.edge),
                Cell::new(lease.granted),
                Cell::new(&lease.granted_at),
                Cell::new(lease.was),
                Cell::maybe(lease.was_at.as_ref()),
                Cell::new(lease.would_be),
                Cell::maybe(lease.would_be_at.as_ref()),
            ]);
        }
        note(&format!(
            "of {} leases {} lapsed: {} would not have ({} of their holders were heard of about \
             the task itself), {} at another time; {} that did not would have; of {} nothing is \
             known",
            self.granted,
            self.lapsed,
            self.would_not_have_lapsed,
            self.heard_about_the_task,
            self.would_have_lapsed_at_another_time,
            self.would_have_lapsed,
            self.unknown
        ));
        output.table(&table, "no lease would have gone otherwise")
    }
}

impl OfLease {
    fn of(held: &Held, verdict: Verdict) -> Self {
        let (would_be, would_be_at, heard_about_the_task) = match verdict {
            Verdict::Same => ("the same", None, None),
            Verdict::Kept { heard_at, about_task: true } => {
                ("kept: heard of about the task", Some(heard_at), Some(true))
            }
            Verdict::Kept { heard_at, about_task: false } => {
                ("kept, if its holder still worked on it", Some(heard_at), Some(false))
            }
            Verdict::Moved { at } => ("lapsed at another time", Some(at), None),
            Verdict::Lapses { at } => ("lapsed", Some(at), None),
            Verdict::Unknown => ("unknown", None, None),
        };
        Self {
            task: held.task.to_string(),
            edge: held.edge.to_string(),
            granted: held.granted.get(),
            granted_at: held.signs.first().map(|sign| sign.at.to_string()).unwrap_or_default(),
            was: held.end.map_or("goes on", |end| outcome(end.how)),
            was_at: held.end.map(|end| end.at.to_string()),
            would_be,
            would_be_at: would_be_at.map(|at| at.to_string()),
            heard_about_the_task,
        }
    }
}

fn has_lapsed(held: &Held) -> bool {
    held.end.is_some_and(|end| end.how == Ended::Lapsed)
}

impl From<Thresholds> for Bounds {
    fn from(thresholds: Thresholds) -> Self {
        let Thresholds { online_within, stale_within } = thresholds;
        Self { online_within_ms: online_within.0, stale_within_ms: stale_within.0 }
    }
}

impl From<Totals> for States {
    fn from(totals: Totals) -> Self {
        let Totals { online, stale, offline } = totals;
        Self { online_ms: online.0, stale_ms: stale.0, offline_ms: offline.0 }
    }
}

impl From<&Difference> for Flip {
    fn from(difference: &Difference) -> Self {
        Self {
            from: difference.from.to_string(),
            to: difference.to.to_string(),
            was: difference.was,
            would_be: difference.would_be,
        }
    }
}
