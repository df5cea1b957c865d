//! Decisions, written down beside the writer.
use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use edge_ledger_core::{
    Ledger, Position,
    decisions::{Decided, End, Header, Line},
};

use crate::Recorder;

/// How many durable decisions may wait to be written: as many as the usual queue of commands.
const WAITING_MAX: usize = 8_192;

/// How long the writer waits in all, over the life of a recording, for decisions to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes decisions down, as [`decisions`](edge_ledger_core::decisions) has them, on a thread of
/// its own.
///
/// Only durable decisions are written, and without a gap. It is best effort all the same: what
/// waits to be written when the process dies is lost, though the journal has it, and nothing is
/// synced. It never slows the writer without limit: once the writer has waited for a second in all,
/// or a write has failed, the recording ends, with a line that says so if one can be written.
#[derive(Debug)]
pub struct Recording {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// What there was to write is being written.
    emptied: Condvar,
    patience: Duration,
    waiting_max: usize,
}

#[derive(Debug, Default)]
struct State {
    begun: Option<Line>,
    /// Decided, and not durable yet: as many as the writer runs ahead.
    pending: VecDeque<Decided>,
    /// Durable, and not written yet.
    waiting: Vec<Decided>,
    durable: Position,
    waited: Duration,
    /// Why nothing more is taken.
    over: Option<Over>,
}

/// Why a recording takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Whoever records has ended it.
    Ended,
    /// The writer would have had to wait for too long.
    TooSlow,
    /// A write has failed.
    Failed,
}

impl Recording {
    /// Begins to write to a file, or to whatever else takes bytes.
    ///
    /// # Errors
    ///
    /// Fails if no thread can be had.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start_with(out, WAITING_MAX, PATIENCE)
    }

    fn start_with(
        out: impl Write + Send + 'static,
        waiting_max: usize,
        patience: Duration,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            patience,
            waiting_max,
        });
        let writer = Arc::clone(&shared);
        let thread = thread::Builder::new().name("recording".to_owned());
        let thread = thread.spawn(move || writer.write_all(out))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Ends it, once every durable decision is written.
    pub fn end(&self) {
        self.shared.state().over.get_or_insert(Over::Ended);
        self.shared.filled.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that records decisions panicked");
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end();
    }
}

impl Recorder for Recording {
    fn begin(&self, ledger: &Ledger) {
        let mut state = self.shared.state();
        state.begun = Some(Line::Begins(Header::of(ledger)));
        state.durable = ledger.head();
        drop(state);
        self.shared.filled.notify_one();
    }

    fn decided(&self, decided: Decided) {
        let mut state = self.shared.room();
        if state.over.is_some() {
            return;
        }
        if !state.pending.is_empty() || decided.rests_on() > state.durable {
            state.pending.push_back(decided);
            return;
        }
        state.waiting.push(decided);
        drop(state);
        self.shared.filled.notify_one();
    }

    fn durable(&self, head: Position) {
        let mut state = self.shared.state();
        state.durable = head;
        let many = state.pending.partition_point(|decided| decided.rests_on() <= head);
        if many > 0 {
            let State { pending, waiting, .. } = &mut *state;
            waiting.extend(pending.drain(..many));
            drop(state);
            self.shared.filled.notify_one();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for one more, or says that there will be none.
    fn room(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        while state.over.is_none() && state.waiting.len() >= self.waiting_max {
            let left = self.patience.saturating_sub(state.waited);
            if left.is_zero() {
                tracing::warn!("the recording of decisions ends: it is too slow for the writer");
                state.over = Some(Over::TooSlow);
                state.pending.clear();
                self.filled.notify_one();
                return state;
            }
            let began = Instant::now();
            state =
                self.emptied.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waited += began.elapsed();
        }
        state
    }

    fn write_all(&self, mut out: impl Write) {
        loop {
            let (begun, waiting, over) = self.next();
            let lines = begun.into_iter().chain(waiting.into_iter().map(decided));
            let ends = over.filter(|over| *over == Over::TooSlow).map(|_| too_slow());
            if let Err(error) = write(&mut out, lines.chain(ends)) {
                tracing::warn!(%error, "the recording of decisions ends: it cannot be written");
                let mut state = self.state();
                state.over = Some(Over::Failed);
                state.pending.clear();
                state.waiting.clear();
                drop(state);
                self.emptied.notify_all();
                return;
            }
            if over.is_some() {
                return;
            }
        }
    }

    /// Waits for what is to be written, and says whether it is the last.
    fn next(&self) -> (Option<Line>, Vec<Decided>, Option<Over>) {
        let mut state = self.state();
        while state.begun.is_none() && state.waiting.is_empty() && state.over.is_none() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let next = (state.begun.take(), mem::take(&mut state.waiting), state.over);
        drop(state);
        self.emptied.notify_one();
        next
    }
}

fn decided(decided: Decided) -> Line {
    Line::Decided(Box::new(decided))
}

fn too_slow() -> Line {
    Line::Ends(End { because: "the recording was too slow for the writer".into() })
}

fn write(out: &mut impl Write, lines: impl Iterator<Item = Line>) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{}", line.to_text())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use edge_ledger_core::{Command, Timestamp, decisions::Answer, lifecycle};

    use super::*;
    use crate::step;

    /// A disk that takes nothing until it is let.
    struct Stuck {
        let_go: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once nobody can let it any more, it takes everything.
            let _ = self.let_go.recv();
            self.taken.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn refused() -> Decided {
        Decided {
            after: Position::START,
            now: Timestamp::EPOCH,
            cause: step::system(),
            command: Command::Ledger(lifecycle::Command::Tick),
            answer: Answer::Refused { code: "ledger_closed".into(), told: "closed".into() },
        }
    }

    #[test]
    fn a_recording_that_is_too_slow_ends_and_says_so_and_the_writer_goes_on() {
        let (let_go, stuck) = channel();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let out = Stuck { let_go: stuck, taken: Arc::clone(&taken) };
        let patience = Duration::from_millis(50);
        let recording = Recording::start_with(out, 2, patience).unwrap();
        recording.begin(&Ledger::default());

        let began = Instant::now();
        for _ in 0..1_000 {
            recording.decided(refused());
        }
        assert!(began.elapsed() < Duration::from_secs(5), "it waits once, not each time");
        drop(let_go);
        recording.end();

        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().map(|line| Line::parse(line).unwrap()).collect();
        assert!(matches!(lines.first(), Some(Line::Begins(_))), "{text}");
        assert!(matches!(lines.last(), Some(Line::Ends(_))), "{text}");
        assert!(lines.len() < 10, "{text}");
    }

    #[test]
    fn a_recording_that_cannot_be_written_ends_and_the_writer_goes_on() {
        let recording = Recording::start(Full).unwrap();
        recording.begin(&Ledger::default());
        for _ in 0..3 * WAITING_MAX {
            recording.decided(refused());
        }
        recording.end();
    }
}
