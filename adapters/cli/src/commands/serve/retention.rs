//! How much the live journal holds, and who sees to it.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use clap::Args;
use edge_ledger_core::{Idempotency, Millis, Position};
use edge_ledger_engine::{Duty, Handle, Shelf};
use edge_ledger_journal::{JournalError, Keeper, Retention, in_background};
use edge_ledger_sled::SledTasks;
use serde::Deserialize;

use crate::{
    config::{Setting, Shown, Span},
    exit::{Failure, chain},
    journal,
    store::{AnyJournal, AnyJournalReader, AnyReader},
};

/// How often what is old is looked for. An idle beat is archived within the hour by default: after
/// three quarters of one, in files of a few minutes.
const EVERY: Duration = Duration::from_secs(60);

/// How long a finished task stays in the ledger: a retry after a weekend finds it there.
const WEEK: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// How much the live journal holds.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Retention")]
pub(crate) struct RetentionArgs {
    /// What is older is moved from the journal to the archive [default: 45m].
    #[arg(long = "retention-age", env = "EDGE_LEDGER_RETENTION_AGE", value_name = "TIME")]
    age: Option<Span>,
    /// How many bytes the journal may hold; beyond, the oldest are moved to the archive whatever
    /// their age [default: 1073741824].
    #[arg(long = "retention-size", env = "EDGE_LEDGER_RETENTION_SIZE", value_name = "BYTES")]
    size: Option<u64>,
    /// How long a finished task stays in the ledger; at least a day. Then it leaves for the archive
    /// of tasks, where it is looked at as ever [default: 7d].
    #[arg(long = "retention-tasks", env = "EDGE_LEDGER_RETENTION_TASKS", value_name = "TIME")]
    tasks: Option<Span>,
}

/// How much the live journal holds, settled.
#[derive(Debug)]
pub(crate) struct RetentionSettings {
    age: Setting<Span>,
    size: Setting<u64>,
    tasks: Setting<Span>,
}

impl RetentionArgs {
    /// Settles how much the live journal holds.
    pub(crate) fn settle(self, file: Self) -> RetentionSettings {
        let usual = Retention::default();
        RetentionSettings {
            age: Setting::settle("retention.age", self.age, file.age, || usual.age.into()),
            size: Setting::settle("retention.size", self.size, file.size, || usual.size),
            tasks: Setting::settle("retention.tasks", self.tasks, file.tasks, || WEEK.into()),
        }
    }
}

impl RetentionSettings {
    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![self.age.shown(), self.size.shown(), self.tasks.shown()]
    }

    pub(crate) fn retention(&self) -> Retention {
        let (age, size) = (self.age.value.millis(), self.size.value);
        Retention { age, size, ..Retention::default() }
    }
}

impl RetentionSettings {
    /// Looks whether the settings make sense.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let (keep, least) = (self.tasks.value, Span::from(Idempotency::KEPT_FOR));
        if keep.millis() >= least.millis() {
            return Ok(());
        }
        let told = format!("retention.tasks is {keep}, at least {least} is needed");
        let next = "for that long the ledger knows a request that is repeated";
        Err(Failure::usage(told).next(next).into())
    }

    /// Opens the archive of tasks of a data directory, and makes it first if there is none.
    pub(super) fn shelf(&self, data: &Path) -> Result<Shelf, JournalError> {
        let archive = SledTasks::open(journal::tasks_place(data))?;
        Ok(Shelf::new(Arc::new(archive), self.tasks.value.millis()))
    }
}

/// A thread that moves what is old to the archive. Dropping it waits until it has stopped.
pub(super) struct Housekeeping {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Makes the keeper of a journal, before that is moved into its engine.
pub(super) fn keeper(journal: &AnyJournal) -> Result<Keeper<AnyReader>, JournalError> {
    let remover = journal.remover();
    let reader = edge_ledger_core::Journal::reader(journal);
    let log = reader.store();
    Keeper::new(log.live().clone(), remover, log.archive().clone())
}

impl Housekeeping {
    /// Starts the thread.
    pub(super) fn start(
        mut keeper: Keeper<AnyReader>,
        retention: Retention,
        engine: Handle<AnyJournalReader>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let mut pins = Pins::default();
        let keep = move || {
            loop {
                keep(&mut keeper, &retention, &mut pins, &engine);
                match stopped.recv_timeout(EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = in_background("housekeeping", keep)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the housekeeping's thread panicked");
        }
    }
}

/// Runs the keeper once. What goes wrong is logged, and readiness tells of it: the ledger goes on,
/// and the next run tries again.
fn keep(
    keeper: &mut Keeper<AnyReader>,
    retention: &Retention,
    pins: &mut Pins,
    engine: &Handle<AnyJournalReader>,
) {
    let Ok(pinned) = pins.first(engine) else { return };
    let run = keeper.run(retention, pinned, engine.now());
    engine.upkeep().note(Duty::Retention, engine.now(), run.as_ref().map(drop));
    match run {
        Ok(run) if run.left > 0 => {
            let (archived, left, held) = (run.archived.get(), run.left, run.held);
            tracing::info!(archived, left, held, "the log was archived");
        }
        Ok(run) if run.held > retention.size.saturating_mul(2) => {
            let pinned = pinned.map(Position::get);
            tracing::warn!(
                held = run.held,
                size = retention.size,
                pinned,
                "the journal holds more than it should: an unfinished task needs what is old"
            );
        }
        Ok(_) => {}
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(error, "the log could not be archived: the journal grows meanwhile");
        }
    }
}

/// What of the log somebody still needs: the submissions of unfinished tasks.
#[derive(Debug, Default)]
struct Pins {
    /// No task submitted up to here was unfinished when it was last looked.
    before: Position,
}

impl Pins {
    /// Returns the first position that is needed. Does not look again at what was once over: the
    /// submission of a task that is retried may have been archived, and is read there.
    fn first(
        &mut self,
        engine: &Handle<AnyJournalReader>,
    ) -> Result<Option<Position>, edge_ledger_engine::ExecuteError> {
        let before = self.before;
        let (first, head) = engine.glance(|ledger, _| {
            let mut unfinished =
                ledger.tasks_after(before).filter(|(_, task)| task.finished_at().is_none());
            (unfinished.next().map(|(_, task)| task.submitted_position()), ledger.head())
        })?;
        self.before = first.map_or(head, |first| Position::new(first.get() - 1));
        Ok(first)
    }
}
