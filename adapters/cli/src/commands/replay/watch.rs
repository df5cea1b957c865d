//! How far the folding is: a bar on a terminal, once it takes longer than a second.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Counts events that are folded, by many threads at once.
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    logs: usize,
    expected: AtomicU64,
    folded: AtomicU64,
    done: AtomicU64,
    bar: OnceLock<ProgressBar>,
}

const WORTH_SHOWING: Duration = Duration::from_secs(1);

/// Asking the clock for each of millions would itself take long.
const STRIDE: u64 = 1_024;

impl Watch {
    /// Begins to watch so many logs.
    pub(super) fn begin(logs: usize) -> Self {
        Self {
            began: Instant::now(),
            logs,
            expected: AtomicU64::new(0),
            folded: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bar: OnceLock::new(),
        }
    }

    /// Says that so many events more are to be folded.
    pub(super) fn expect(&self, events: u64) {
        let all = self.expected.fetch_add(events, Ordering::Relaxed) + events;
        if let Some(bar) = self.bar.get() {
            bar.set_length(all);
        }
    }

    /// Says that so many events were folded.
    pub(super) fn folded(&self, events: u64) {
        let before = self.folded.fetch_add(events, Ordering::Relaxed);
        if before / STRIDE == (before + events) / STRIDE {
            return;
        }
        if self.bar.get().is_none() && self.began.elapsed() > WORTH_SHOWING {
            self.bar.get_or_init(|| self.show());
        }
        if let Some(bar) = self.bar.get() {
            bar.set_position(before + events);
        }
    }

    /// Says that a log is done.
    pub(super) fn done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = self.bar.get() {
            bar.set_message(self.logs_done(done));
        }
    }

    fn show(&self) -> ProgressBar {
        let style = "{elapsed:>5} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {msg}";
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Draws on stderr, and only if that is a terminal.
        let bar = ProgressBar::new(self.expected.load(Ordering::Relaxed)).with_style(style);
        bar.with_message(self.logs_done(self.done.load(Ordering::Relaxed)))
    }

    fn logs_done(&self, done: u64) -> String {
        format!("{done} of {} logs", self.logs)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
