//! Where `now` comes from.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use edge_ledger_core::{Millis, Timestamp};

/// Tells a time that never goes back and never jumps while the ledger is open.
///
/// It begins at the wall clock's time, or at the last commit's if that is later, and then follows
/// the monotonic clock: whoever sets the wall clock moves nothing until the next opening.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began_at: Timestamp,
    began: Instant,
}

impl Clock {
    /// Starts a clock no earlier than `last`, the time of the last commit.
    #[must_use]
    pub fn start(last: Timestamp) -> Self {
        Self { began_at: wall().max(last), began: Instant::now() }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.began_at.after(Millis(elapsed))
    }

    /// Returns how far the wall clock is away from this one, in either direction.
    #[must_use]
    pub fn skew(&self) -> Millis {
        let (now, wall) = (self.now(), wall());
        now.since(wall).max(wall.since(now))
    }
}

fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_begins_no_earlier_than_the_last_commit() {
        let ahead = wall().after(Millis::from_secs(3_600));

        let clock = Clock::start(ahead);

        assert!(clock.now() >= ahead);
        assert!(clock.skew() > Millis::from_secs(3_000));
        assert!(Clock::start(Timestamp::EPOCH).skew() < Millis::from_secs(60));
    }
}
