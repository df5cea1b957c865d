//! The values that stand in scenario lines.
use edge_ledger_core::{
    Labels, Millis, Timestamp,
    lifecycle::Epoch,
    task::{Fence, Payload, Row},
};

use super::words::Fault;

/// Reads a span as in `90s`, `1m30s`, `24h` or `250ms`.
pub(super) fn span(text: &str) -> Result<Millis, Fault> {
    let fault = || format!("expected a span as in 90s or 1m30s, found {text:?}");
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
        let count: u64 = rest[..unit_at].parse().map_err(|_| fault())?;
        let tail = &rest[unit_at..];
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let unit = match &tail[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fault()),
        };
        total += count * unit;
        rest = &tail[unit_end..];
    }
    Ok(Millis(total))
}

/// Reads a time: how long after the beginning of the scenario.
pub(super) fn time(text: &str) -> Result<Timestamp, Fault> {
    span(text).map(|span| Timestamp::EPOCH.after(span))
}

pub(super) fn number<N: std::str::FromStr>(text: &str) -> Result<N, Fault> {
    text.parse().map_err(|_| format!("expected a number, found {text:?}"))
}

/// Reads a fence: a position, with the epoch before it if that is not the first: `1:57`.
pub(super) fn fence(text: &str) -> Result<Fence, Fault> {
    let (epoch, position) = text.split_once(':').unwrap_or(("0", text));
    let position = edge_ledger_core::Position::new(number(position)?);
    Ok(Fence::of(Epoch(number(epoch)?), position))
}

/// Reads labels as in `gpu=yes,zone=a`.
pub(super) fn labels(text: &str) -> Result<Labels, Fault> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no label"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    let pairs = text.split(',').filter(|text| !text.is_empty() && *text != "none");
    pairs.map(pair).collect::<Result<_, Fault>>().map(Labels)
}

/// Reads a row as in `c1` or `c1={"pnl":2}`.
pub(super) fn row(text: &str) -> Result<Row, Fault> {
    let (config_id, metrics) = text.split_once('=').unwrap_or((text, r#"{"pnl":1}"#));
    Ok(Row {
        config_id: config_id.into(),
        strategy_config: payload("{}")?,
        metrics: payload(metrics)?,
        result_folder: None,
    })
}

pub(super) fn payload(text: &str) -> Result<Payload, Fault> {
    serde_json::from_str(text).map(Payload::new).map_err(|fault| format!("{text}: {fault}"))
}

/// Reads progress as in `3/10`.
pub(super) fn progress(text: &str) -> Result<(u64, u64), Fault> {
    let (done, of) =
        text.split_once('/').ok_or_else(|| format!("expected as in 3/10, found {text:?}"))?;
    Ok((number(done)?, number(of)?))
}
