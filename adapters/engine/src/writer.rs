//! Decides, appends, applies, in that order and for one command at a time.
use std::{slice, sync::Arc};

use edge_ledger_core::{
    AppendError, Cause, Command, Commit, Journal, JournalReader, Ledger, Timestamp,
    lifecycle::{self, Epoch},
    task::ArchivedSubmission,
};

use crate::{
    Beginning, Recorder,
    error::{ExecuteError, OpenError},
    step::{self, Step},
};

/// Owns the ledger and the only way to append to its journal.
#[derive(Debug)]
pub struct Writer<J: Journal> {
    journal: J,
    ledger: Ledger,
    recorder: Option<Arc<dyn Recorder>>,
    stopped: bool,
}

/// What a command came to, beside the ledger just after it.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// The ledger, as the command left it.
    pub ledger: &'a Ledger,
    /// When the command was decided.
    pub now: Timestamp,
    /// What it made happen, now or, if it is a repeated request, the first time. None if what it
    /// asks for was already so.
    pub commit: Option<&'a Commit>,
    /// The tasks in the archive that it wanted to submit again.
    pub archived: &'a [ArchivedSubmission],
}

/// What a ledger is to an earlier one of the same log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// It goes on where it was closed or had crashed: running leases go on too.
    #[default]
    SameEpoch,
    /// It goes on from a copy, and the log it was copied from may have gone on too: running leases
    /// end, and no fence from before ever matches again.
    NewEpoch,
}

impl Opening {
    const fn epoch(self, present: Epoch) -> Epoch {
        match self {
            Self::SameEpoch => present,
            Self::NewEpoch => Epoch(present.0.saturating_add(1)),
        }
    }
}

impl<J: Journal> Writer<J> {
    /// Folds a journal, takes it over and records the opening.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read whole, does not fold, or cannot take the opening.
    pub fn open(
        journal: J,
        opening: Opening,
        now: impl FnOnce(&Ledger) -> Timestamp,
    ) -> Result<Self, OpenError> {
        Self::begin(journal, Beginning::default(), opening, now)
    }

    /// Does the same from more than a journal: from a ledger that the journal's beginning folds to,
    /// reading the rest only, with an archive that is let have what has left the ledger, and with
    /// somebody who sees what is decided.
    ///
    /// # Errors
    ///
    /// As [`Writer::open`], and if the archive cannot be made to have that.
    pub fn begin(
        journal: J,
        beginning: Beginning,
        opening: Opening,
        now: impl FnOnce(&Ledger) -> Timestamp,
    ) -> Result<Self, OpenError> {
        let Beginning { ledger, shelf, recorder } = beginning;
        let shelf = shelf.as_ref();
        let ledger = fold(&journal.reader(), ledger, |ledger, commit| {
            shelf.map_or(Ok(()), |shelf| shelf.follow(ledger, commit))
        })?;
        shelf.map_or(Ok(()), |shelf| shelf.check(&ledger))?;
        if let Some(recorder) = &recorder {
            recorder.begin(&ledger);
        }
        let now = now(&ledger);
        let open = lifecycle::Command::Open { epoch: opening.epoch(ledger.epoch()) };
        let mut writer = Self { journal, ledger, recorder, stopped: false };
        writer.record(step::system(), Command::Ledger(open), now)?;
        Ok(writer)
    }

    /// Executes one command, after everything that time has made due before it.
    ///
    /// # Errors
    ///
    /// A rejection leaves everything as it was. After a failed append nobody can say what the
    /// journal holds, so the writer does nothing more until it is opened anew.
    pub fn execute<T>(
        &mut self,
        cause: Cause,
        command: Command,
        now: Timestamp,
        answer: impl FnOnce(Receipt<'_>) -> T,
    ) -> Result<T, ExecuteError> {
        self.advance(now)?;
        let commit = self.record(cause, command, now)?;
        Ok(answer(Receipt { ledger: &self.ledger, now, commit: commit.as_ref(), archived: &[] }))
    }

    /// Executes everything that time has made due at `now`, and says that the ledger is open if
    /// nothing else has for a while.
    ///
    /// # Errors
    ///
    /// As [`Writer::execute`]: a failed append stops the writer.
    pub fn advance(&mut self, now: Timestamp) -> Result<(), ExecuteError> {
        while let Some(command) = step::due(&self.ledger, now) {
            self.record(step::system(), command, now)?;
        }
        Ok(())
    }

    /// Records that the ledger is closed. Every later command is refused until it is opened anew.
    ///
    /// # Errors
    ///
    /// As [`Writer::execute`].
    pub fn close(&mut self, now: Timestamp) -> Result<(), ExecuteError> {
        self.advance(now)?;
        self.record(step::system(), Command::Ledger(lifecycle::Command::Close), now)?;
        self.stopped = true;
        Ok(())
    }

    /// Returns when [`Writer::advance`] will next have something to do.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        step::next_due(&self.ledger)
    }

    /// Returns whether a failed append, or its closing, has stopped it.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Looks at the ledger, which is as durable as its journal.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Parts the ledger from its journal, for those who append in groups.
    pub(crate) fn into_parts(self) -> (J, Ledger) {
        (self.journal, self.ledger)
    }

    fn record(
        &mut self,
        cause: Cause,
        command: Command,
        now: Timestamp,
    ) -> Result<Option<Commit>, ExecuteError> {
        if self.stopped {
            return Err(ExecuteError::Stopped);
        }
        let (ledger, max) = (&self.ledger, self.journal.append_max());
        match step::decide(ledger, max, cause, command, now, self.recorder.as_deref())? {
            Step::AlreadySo => Ok(None),
            Step::Repeated { after } => step::read_again(&self.journal.reader(), after).map(Some),
            Step::Commit { commit, .. } => {
                self.append(&commit)?;
                self.ledger.apply(&commit).expect("a commit decided on this ledger folds into it");
                Ok(Some(commit))
            }
        }
    }

    fn append(&mut self, commit: &Commit) -> Result<(), ExecuteError> {
        match self.journal.append(slice::from_ref(commit)) {
            Ok(()) => {
                if let Some(recorder) = &self.recorder {
                    recorder.durable(commit.head());
                }
                Ok(())
            }
            Err(AppendError::TooLarge { size, max }) => Err(ExecuteError::TooLarge { size, max }),
            Err(error @ (AppendError::Conflict { .. } | AppendError::Fault(_))) => {
                self.stopped = true;
                Err(ExecuteError::Unrecorded(Arc::new(error)))
            }
        }
    }
}

/// Folds a whole journal.
///
/// # Errors
///
/// Fails if it cannot be read whole, or does not fold.
pub fn replay<R: JournalReader>(reader: &R) -> Result<Ledger, OpenError> {
    replay_from(reader, Ledger::default())
}

/// Folds the rest of a journal into a ledger that its beginning folds to.
///
/// # Errors
///
/// Fails if it cannot be read whole, or does not fold.
pub fn replay_from<R: JournalReader>(reader: &R, ledger: Ledger) -> Result<Ledger, OpenError> {
    fold(reader, ledger, |_, _| Ok(()))
}

fn fold<R: JournalReader>(
    reader: &R,
    mut ledger: Ledger,
    before: impl Fn(&Ledger, &Commit) -> Result<(), OpenError>,
) -> Result<Ledger, OpenError> {
    for commit in reader.read_ahead(ledger.head()) {
        let commit = commit.map_err(|error| OpenError::Unreadable(Arc::new(error)))?;
        before(&ledger, &commit)?;
        ledger.apply(&commit)?;
    }
    Ok(ledger)
}
