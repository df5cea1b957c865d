//! `what-if`: what other thresholds and another lease time would have made of what happened.

mod answer;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{EdgeId, Thresholds, Timestamp};

use super::liveness::ThresholdArgs;
use crate::{
    chronicle::Chronicle,
    config::Span,
    context::Context,
    exit::{Exit, Failure},
    output::note,
    source::Source,
};
use answer::Answer;

/// Show what would have been under other thresholds, or another lease time, beside what was.
#[derive(Debug, Args)]
#[command(after_help = "\
Liveness by other thresholds is known exactly: it is a view, which nothing else depends on. What
would have become of leases is known up to the first lease of each task that would have gone
otherwise. The answer says so with every figure.

For example:

  edge-ledger what-if DATA --stale-after 45s --offline-after 10m --lease 90s")]
pub(crate) struct WhatIfArgs {
    /// The log: a data directory that no gateway has open, an archive, or an export.
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// The longest silence of an edge that would be online.
    #[arg(long, visible_alias = "stale-after", value_name = "TIME", help_heading = "What if")]
    online_within: Option<Span>,
    /// The longest silence of an edge that would be stale.
    #[arg(long, visible_alias = "offline-after", value_name = "TIME", help_heading = "What if")]
    stale_within: Option<Span>,
    /// How long every lease would run without a word from its holder.
    #[arg(long, value_name = "TIME", help_heading = "What if")]
    lease: Option<Span>,
    #[command(flatten)]
    was: WasArgs,
    /// From this time on, as in 2026-01-31T09:14:00Z [default: the beginning of the log].
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Up to this time, exclusive [default: the last commit].
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Of this edge only.
    #[arg(long, value_name = "EDGE")]
    edge: Option<EdgeId>,
}

/// What it is compared with.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Compared with")]
struct WasArgs {
    /// The longest silence of an edge that was online [default: 1m].
    #[arg(long, env = "EDGE_LEDGER_LIVENESS_ONLINE_WITHIN", value_name = "TIME")]
    was_online_within: Option<Span>,
    /// The longest silence of an edge that was stale [default: 5m].
    #[arg(long, env = "EDGE_LEDGER_LIVENESS_STALE_WITHIN", value_name = "TIME")]
    was_stale_within: Option<Span>,
}

pub(crate) fn run(args: WhatIfArgs, context: &Context) -> Result<Exit> {
    if args.online_within.is_none() && args.stale_within.is_none() && args.lease.is_none() {
        let next = "say what would be otherwise: --online-within, --stale-within or --lease";
        return Err(Failure::usage("nothing would be otherwise").next(next).into());
    }
    let was = args.was.thresholds(context)?;
    let would_be = args.would_be(was)?;
    let chronicle = Chronicle::read(&Source::open(&args.log)?)?;
    if would_be.is_some() {
        chronicle.can_tell(was.online_within)?;
        chronicle.can_tell(would_be.unwrap_or(was).online_within)?;
    }
    let window = chronicle.window(args.from, args.to)?;
    let lease = args.lease.map(Span::millis);
    let answer = Answer::of(&chronicle, window, args.edge, (was, would_be), lease)?;
    note(&format!("from {} up to {}, exclusive", window.from, window.to));
    answer.show(context.output)?;
    Ok(Exit::Ok)
}

impl WasArgs {
    fn thresholds(self, context: &Context) -> Result<Thresholds> {
        let Self { was_online_within: online_within, was_stale_within: stale_within } = self;
        ThresholdArgs { online_within, stale_within }.settle(context.file.liveness).thresholds()
    }
}

impl WhatIfArgs {
    /// Returns the other thresholds, if there are any: what is not said is as it was.
    fn would_be(&self, was: Thresholds) -> Result<Option<Thresholds>> {
        let Self { online_within, stale_within, .. } = *self;
        if online_within.is_none() && stale_within.is_none() {
            return Ok(None);
        }
        let would_be = Thresholds {
            online_within: online_within.map_or(was.online_within, Span::millis),
            stale_within: stale_within.map_or(was.stale_within, Span::millis),
        };
        if would_be.online_within > would_be.stale_within {
            let online = Span::from(would_be.online_within);
            let stale = Span::from(would_be.stale_within);
            let told = format!("online-within is {online}, longer than stale-within, {stale}");
            return Err(Failure::usage(told).next("an edge is online first, then stale").into());
        }
        Ok(Some(would_be))
    }
}
