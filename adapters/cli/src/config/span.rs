//! Spans of time as people write them.

use std::{fmt, str::FromStr, time::Duration};

use edge_ledger_core::Millis;
use serde::{Deserialize, Serialize, Serializer};

/// A span of time, as in `90s`, `5m` or `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Span(pub(crate) Duration);

/// A text is no span of time.
#[derive(Debug, thiserror::Error)]
#[error("expected a time with its unit, as in 90s, 5m or 250ms, found {0:?}")]
pub(crate) struct BadSpan(String);

impl Span {
    pub(crate) const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Writes a span that may be left out as a gateway reads it.
    pub(crate) fn as_seconds<S: Serializer>(span: &Option<Self>, to: S) -> Result<S::Ok, S::Error> {
        span.map(|span| span.0.as_secs()).serialize(to)
    }

    pub(crate) fn millis(self) -> Millis {
        Millis(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Millis> for Span {
    fn from(millis: Millis) -> Self {
        Self(Duration::from_millis(millis.0))
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        humantime::parse_duration(text).map(Self).map_err(|_| BadSpan(text.to_owned()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl TryFrom<String> for Span {
    type Error = BadSpan;

    fn try_from(text: String) -> Result<Self, BadSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit() {
        for (text, millis) in
            [("90s", 90_000), ("5m", 300_000), ("1h 30m", 5_400_000), ("250ms", 250)]
        {
            assert_eq!(text.parse::<Span>().unwrap().millis(), Millis(millis), "{text}");
        }
        for text in ["90", "", "-5s", "soon"] {
            let refused = text.parse::<Span>().unwrap_err().to_string();
            assert!(refused.ends_with(&format!("found {text:?}")), "{refused}");
        }
    }
}
