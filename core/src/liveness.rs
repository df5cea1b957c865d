//! How alive an edge looks: a view of its silence, never stored.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// How long an edge may be silent. Both bounds still count as what they bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The longest silence of an edge that is online.
    pub online_within: Millis,
    /// The longest silence of an edge that is stale.
    pub stale_within: Millis,
}

impl Default for Thresholds {
    /// Returns the wire contract's thresholds: a minute and five.
    fn default() -> Self {
        Self { online_within: Millis::from_secs(60), stale_within: Millis::from_secs(300) }
    }
}

/// How alive an edge looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Liveness {
    /// Heard of lately.
    Online,
    /// Silent, perhaps only slow.
    Stale,
    /// Silent for long, or never heard of.
    Offline,
}

impl Liveness {
    /// Classifies a silence: the time the ledger was open since the last contact.
    #[must_use]
    pub fn of(silence: Option<Millis>, thresholds: &Thresholds) -> Self {
        match silence {
            Some(silence) if silence <= thresholds.online_within => Self::Online,
            Some(silence) if silence <= thresholds.stale_within => Self::Stale,
            Some(_) | None => Self::Offline,
        }
    }
}

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "ONLINE",
            Self::Stale => "STALE",
            Self::Offline => "OFFLINE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_still_count_as_what_they_bound() {
        let cases = [
            (Some(0), Liveness::Online),
            (Some(60_000), Liveness::Online),
            (Some(60_001), Liveness::Stale),
            (Some(300_000), Liveness::Stale),
            (Some(300_001), Liveness::Offline),
            (None, Liveness::Offline), // never heard of
        ];
        for (silence, expected) in cases {
            let found = Liveness::of(silence.map(Millis), &Thresholds::default());
            assert_eq!(found, expected, "{silence:?}");
        }
    }
}
