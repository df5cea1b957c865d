//! Why a task is not running: the reasons in the order in which they must go away.
use std::fmt;

use crate::{
    EdgeId, Labels, Ledger, Liveness, TaskId, Thresholds, Timestamp,
    edge::Standing,
    task::{FailReason, Outcome, State, Task},
    view::EdgeView,
};

/// The most edges that a reason names.
const NAMED_MAX: usize = 5;

/// One reason why a task is not running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is over.
    Finished(Outcome),
    /// Its submitter asked to wait, or it backs off after an attempt.
    NotBefore {
        /// Until when.
        until: Timestamp,
        /// How many attempts the run has used up.
        attempts: u32,
    },
    /// The one edge that may have it is disabled.
    AssignedEdgeDisabled {
        /// Which.
        edge: EdgeId,
        /// Since when.
        since: Timestamp,
    },
    /// The one edge that may have it is in quarantine.
    AssignedEdgeQuarantined {
        /// Which.
        edge: EdgeId,
        /// Since when.
        since: Timestamp,
    },
    /// The one edge that may have it is silent.
    AssignedEdgeSilent {
        /// Which.
        edge: EdgeId,
        /// How it looks: stale or offline.
        liveness: Liveness,
        /// When it last showed itself, if it ever did.
        since: Option<Timestamp>,
    },
    /// The one edge that may have it holds as much as it may.
    AssignedEdgeFull {
        /// Which.
        edge: EdgeId,
        /// How many leases it holds.
        holds: usize,
    },
    /// No edge has the labels it requires.
    NoEdgeMeets {
        /// The labels.
        requires: Labels,
        /// How many edges there are.
        edges: usize,
    },
    /// Edges have the labels, but none of those is online, active and free.
    NoEdgeAvailable(Unavailable),
    /// Others come first.
    Behind {
        /// How many, for that one of the first few edges which has the fewest.
        tasks: usize,
    },
    /// Nothing is in its way: the next poll of one of these gets it.
    AwaitingPoll {
        /// Those edges, the first few.
        edges: Vec<EdgeId>,
        /// How many there are.
        count: usize,
    },
}

/// What keeps the edges that have the labels from taking a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unavailable {
    /// How many are disabled.
    pub disabled: usize,
    /// How many are in quarantine.
    pub quarantined: usize,
    /// How many are stale or offline.
    pub silent: usize,
    /// How many hold as much as they may.
    pub full: usize,
    /// Some of them, the first few.
    pub edges: Vec<EdgeId>,
}

/// Lists why a task is not running at `now`, what must go away first coming first. Nothing if it
/// runs, or if there is no such task.
#[must_use]
pub fn why(ledger: &Ledger, id: &TaskId, thresholds: &Thresholds, now: Timestamp) -> Vec<Reason> {
    let Some(task) = ledger.task(id) else { return vec![] };
    let ready_at = match task.state() {
        State::Leased(_) => return vec![],
        State::Finished { .. } => return over(task).into_iter().collect(),
        State::Awaiting { ready_at } => *ready_at,
    };
    let waits = ready_at.filter(|until| *until > now);
    let waits = waits.map(|until| Reason::NotBefore { until, attempts: task.attempts() });
    let Prospect { hindrances, edges } = match task.terms().assigned_to {
        Some(edge) => of_assigned_edge(ledger, edge, thresholds, now),
        None => of_any_edge(ledger, &task.terms().requires, thresholds, now),
    };
    if waits.is_none() && hindrances.is_empty() {
        let first = edges.iter().copied().filter(|edge| ledger.goes_first(id, *edge));
        let mut first: Vec<_> = first.collect();
        let count = first.len();
        first.truncate(NAMED_MAX);
        if count > 0 {
            return vec![Reason::AwaitingPoll { edges: first, count }];
        }
    }
    let ahead = edges.iter().take(NAMED_MAX).map(|edge| ledger.ahead_of(id, *edge)).min();
    let behind = ahead.filter(|tasks| *tasks > 0).map(|tasks| Reason::Behind { tasks });
    waits.into_iter().chain(hindrances).chain(behind).collect()
}

/// Returns why a task does not run that is finished, wherever it is; none if it is not.
#[must_use]
pub fn over(task: &Task) -> Option<Reason> {
    match task.state() {
        State::Finished { outcome, .. } => Some(Reason::Finished(outcome.clone())),
        State::Awaiting { .. } | State::Leased(_) => None,
    }
}

/// What edges are to a task: why none can take it now, and those that could, or could otherwise.
struct Prospect {
    hindrances: Vec<Reason>,
    edges: Vec<EdgeId>,
}

fn of_assigned_edge(
    ledger: &Ledger,
    edge: EdgeId,
    thresholds: &Thresholds,
    now: Timestamp,
) -> Prospect {
    let Some(view) = EdgeView::of(ledger, edge, thresholds, now) else {
        return Prospect { hindrances: vec![], edges: vec![] };
    };
    let standing = match view.edge.standing() {
        Standing::Active => None,
        Standing::Disabled { since, .. } => {
            Some(Reason::AssignedEdgeDisabled { edge, since: *since })
        }
        Standing::Quarantined { since } => {
            Some(Reason::AssignedEdgeQuarantined { edge, since: *since })
        }
    };
    let silent = (view.liveness != Liveness::Online).then(|| Reason::AssignedEdgeSilent {
        edge,
        liveness: view.liveness,
        since: view.edge.contact().map(|contact| contact.at),
    });
    let full = view.is_full().then_some(Reason::AssignedEdgeFull { edge, holds: view.holds.len() });
    let hindrances = standing.into_iter().chain(silent).chain(full).collect();
    Prospect { hindrances, edges: vec![edge] }
}

fn of_any_edge(
    ledger: &Ledger,
    requires: &Labels,
    thresholds: &Thresholds,
    now: Timestamp,
) -> Prospect {
    let views = ledger.edges().filter_map(|(id, _)| EdgeView::of(ledger, id, thresholds, now));
    let eligible: Vec<_> = views.filter(|view| view.edge.labels().meet(requires)).collect();
    if eligible.is_empty() {
        let edges = ledger.counts().edges;
        let nobody = Reason::NoEdgeMeets { requires: requires.clone(), edges };
        return Prospect { hindrances: vec![nobody], edges: vec![] };
    }
    let mut unavailable = Unavailable::default();
    let mut free = Vec::new();
    for view in &eligible {
        match (view.edge.standing(), view.liveness, view.is_full()) {
            (Standing::Disabled { .. }, _, _) => unavailable.disabled += 1,
            (Standing::Quarantined { .. }, _, _) => unavailable.quarantined += 1,
            (Standing::Active, Liveness::Stale | Liveness::Offline, _) => unavailable.silent += 1,
            (Standing::Active, Liveness::Online, true) => unavailable.full += 1,
            (Standing::Active, Liveness::Online, false) => free.push(view.id),
        }
    }
    if !free.is_empty() {
        return Prospect { hindrances: vec![], edges: free };
    }
    let edges: Vec<_> = eligible.iter().map(|view| view.id).collect();
    unavailable.edges = edges.iter().copied().take(NAMED_MAX).collect();
    Prospect { hindrances: vec![Reason::NoEdgeAvailable(unavailable)], edges }
}

impl Reason {
    /// Returns the stable name of the reason, for wire formats.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Finished(Outcome::Completed(_)) => "completed",
            Self::Finished(Outcome::Failed { reason, .. }) => match reason {
                FailReason::Reported => "failed",
                FailReason::AttemptsExhausted => "attempts_exhausted",
                FailReason::DeadlineMissed => "deadline_missed",
            },
            Self::Finished(Outcome::Cancelled { .. }) => "cancelled",
            Self::NotBefore { attempts: 0, .. } => "not_before",
            Self::NotBefore { .. } => "backing_off",
            Self::AssignedEdgeDisabled { .. } => "assigned_edge_disabled",
            Self::AssignedEdgeQuarantined { .. } => "assigned_edge_quarantined",
            Self::AssignedEdgeSilent { .. } => "assigned_edge_silent",
            Self::AssignedEdgeFull { .. } => "assigned_edge_full",
            Self::NoEdgeMeets { .. } => "no_edge_meets_requirements",
            Self::NoEdgeAvailable(_) => "no_edge_available",
            Self::Behind { .. } => "behind_others",
            Self::AwaitingPoll { .. } => "awaiting_poll",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished(Outcome::Completed(_)) => f.write_str("it is done"),
            Self::Finished(Outcome::Failed { error, .. }) => write!(f, "it failed: {error}"),
            Self::Finished(Outcome::Cancelled { reason }) => {
                write!(f, "it was cancelled: {reason}")
            }
            Self::NotBefore { until, attempts: 0 } => write!(f, "not before {until}"),
            Self::NotBefore { until, attempts } => {
                write!(f, "backing off until {until} after attempt {attempts}")
            }
            Self::AssignedEdgeDisabled { edge, since } => {
                write!(f, "its edge {edge} is disabled since {since}")
            }
            Self::AssignedEdgeQuarantined { edge, since } => {
                write!(f, "its edge {edge} is in quarantine since {since}")
            }
            Self::AssignedEdgeSilent { edge, liveness, since: Some(since) } => {
                write!(f, "its edge {edge} is {liveness}, last heard of at {since}")
            }
            Self::AssignedEdgeSilent { edge, liveness, since: None } => {
                write!(f, "its edge {edge} is {liveness}, never heard of")
            }
            Self::AssignedEdgeFull { edge, holds } => {
                write!(f, "its edge {edge} holds {holds} leases, as many as it may")
            }
            Self::NoEdgeMeets { requires, edges } => {
                write!(f, "none of {edges} edges meets the required labels {requires}")
            }
            Self::NoEdgeAvailable(edges) => write!(
                f,
                "no edge that meets its requirements is online and free: {} disabled, {} in \
                 quarantine, {} silent, {} full",
                edges.disabled, edges.quarantined, edges.silent, edges.full
            ),
            Self::Behind { tasks: 1 } => f.write_str("behind 1 task that comes first"),
            Self::Behind { tasks } => write!(f, "behind {tasks} tasks that come first"),
            Self::AwaitingPoll { count: 1, .. } => {
                f.write_str("nothing is in its way: 1 free edge gets it with its next poll")
            }
            Self::AwaitingPoll { count, .. } => {
                write!(f, "nothing is in its way: {count} free edges, the next to poll gets it")
            }
        }
    }
}
