//! A lease on the edge's own clock.

use std::time::{Duration, Instant};

/// Until when a lease is certain to be held, by the edge's own monotonic clock.
///
/// The gateway counts a lease from the instant it handles a request, which is after the edge began
/// to send it. Counting from that beginning, the edge believes its lease over before the gateway
/// does, whatever either machine's wall clock says and however long the answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseClock {
    ends_at: Instant,
    length: Duration,
}

impl LeaseClock {
    /// Begins with the request that was answered by the lease.
    pub(crate) fn granted(requested_at: Instant, length: Duration) -> Self {
        Self { ends_at: requested_at + length, length }
    }

    /// Goes on with a request that was answered by an extension; answers may overtake each other.
    pub(crate) fn extended(self, requested_at: Instant, length: Duration) -> Self {
        Self { ends_at: self.ends_at.max(requested_at + length), length }
    }

    /// Returns when work has to stop, so that nothing of it runs when the lease ends.
    pub(crate) fn stop_at(&self) -> Instant {
        self.ends_at - (self.length / 10).min(MARGIN_MOST)
    }

    /// Returns how long to wait between heartbeats.
    pub(crate) fn beat_every(&self) -> Duration {
        self.length / 3
    }
}

const MARGIN_MOST: Duration = Duration::from_secs(5);

/// What an answer says of the time at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GatewayTime {
    /// The ledger's own time in milliseconds, on the clock that leases end by.
    Ledger(i64),
    /// The server's wall clock in milliseconds, cut to whole seconds, perhaps a little old, and
    /// not quite the clock that leases end by.
    Wall(i64),
    /// Nothing.
    Untold,
}

/// Returns how long a lease is that ends at a time of the gateway's, in milliseconds, by what the
/// same answer says of the time there.
pub(crate) fn length(expires_at: i64, time: GatewayTime) -> Duration {
    match time {
        GatewayTime::Ledger(now) => millis(expires_at.saturating_sub(now)),
        GatewayTime::Wall(now) => {
            match millis(expires_at.saturating_sub(now)).saturating_sub(WALL_CLOCK_AGE) {
                // The two clocks are apart: neither says anything.
                Duration::ZERO => USUAL,
                length => length.clamp(SHORTEST_GUESS, USUAL),
            }
        }
        GatewayTime::Untold => USUAL,
    }
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// How long leases are unless somebody chose otherwise. A guess is never longer: the worst it may
/// cost is heartbeats that are not needed.
const USUAL: Duration = Duration::from_secs(60);
const SHORTEST_GUESS: Duration = Duration::from_secs(1);
/// A second of cutting, and half a second of caching in the server.
const WALL_CLOCK_AGE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lease_counts_from_the_request_and_work_stops_before_its_end() {
        let asked = Instant::now();

        let lease = LeaseClock::granted(asked, 30 * SECOND);

        assert_eq!(lease.beat_every(), 10 * SECOND);
        assert_eq!(lease.stop_at(), asked + 27 * SECOND);
        let long = LeaseClock::granted(asked, 600 * SECOND);
        assert_eq!(long.stop_at(), asked + 595 * SECOND);
    }

    #[test]
    fn an_answer_that_was_overtaken_shortens_nothing() {
        let asked = Instant::now();
        let lease = LeaseClock::granted(asked, 30 * SECOND);

        let extended = lease.extended(asked + 20 * SECOND, 30 * SECOND);
        let overtaken = extended.extended(asked + 10 * SECOND, 30 * SECOND);

        assert_eq!(extended.stop_at(), asked + 47 * SECOND);
        assert_eq!(overtaken, extended);
    }

    #[test]
    fn the_length_of_a_lease_needs_no_clock_of_the_edges() {
        for (expires_at, time, expected) in [
            (1_060_000, GatewayTime::Ledger(1_000_000), Duration::from_secs(60)),
            (4_600_000, GatewayTime::Ledger(1_000_000), Duration::from_secs(3600)),
            (1_002_500, GatewayTime::Ledger(1_000_000), Duration::from_millis(2500)),
            (999_000, GatewayTime::Ledger(1_000_000), Duration::ZERO),
            (1_030_900, GatewayTime::Wall(1_000_000), Duration::from_millis(29_400)),
            // A third of a guess has to be soon enough for a clock that is hours away.
            (4_600_000, GatewayTime::Wall(1_000_000), Duration::from_secs(60)),
            (1_002_000, GatewayTime::Wall(1_000_000), Duration::from_secs(1)),
            (400_000, GatewayTime::Wall(1_000_000), Duration::from_secs(60)),
            (1_060_000, GatewayTime::Untold, Duration::from_secs(60)),
        ] {
            assert_eq!(length(expires_at, time), expected, "{expires_at} at {time:?}");
        }
    }
}
