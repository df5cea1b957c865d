//! The second stage: appends groups, and answers all who wait for them.
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use edge_ledger_core::{Commit, Journal, Position};
use tokio::sync::watch;

use crate::{
    Fault, Stop,
    answer::Held,
    handle::Shared,
    handover::{Beside, Group},
    patience::Patience,
};

/// Appends one group at a time, and then tells everybody whose answer rests on it.
pub(crate) struct Committer<J: Journal> {
    journal: J,
    shared: Arc<Shared<J::Reader>>,
    /// The last durable position. Dropped with the committer: then nothing more becomes durable.
    durable: watch::Sender<Position>,
}

impl<J: Journal> Committer<J> {
    pub(crate) const fn new(
        journal: J,
        shared: Arc<Shared<J::Reader>>,
        durable: watch::Sender<Position>,
    ) -> Self {
        Self { journal, shared, durable }
    }

    /// Appends until there is nothing more to come, or an append fails.
    pub(crate) fn run(mut self) {
        let (mut patience, mut company) = (Patience::default(), None);
        while let Some(Group { commits, held }) = self.shared.handover.take(company) {
            patience.learn(held.len());
            let began = Instant::now();
            if let Err(fault) = self.append(&commits) {
                return self.fail(held, &fault);
            }
            let Beside { held: beside, waiting } = self.published(&commits);
            let (now, told) = (Instant::now(), held.len() + beside.len());
            company = patience.company(told, waiting, now, now.duration_since(began));
            held.into_iter().chain(beside).for_each(Held::tell);
        }
    }

    /// Appends commits, all or none. A journal that panics has failed.
    fn append(&mut self, commits: &[Commit]) -> Result<(), Fault> {
        let append = AssertUnwindSafe(|| self.journal.append(commits));
        match panic::catch_unwind(append) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Arc::new(error)),
            Err(panic) => Err(Arc::new(Panicked(message(&*panic)))),
        }
    }

    fn published(&self, commits: &[Commit]) -> Beside {
        let head = commits.last().expect("a group is never empty").head();
        self.durable.send_replace(head);
        if let Some(recorder) = &self.shared.recorder {
            recorder.durable(head);
        }
        self.shared.handover.appended()
    }

    /// Stops everything: nobody knows what the journal holds, so nothing that was decided since is
    /// told, and the ledger in memory is not shown any more.
    fn fail(self, held: Vec<Held>, fault: &Fault) {
        let reason = chain(fault.as_ref());
        tracing::error!(%reason, "the writer has stopped");
        drop(self.shared.stopped.set(Stop::Failed { reason }));
        let later = self.shared.handover.stop();
        self.shared.queue.stop();
        drop(self.durable);
        held.into_iter().for_each(|held| held.fail(fault));
        later.into_iter().for_each(Held::refuse);
    }
}

/// The journal panicked.
#[derive(Debug, thiserror::Error)]
#[error("the journal panicked: {0}")]
struct Panicked(String);

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
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
