//! How long to wait before asking again.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Waits that grow, with full jitter: any wait from none to the bound is as likely, so that edges
/// which lost a gateway together do not come back together.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    most: Duration,
}

impl Backoff {
    /// Begins anew, to wait at most so long.
    pub(crate) fn new(most: Duration) -> Self {
        Self { tries: 0, most }
    }

    /// Returns how long to wait now: at least as long as the gateway asked for.
    pub(crate) fn wait(&mut self, asked_for: Option<Duration>, random: &mut impl Rng) -> Duration {
        let bound = self.bound();
        self.tries = self.tries.saturating_add(1);
        asked_for.unwrap_or_default().min(LONGEST_ASKED) + bound.mul_f64(random.random())
    }

    fn bound(&self) -> Duration {
        FIRST.saturating_mul(2_u32.saturating_pow(self.tries)).min(self.most)
    }
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Returns a span a tenth shorter to a tenth longer, so that edges started together drift apart.
pub(crate) fn about(span: Duration, random: &mut impl Rng) -> Duration {
    span.mul_f64(random.random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    const MOST: Duration = Duration::from_secs(2);

    /// Waits `tries` times with each of many seeds and returns the shortest and longest last wait.
    fn extremes(tries: u32, asked_for: Option<Duration>) -> (Duration, Duration) {
        let waits = (0..500).map(|seed| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut backoff = Backoff::new(MOST);
            (0..tries).map(|_| backoff.wait(asked_for, &mut random)).last().unwrap()
        });
        let waits: Vec<_> = waits.collect();
        (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
    }

    #[test]
    fn waits_are_anything_up_to_a_bound_that_doubles_and_ends() {
        for (tries, bound) in [(1, 250), (2, 500), (3, 1000), (4, 2000), (5, 2000), (40, 2000)] {
            let (shortest, longest) = extremes(tries, None);
            let bound = Duration::from_millis(bound);
            assert!(longest <= bound && longest > bound.mul_f64(0.95), "{tries}: {longest:?}");
            assert!(shortest < bound.mul_f64(0.05), "{tries}: {shortest:?}");
        }
    }

    #[test]
    fn no_wait_is_shorter_than_the_gateway_asked_for() {
        let asked = Duration::from_secs(7);

        let (shortest, longest) = extremes(2, Some(asked));

        assert!(shortest >= asked && longest <= asked + Duration::from_millis(500));
        assert!(extremes(1, Some(Duration::MAX)).1 <= LONGEST_ASKED + FIRST);
    }
}
