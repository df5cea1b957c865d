//! How long things took: histograms that keep three digits at any size.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

/// How long each kind of thing took.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<&'static str, Spans>);

/// How long one kind of thing took, in nanoseconds.
#[derive(Debug)]
pub(super) struct Spans(Histogram<u64>);

/// Percentiles, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) mean_us: f64,
    pub(super) p50_us: f64,
    pub(super) p90_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
}

/// Longer than anything that is waited for: ten minutes.
const LONGEST: u64 = 600_000_000_000;

impl Tally {
    /// Notes how long something took.
    pub(super) fn note(&mut self, what: &'static str, took: Duration) {
        self.0.entry(what).or_default().note(took);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the percentiles of each kind of thing.
    pub(super) fn summaries(&self) -> BTreeMap<&'static str, Summary> {
        self.0.iter().map(|(what, spans)| (*what, spans.summary())).collect()
    }
}

impl Default for Spans {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3);
        Self(histogram.expect("ten minutes in nanoseconds, to three digits, can be counted"))
    }
}

impl Spans {
    /// Notes how long something took.
    pub(super) fn note(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LONGEST));
    }

    /// Returns the time within which so many percent were done.
    pub(super) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_percentile(percent))
    }

    /// Returns the percentiles that people ask for.
    pub(super) fn summary(&self) -> Summary {
        let at = |percent| micros(self.percentile(percent));
        Summary {
            count: self.0.len(),
            mean_us: (self.0.mean() / 10.0).round() / 100.0,
            p50_us: at(50.0),
            p90_us: at(90.0),
            p99_us: at(99.0),
            p999_us: at(99.9),
            max_us: at(100.0),
        }
    }
}

/// Returns a span in microseconds, to the hundredth.
pub(super) fn micros(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e8).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_noted() {
        let mut tally = Tally::default();
        for micros in 1..=1_000 {
            tally.note("pair", Duration::from_micros(micros));
        }

        let summary = tally.summaries()["pair"];

        assert_eq!(summary.count, 1_000);
        for (found, expected) in [
            (summary.p50_us, 500.0),
            (summary.p99_us, 990.0),
            (summary.max_us, 1_000.0),
            (summary.mean_us, 500.5),
        ] {
            assert!((found - expected).abs() <= expected / 1_000.0 + 0.5, "{summary:?}");
        }
    }
}
