//! The one queue before the writer: what enters is stamped, and leaves in that order.
use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use edge_ledger_core::{Cause, Command, Timestamp};

use crate::{Clock, ExecuteError, answer::Asker};

/// Commands on their way to the writer.
pub(crate) struct Queue {
    line: Mutex<Line>,
    entered: Condvar,
    clock: Clock,
    capacity: usize,
}

/// A command, when it entered, and who waits for its answer.
pub(crate) struct Job {
    pub(crate) now: Timestamp,
    pub(crate) cause: Cause,
    pub(crate) command: Command,
    pub(crate) asker: Box<dyn Asker>,
}

/// What the writer wakes up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Commands have come.
    Jobs,
    /// Time has made something due.
    Timer(Timestamp),
    /// The ledger is to be closed; nothing comes any more.
    Close(Timestamp),
    /// Nothing is to be done any more.
    Stop,
}

struct Line {
    jobs: Vec<Job>,
    door: Door,
    /// The writer sleeps: whoever enters wakes it. Nobody else has to.
    asleep: bool,
}

enum Door {
    Open,
    Closing(Timestamp),
    Stopped,
}

impl Queue {
    pub(crate) const fn new(clock: Clock, capacity: usize) -> Self {
        let line = Line { jobs: Vec::new(), door: Door::Open, asleep: false };
        Self { line: Mutex::new(line), entered: Condvar::new(), clock, capacity }
    }

    /// Stamps a command and lets it enter, if there is room. One lock for both, so that both have
    /// one order.
    pub(crate) fn enter(
        &self,
        cause: Cause,
        command: Command,
        asker: Box<dyn Asker>,
    ) -> Result<(), ExecuteError> {
        let mut line = self.line();
        match line.door {
            Door::Open if line.jobs.len() >= self.capacity => return Err(ExecuteError::Busy),
            Door::Open => {}
            Door::Closing(_) | Door::Stopped => return Err(ExecuteError::Stopped),
        }
        line.jobs.push(Job { now: self.clock.now(), cause, command, asker });
        self.wake(line);
        Ok(())
    }

    /// Lets nothing enter any more; what has, comes out before the close does.
    pub(crate) fn close(&self) {
        let mut line = self.line();
        if let Door::Open = line.door {
            line.door = Door::Closing(self.clock.now());
            self.wake(line);
        }
    }

    /// Lets nothing enter or leave any more: who waits is told that the writer has stopped.
    pub(crate) fn stop(&self) {
        let mut line = self.line();
        let jobs = mem::take(&mut line.jobs);
        line.door = Door::Stopped;
        self.wake(line);
        for job in jobs {
            job.asker.tell(Err(ExecuteError::Stopped));
        }
    }

    /// Sleeps until commands come, which are then all in `batch`, or until `due`.
    ///
    /// A timer is stamped as a command is, and only while the queue is empty: a command that
    /// entered before is never executed at a later time than a timer.
    pub(crate) fn wait(&self, due: Timestamp, batch: &mut Vec<Job>) -> Wake {
        let mut line = self.line();
        loop {
            if !line.jobs.is_empty() {
                mem::swap(&mut line.jobs, batch);
                return Wake::Jobs;
            }
            match line.door {
                Door::Open => {}
                Door::Closing(now) => return Wake::Close(now),
                Door::Stopped => return Wake::Stop,
            }
            let now = self.clock.now();
            if now >= due {
                return Wake::Timer(now);
            }
            line.asleep = true;
            let until_due = Duration::from_millis(due.since(now).0);
            let woken = self.entered.wait_timeout(line, until_due);
            line = woken.unwrap_or_else(PoisonError::into_inner).0;
            line.asleep = false;
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, mut line: MutexGuard<'_, Line>) {
        let asleep = mem::take(&mut line.asleep);
        drop(line);
        if asleep {
            self.entered.notify_one();
        }
    }
}
