//! What is done beside the writer, and whether it goes well.
use std::{
    collections::BTreeMap,
    error::Error,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use edge_ledger_core::Timestamp;

/// Something that is done beside the writer, again and again, to keep the ledger small and its next
/// start quick. The writer does without it for a long time, but not for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// What is old leaves the journal for the archive.
    Retention,
    /// A snapshot is written now and then.
    Snapshots,
    /// Finished tasks leave the ledger for the archive of tasks.
    Tasks,
}

impl Duty {
    /// Returns its name, as readiness has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Snapshots => "snapshots",
            Self::Tasks => "tasks",
        }
    }

    /// Says what follows as long as it fails.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Retention => "the log is not archived, so the journal grows",
            Self::Snapshots => "no snapshot is written, so the next start takes longer",
            Self::Tasks => "finished tasks do not leave the ledger, so its memory grows",
        }
    }

    /// Says what to do, and when it is tried again.
    #[must_use]
    pub const fn next(self) -> &'static str {
        match self {
            Self::Retention => {
                "make room for `archive` in the data directory, or mend what the gateway's log \
                 names; it is tried again every minute"
            }
            Self::Snapshots => {
                "make room for `snapshots` in the data directory, or mend what the gateway's log \
                 names; it is tried again every minute"
            }
            Self::Tasks => {
                "make room for `tasks` in the data directory, or mend what the gateway's log \
                 names; then start the gateway again"
            }
        }
    }
}

/// A duty that has failed, each time since it last went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Which.
    pub duty: Duty,
    /// Since when.
    pub since: Timestamp,
    /// What the operating system said the last time, if it was the operating system. It names no
    /// file, so that it can be told to anybody.
    pub cause: Option<String>,
}

/// Which duties fail. Cheap to clone; clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Upkeep(Arc<Mutex<BTreeMap<Duty, Failing>>>);

impl Upkeep {
    /// Notes how a duty went.
    pub fn note<E: Error + 'static>(&self, duty: Duty, now: Timestamp, outcome: Result<(), &E>) {
        match outcome {
            Ok(()) => self.went_well(duty),
            Err(error) => self.failed(duty, now, error),
        }
    }

    /// Notes that a duty went well.
    pub fn went_well(&self, duty: Duty) {
        self.failing_now().remove(&duty);
    }

    /// Notes that a duty has failed.
    pub fn failed(&self, duty: Duty, now: Timestamp, error: &(dyn Error + 'static)) {
        let mut failing = self.failing_now();
        let since = failing.get(&duty).map_or(now, |before| before.since);
        failing.insert(duty, Failing { duty, since, cause: cause(error) });
    }

    /// Lists the duties that fail.
    #[must_use]
    pub fn failing(&self) -> Vec<Failing> {
        self.failing_now().values().cloned().collect()
    }

    fn failing_now(&self) -> MutexGuard<'_, BTreeMap<Duty, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what the operating system said, if it is at the bottom of an error.
fn cause(error: &(dyn Error + 'static)) -> Option<String> {
    let last = std::iter::successors(Some(error), |&error| error.source()).last()?;
    let said = last.downcast_ref::<io::Error>()?;
    said.raw_os_error().map(|_| said.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write /var/lib/secret")]
    struct Unwritten(#[source] io::Error);

    #[test]
    fn a_duty_fails_since_it_last_went_well() {
        let upkeep = Upkeep::default();
        let full = Unwritten(io::Error::from_raw_os_error(28));
        let at = Timestamp::from_millis;

        upkeep.note(Duty::Retention, at(1), Err(&full));
        upkeep.note(Duty::Retention, at(2), Err(&full));
        upkeep.note::<Unwritten>(Duty::Tasks, at(2), Ok(()));
        let since =
            |upkeep: &Upkeep| upkeep.failing().iter().map(|it| it.since).collect::<Vec<_>>();
        assert_eq!(since(&upkeep), [at(1)]);

        upkeep.note::<Unwritten>(Duty::Retention, at(3), Ok(()));
        assert_eq!(since(&upkeep), []);
        upkeep.note(Duty::Retention, at(4), Err(&full));
        assert_eq!(since(&upkeep), [at(4)]);
    }

    #[test]
    fn what_the_operating_system_said_is_told_and_no_path() {
        let full = Unwritten(io::Error::from_raw_os_error(28));
        let damaged = Unwritten(io::Error::other("/var/lib/secret is damaged"));

        assert_eq!(cause(&full).unwrap(), "No space left on device (os error 28)");
        assert_eq!(cause(&damaged), None);
    }
}
