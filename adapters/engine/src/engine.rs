//! The writer's thread: a queue in front of it, and the timers behind.
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use edge_ledger_core::{Journal, JournalReader, Timestamp};

use crate::{
    Clock, ExecuteError, Handle, OpenError, Opening, Readiness, Stop, Writer,
    handle::{Execution, Job, Shared, Work},
};

/// How an engine is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many commands may wait before the next one is told that the engine is busy.
    pub queue: usize,
    /// Whether the ledger goes on from where it was, or from a copy.
    pub opening: Opening,
}

impl Default for Options {
    /// Returns a queue of 1,024: at a tenth of a millisecond a command, a tenth of a second.
    fn default() -> Self {
        Self { queue: 1_024, opening: Opening::SameEpoch }
    }
}

/// An open ledger with its writer. Dropping it closes the ledger.
#[derive(Debug)]
pub struct Engine<R: JournalReader> {
    handle: Handle<R>,
    thread: Option<JoinHandle<()>>,
}

impl<R: JournalReader> Engine<R> {
    /// Folds a journal, opens its ledger and starts the writer's thread.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read whole, does not fold, or cannot take the opening.
    pub fn start<J>(journal: J, options: Options) -> Result<Self, OpenError>
    where
        J: Journal<Reader = R> + Send + 'static,
    {
        let mut clock = None;
        let writer = Writer::open(journal, options.opening, |ledger| {
            clock.insert(Clock::start(ledger.recorded_at())).now()
        })?;
        let clock = clock.expect("an opened writer has asked for the time");
        let (queue, jobs) = sync_channel(options.queue);
        let shared = Arc::new(Shared {
            ledger: writer.shared(),
            reader: writer.reader(),
            clock: Mutex::new(clock),
            stopped: OnceLock::new(),
        });
        let handle = Handle::new(Arc::clone(&shared), queue);
        let service = Service { writer, jobs, shared };
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || service.run())
            .map_err(|error| OpenError::Unopened(ExecuteError::Unrecorded(Arc::new(error))))?;
        Ok(Self { handle, thread: Some(thread) })
    }

    /// Returns a handle for commands and questions.
    #[must_use]
    pub fn handle(&self) -> Handle<R> {
        self.handle.clone()
    }

    /// Closes the ledger after what is in the queue, and waits until that is done. Returns how the
    /// writer has stopped: if an append failed, then or before, the ledger is not closed.
    #[must_use]
    pub fn close(self) -> Stop {
        let handle = self.handle.clone();
        drop(self);
        match handle.readiness() {
            Readiness::Stopped(stop) => stop,
            Readiness::Ready | Readiness::Skewed { .. } => {
                Stop::Failed { reason: "the writer's thread panicked".to_owned() }
            }
        }
    }
}

impl<R: JournalReader> Drop for Engine<R> {
    fn drop(&mut self) {
        while let Err(ExecuteError::Busy) = self.handle.enqueue(Work::Close) {
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer's thread panicked: the ledger was not closed");
        }
    }
}

struct Service<J: Journal> {
    writer: Writer<J>,
    jobs: Receiver<Job>,
    shared: Arc<Shared<J::Reader>>,
}

/// What the writer's thread wakes up to.
enum Wake {
    Job(Job),
    Timer(Timestamp),
    Abandoned,
}

impl<J: Journal> Service<J> {
    fn run(mut self) {
        loop {
            match self.wait() {
                Wake::Job(Job { now, work: Work::Execute(execution) }) => {
                    self.execute(*execution, now);
                }
                Wake::Timer(now) => {
                    let outcome = self.writer.advance(now);
                    self.note(outcome.err().as_ref());
                }
                Wake::Job(Job { now, work: Work::Close }) => return self.close(now),
                Wake::Abandoned => return,
            }
        }
    }

    /// Sleeps until a command comes or time makes something due.
    ///
    /// A timer is stamped as a command is, and only while the queue is empty: a command that
    /// entered before is never executed at a later time than a timer.
    fn wait(&self) -> Wake {
        let asleep = if self.writer.is_stopped() {
            self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            let due_in = self.writer.next_due().since(self.now());
            self.jobs.recv_timeout(Duration::from_millis(due_in.0))
        };
        match asleep {
            Ok(job) => Wake::Job(job),
            Err(RecvTimeoutError::Disconnected) => Wake::Abandoned,
            Err(RecvTimeoutError::Timeout) => {
                let clock = self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner);
                match self.jobs.try_recv() {
                    Ok(job) => Wake::Job(job),
                    Err(_) => Wake::Timer(clock.now()),
                }
            }
        }
    }

    fn execute(&mut self, execution: Execution, now: Timestamp) {
        let Execution { cause, command, answer } = execution;
        let mut answer = Some(answer);
        let outcome = self.writer.execute(cause, command, now, |receipt| {
            if let Some(answer) = answer.take() {
                answer(Ok(receipt));
            }
        });
        if let Err(error) = outcome {
            self.note(Some(&error));
            if let Some(answer) = answer.take() {
                answer(Err(error));
            }
        }
    }

    fn close(&mut self, now: Timestamp) {
        match self.writer.close(now) {
            Ok(()) => drop(self.shared.stopped.set(Stop::Closed)),
            Err(error) => self.note(Some(&error)),
        }
    }

    /// Turns readiness red when the writer has stopped.
    fn note(&self, error: Option<&ExecuteError>) {
        let Some(ExecuteError::Unrecorded(fault)) = error else { return };
        let reason = chain(fault.as_ref());
        tracing::error!(%reason, "the writer has stopped");
        drop(self.shared.stopped.set(Stop::Failed { reason }));
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner).now()
    }
}

/// Says an error with all that is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
