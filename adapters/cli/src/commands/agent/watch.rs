//! How far the agent's work is: a bar under the logs on a terminal, the logs alone elsewhere.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use edge_ledger_agent::{Notice, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::output::plain;

/// Watches an agent at work.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    bars: MultiProgress,
    work: Arc<Mutex<Option<ProgressBar>>>,
}

impl Watch {
    /// Begins to watch. Draws on stderr, and only if that is a terminal.
    pub(super) fn begin() -> Self {
        Self { bars: MultiProgress::new(), work: Arc::default() }
    }

    /// Returns what the agent tells of its work.
    pub(super) fn observer(&self) -> Observer {
        let watch = self.clone();
        Observer::new(move |notice| watch.see(notice))
    }

    /// Returns where logs go, so that they and the bar do not write over each other.
    pub(super) fn writer(&self) -> AboveBars {
        AboveBars(self.bars.clone())
    }

    /// Stops watching.
    pub(super) fn end(&self) {
        self.replace(None);
    }

    fn see(&self, notice: &Notice) {
        match notice {
            Notice::Started { task_id, attempt, .. } => {
                let told = format!("{} (attempt {attempt})", plain(task_id));
                let bar = ProgressBar::no_length().with_style(style()).with_message(told);
                let bar = self.bars.add(bar);
                bar.enable_steady_tick(Duration::from_millis(200));
                self.replace(Some(bar));
            }
            Notice::Progressed { progress, .. } => {
                let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(bar) = &*work {
                    bar.set_length(progress.total);
                    bar.set_position(progress.processed);
                }
            }
            Notice::Ended { .. } => self.replace(None),
            // The logs tell the rest.
            Notice::Registered { .. }
            | Notice::Idle
            | Notice::Sent { .. }
            | Notice::Troubled { .. }
            | Notice::Refused { .. }
            | Notice::Closing
            | _ => {}
        }
    }

    fn replace(&self, bar: Option<ProgressBar>) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(over) = std::mem::replace(&mut *work, bar) {
            over.finish_and_clear();
            self.bars.remove(&over);
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {wide_bar} {human_pos}/{human_len} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes to stderr, above the bars.
#[derive(Clone, Debug)]
pub(super) struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
