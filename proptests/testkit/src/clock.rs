//! A clock that goes when it is told to.
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use edge_ledger_core::{Millis, Timestamp};

use crate::book::Book;

/// A clock that goes when it is told to. Its clones tell the same time, on any thread: give one to
/// whatever asks for the time, and keep one to move it.
#[derive(Clone, Debug, Default)]
pub struct SimulatedClock(Arc<AtomicI64>);

impl SimulatedClock {
    /// Begins at a time.
    #[must_use]
    pub fn at(begin: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(begin.as_millis())))
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Lets time pass.
    pub fn pass(&self, span: Millis) {
        self.jump(self.now().after(span));
    }

    /// Sets the time, back too: as a clock does that somebody sets.
    pub fn jump(&self, to: Timestamp) {
        self.0.store(to.as_millis(), Ordering::SeqCst);
    }

    /// Lets time pass for a ledger, with every timer just when it falls due; returns how many
    /// commands that were.
    ///
    /// # Panics
    ///
    /// Panics if the ledger refuses what it said is due.
    pub fn pass_for(&self, book: &mut Book, span: Millis) -> usize {
        let end = self.now().after(span);
        let mut fired = 0;
        while let Some(at) = book.ledger().next_due().filter(|at| *at <= end) {
            self.jump(self.now().max(at));
            loop {
                let Some(command) = book.ledger().due(self.now()).next() else { break };
                let cause = book.own_cause();
                book.execute(command, cause, self.now()).expect("what is due is not refused");
                fired += 1;
            }
        }
        self.jump(end);
        fired
    }
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::task::TaskStatus;

    use super::*;
    use crate::scenario;

    #[test]
    fn clones_tell_the_same_time() {
        let clock = SimulatedClock::at(Timestamp::from_millis(5));
        let other = clock.clone();

        clock.pass(Millis(7));
        assert_eq!(other.now(), Timestamp::from_millis(12));

        other.jump(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
    }

    #[test]
    fn time_that_passes_for_a_ledger_ends_its_leases_when_they_lapse() {
        let script = "ledger open\ntoken t create\nrack registers D by t\n\
                      submit job lease 30s attempts 1\nrack polls";
        let mut book = scenario::run(script).book;
        let clock = SimulatedClock::at(book.ledger().recorded_at());

        assert_eq!(clock.pass_for(&mut book, Millis::from_secs(29)), 0);
        assert_eq!(clock.pass_for(&mut book, Millis::from_secs(60)), 1);

        let (_, task) = book.ledger().tasks().next().expect("the task");
        assert_eq!(task.status(), TaskStatus::Failed);
        assert_eq!(task.finished_at(), Some(Timestamp::from_millis(30_000)));
        assert_eq!(clock.now(), Timestamp::from_millis(89_000));
    }
}
