//! One step of the ledger, whoever takes it: what a command comes to, and what comes before it.
use std::{slice, sync::Arc};

use edge_ledger_core::{
    Cause, Command, Commit, Decision, JournalReader, Ledger, Millis, Position, Principal,
    Timestamp, codec,
    decisions::{Answer, Decided},
    lifecycle,
};

use crate::{ExecuteError, Recorder, mint};

/// While open, the ledger commits at least this often: after a crash the last commit stands for
/// the close, and this bounds the error.
const TICK: Millis = Millis::from_secs(10);

/// What a command comes to on the ledger as it stands.
pub(crate) enum Step {
    /// It makes this happen, in so many encoded bytes.
    Commit { commit: Commit, size: usize },
    /// What it asks for is already so.
    AlreadySo,
    /// The same request was answered by the commit after this position.
    Repeated { after: Position },
}

/// Decides a command, and sees that what it makes happen can be appended. Whoever records sees it.
pub(crate) fn decide(
    ledger: &Ledger,
    append_max: usize,
    cause: Cause,
    command: Command,
    now: Timestamp,
    recorder: Option<&dyn Recorder>,
) -> Result<Step, ExecuteError> {
    let Some(recorder) = recorder else {
        return decide_unseen(ledger, append_max, cause, command, now);
    };
    let (asked, by) = (command.clone(), cause.clone());
    let step = decide_unseen(ledger, append_max, cause, command, now);
    if let Some(answer) = answer(&step) {
        recorder.decided(Decided { after: ledger.head(), now, cause: by, command: asked, answer });
    }
    step
}

fn decide_unseen(
    ledger: &Ledger,
    append_max: usize,
    cause: Cause,
    command: Command,
    now: Timestamp,
) -> Result<Step, ExecuteError> {
    match ledger.decide(command, &cause, now)? {
        Decision::AlreadySo => Ok(Step::AlreadySo),
        Decision::Repeated { after } => Ok(Step::Repeated { after }),
        Decision::Events(events) => {
            let commit = Commit { after: ledger.head(), recorded_at: now, cause, events };
            let size = codec::encoded_len(slice::from_ref(&commit));
            if size > append_max {
                return Err(ExecuteError::TooLarge { size, max: append_max });
            }
            Ok(Step::Commit { commit, size })
        }
    }
}

/// Returns what a step is, as it is recorded; nothing if nothing was decided.
fn answer(step: &Result<Step, ExecuteError>) -> Option<Answer> {
    match step {
        Ok(Step::Commit { commit, .. }) => Some(Answer::Events(commit.events.clone())),
        Ok(Step::AlreadySo) => Some(Answer::AlreadySo),
        Ok(Step::Repeated { after }) => Some(Answer::Repeated { after: *after }),
        Err(ExecuteError::Rejected(rejection)) => Some(Answer::refused(rejection)),
        Err(ExecuteError::TooLarge { size, max }) => {
            Some(Answer::TooLarge { size: *size as u64, max: *max as u64 })
        }
        Err(
            ExecuteError::Busy
            | ExecuteError::Unrecorded(_)
            | ExecuteError::Unreadable(_)
            | ExecuteError::Unarchived(_)
            | ExecuteError::Stopped,
        ) => None,
    }
}

/// Returns the next command that time alone makes due at `now`: at last, if nothing has been
/// committed for a while, the one that says that the ledger is open.
pub(crate) fn due(ledger: &Ledger, now: Timestamp) -> Option<Command> {
    let due = ledger.due(now).next();
    due.or_else(|| {
        let quiet_for = now.since(ledger.recorded_at());
        (quiet_for >= TICK).then_some(Command::Ledger(lifecycle::Command::Tick))
    })
}

/// Returns when [`due`] will next have something.
pub(crate) fn next_due(ledger: &Ledger) -> Timestamp {
    let tick = ledger.recorded_at().after(TICK);
    ledger.next_due().map_or(tick, |due| due.min(tick))
}

/// Returns the cause of what the ledger's own process asks.
pub(crate) fn system() -> Cause {
    Cause { command: mint::command_id(), principal: Principal::System, idempotency: None }
}

/// Reads the commit after a position, which the ledger knows of.
pub(crate) fn read_again<R: JournalReader>(
    reader: &R,
    after: Position,
) -> Result<Commit, ExecuteError> {
    match reader.read(after).next() {
        Some(Ok(commit)) => Ok(commit),
        Some(Err(error)) => Err(ExecuteError::Unreadable(Arc::new(error))),
        None => Err(ExecuteError::Unreadable(Arc::new(Vanished(after)))),
    }
}

/// A commit that the ledger knows of is not in its journal.
#[derive(Debug, thiserror::Error)]
#[error("the journal has no commit after position {0}")]
struct Vanished(Position);
