//! Tells people how far the demonstration is: a bar under the story on a terminal, lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::scene::Scene;
use crate::output::note;

/// Tells the story.
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    total: u64,
    bar: ProgressBar,
    told_at: Instant,
}

/// How often a line says how far things are where there is no bar.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

impl Watch {
    /// Begins to tell of so many configurations.
    pub(super) fn begin(total: u64) -> Self {
        let style = "{elapsed:>5} {wide_bar} {human_pos}/{human_len} configurations";
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Draws on stderr, and only if that is a terminal.
        let bar = ProgressBar::new(total).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        let now = Instant::now();
        Self { began: now, total, bar, told_at: now }
    }

    /// Tells something.
    pub(super) fn tell(&self, line: &str) {
        let line =
            format!("{:6.2}s  {}", self.began.elapsed().as_secs_f64(), crate::output::plain(line));
        self.bar.suspend(|| note(&line));
    }

    /// Tells how far things are.
    pub(super) fn progress(&mut self, scene: &Scene) {
        let processed = scene.processed();
        self.bar.set_position(processed);
        if self.bar.is_hidden() && self.told_at.elapsed() >= BETWEEN_LINES {
            self.told_at = Instant::now();
            self.tell(&format!("{processed} of {} configurations", self.total));
        }
    }

    /// Stops telling.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Returns how long it has taken.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}
