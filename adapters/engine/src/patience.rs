//! How long a group waits for those who were just told, and may come back at once.
use std::time::{Duration, Instant};

/// Whom a group waits for, and until when at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Company {
    /// How many answers are to be in the group.
    pub(crate) expected: usize,
    pub(crate) until: Instant,
}

/// Knows from experience whether to wait.
///
/// Callers who send their next command as soon as they are told would otherwise split: a few come
/// back in time for the next group, the others miss it, and everybody waits for two appends a
/// command. A lone caller is expected alone, so never waits.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// How many were expected back last, and how many were waiting already.
    last: Option<(usize, usize)>,
    /// How many groups do not wait after the next one that waits in vain.
    fading: u32,
    /// How many groups do not wait from now on.
    skip: u32,
}

/// The most groups in a row that do not wait.
const SKIP_MAX: u32 = 64;

impl Patience {
    /// Returns whom to wait for once `told` are told after an append that took so long, while
    /// others are `waiting` already: never for longer than half of it.
    pub(crate) fn company(
        &mut self,
        told: usize,
        waiting: usize,
        now: Instant,
        append: Duration,
    ) -> Option<Company> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.last = Some((told, waiting));
        Some(Company { expected: told + waiting, until: now + append / 2 })
    }

    /// Learns from a group with so many answers. It has waited in vain if fewer than half of those
    /// who were told came back: then the next ones do not, and more of them each time.
    pub(crate) fn learn(&mut self, answers: usize) {
        let Some((told, waiting)) = self.last.take() else { return };
        let back = answers.saturating_sub(waiting);
        if back * 2 >= told {
            self.fading = 0;
        } else {
            self.fading = (self.fading * 2).clamp(1, SKIP_MAX);
            self.skip = self.fading;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPEND: Duration = Duration::from_millis(10);

    #[test]
    fn those_who_come_back_are_waited_for_each_time() {
        let mut patience = Patience::default();
        let now = Instant::now();

        for (told, waiting, answers) in [(1, 63, 64), (64, 0, 64), (64, 0, 40), (40, 24, 44)] {
            let company = patience.company(told, waiting, now, APPEND).unwrap();
            assert_eq!(company, Company { expected: 64, until: now + APPEND / 2 });
            patience.learn(answers);
        }
    }

    #[test]
    fn those_who_do_not_come_back_are_waited_for_ever_more_seldom() {
        let mut patience = Patience::default();
        let mut waits = Vec::new();

        for nth in 0..200 {
            if patience.company(10, 2, Instant::now(), APPEND).is_some() {
                waits.push(nth);
            }
            patience.learn(5);
        }

        assert_eq!(waits, [0, 2, 5, 10, 19, 36, 69, 134, 199]);
        patience.skip = 0;
        patience.company(10, 2, Instant::now(), APPEND).unwrap();
        patience.learn(12);
        assert!(patience.company(10, 2, Instant::now(), APPEND).is_some(), "they are back");
    }
}
