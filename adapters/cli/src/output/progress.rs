//! How far something is that takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Counts what is done, and shows it on a terminal once that takes long enough to be worth it.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    began: Instant,
    count: u64,
    bar: Option<ProgressBar>,
}

const WORTH_SHOWING: Duration = Duration::from_secs(1);

impl Progress {
    /// Begins to count, as in "commits".
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, began: Instant::now(), count: 0, bar: None }
    }

    /// Counts more.
    pub(crate) fn add(&mut self, more: u64) {
        self.count += more;
        // Asking the clock for each of millions would itself take long.
        if self.bar.is_none() && self.count % 256 < more && self.began.elapsed() > WORTH_SHOWING {
            self.bar = Some(self.show());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.count);
        }
    }

    fn show(&self) -> ProgressBar {
        let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        // Draws on stderr, and only if that is a terminal.
        let bar = ProgressBar::no_length().with_style(style).with_message(self.what);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
