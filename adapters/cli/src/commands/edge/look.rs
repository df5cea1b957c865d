//! Edges, as operators see them.

use std::num::NonZeroUsize;

use anyhow::Result;
use clap::{Args, ValueEnum};
use edge_ledger_core::{Liveness, Millis};
use edge_ledger_wire::operator::{Edge, EdgeStatus};

use crate::{
    client::Client,
    config::Span,
    exit::Exit,
    output::{Cell, Output, Table},
};

/// List edges.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those that look so alive.
    #[arg(long, ignore_case = true)]
    liveness: Option<LivenessName>,
    /// Only those of this standing.
    #[arg(long, ignore_case = true)]
    status: Option<StatusName>,
    /// So many at most.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,
}

/// Show one edge.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Which.
    edge: String,
    /// As it was just after the commit at this position, or at this time.
    #[arg(long, value_name = "POSITION|TIME")]
    at: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LivenessName {
    Online,
    Stale,
    Offline,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Active,
    Quarantined,
    Disabled,
}

pub(super) async fn list(args: &ListArgs, client: &Client, output: Output) -> Result<Exit> {
    let mut query = Vec::new();
    query.extend(args.liveness.map(|liveness| ("liveness", in_capitals(liveness))));
    query.extend(args.status.map(|status| ("status", in_capitals(status))));
    let list =
        client.list(&["edges"], &query, args.limit.map_or(usize::MAX, NonZeroUsize::get)).await?;
    match output.is_json() {
        true => output.json(&list)?,
        false => table_of(&list.read()?, output)?,
    }
    Ok(Exit::Ok)
}

pub(super) async fn show(args: &ShowArgs, client: &Client, output: Output) -> Result<Exit> {
    let query: Vec<_> = args.at.iter().map(|at| ("at", at.clone())).collect();
    let answer = client.get(&["edges", &args.edge], &query).await?;
    match output.is_json() {
        true => output.json(&answer)?,
        false => output.table(&facts(&answer.read()?), "")?,
    }
    Ok(Exit::Ok)
}

/// Says a name as the wire has it.
fn in_capitals(name: impl ValueEnum) -> String {
    let name = name.to_possible_value().map(|value| value.get_name().to_ascii_uppercase());
    name.unwrap_or_default()
}

/// Lists edges, a line each.
pub(super) fn table_of(edges: &[Edge], output: Output) -> Result<()> {
    let mut table =
        Table::new(["EDGE", "NAME", "LIVENESS", "SILENT FOR", "STATUS", "ACTIVITY", "HOLDS"]);
    for edge in edges {
        table.row([
            Cell::new(&edge.id),
            Cell::new(&edge.display_name),
            liveness(edge.liveness),
            Cell::maybe(edge.silence_ms.map(silence)),
            status(edge.status),
            Cell::new(serde_name(&edge.activity)),
            Cell::new(edge.holds.join(" ")),
        ]);
    }
    output.table(&table, "there are no such edges")
}

fn facts(edge: &Edge) -> Table {
    let since = edge.status_since.as_ref();
    let mut table = Table::facts([
        ("edge", Cell::new(&edge.id)),
        ("name", Cell::new(&edge.display_name)),
        ("device", Cell::new(&edge.device_number)),
        ("liveness", liveness(edge.liveness)),
        ("last seen", Cell::maybe(edge.last_seen_at.as_ref())),
        ("silent for", Cell::maybe(edge.silence_ms.map(silence))),
        ("status", status(edge.status)),
    ]);
    if let Some(since) = since {
        table.fact("since", Cell::new(since));
    }
    if let Some(reason) = &edge.status_reason {
        table.fact("reason", Cell::new(reason));
    }
    table.fact("activity", Cell::new(serde_name(&edge.activity)));
    table.fact("says it is", Cell::maybe(edge.runtime_state.as_ref().map(serde_name)));
    table.fact("holds", Cell::new(edge.holds.join(" ")));
    table.fact("may hold", Cell::new(edge.capacity));
    table.fact("failures in a row", Cell::new(edge.consecutive_failures));
    table.fact("last error", Cell::maybe(edge.last_error.as_ref()));
    table.fact("up for", Cell::maybe(edge.uptime_seconds.map(Span::from_secs)));
    table.fact("platform", Cell::maybe(edge.platform.as_ref()));
    table.fact("arch", Cell::maybe(edge.arch.as_ref()));
    table.fact("agent version", Cell::maybe(edge.version.as_ref()));
    let labels: Vec<_> =
        edge.labels.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    table.fact("labels", Cell::new(labels.join(" ")));
    for credential in &edge.credentials {
        let ends = credential.expires_at.as_ref().map(|at| format!(", until {at}"));
        let text =
            format!("{} of {}{}", credential.id, credential.issued_at, ends.unwrap_or_default());
        table.fact("credential", Cell::new(text));
    }
    table.fact("registered", Cell::new(&edge.registered_at));
    table.fact("as of", Cell::new(&edge.as_of));
    table
}

/// Shows how alive an edge looks.
pub(crate) fn liveness(liveness: Liveness) -> Cell {
    match liveness {
        Liveness::Online => Cell::new("ONLINE").good(),
        Liveness::Stale => Cell::new("STALE").fair(),
        Liveness::Offline => Cell::new("OFFLINE").bad(),
    }
}

fn status(status: EdgeStatus) -> Cell {
    match status {
        EdgeStatus::Active => Cell::new("ACTIVE"),
        EdgeStatus::Quarantined => Cell::new("QUARANTINED").fair(),
        EdgeStatus::Disabled => Cell::new("DISABLED").bad(),
    }
}

/// Says a silence, to the second beyond the first one.
pub(crate) fn silence(silence: Millis) -> Span {
    match silence {
        Millis(millis @ ..1_000) => Millis(millis).into(),
        Millis(millis) => Span::from_secs(millis / 1_000),
    }
}

/// Says a value by the name it has in JSON.
pub(crate) fn serde_name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
