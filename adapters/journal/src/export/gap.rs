//! What stands in a cut for what was left out.
use edge_ledger_core::{
    Cause, CommandId, Commit, Event, Position, Principal, Timestamp, lifecycle,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Positions at which something happened that is not told.
///
/// It is read as commits of at most [`Gap::TICKS`] events each, all of them `ledger.ticked`,
/// recorded when the last one left out was, under a command without an id. A tick changes nothing:
/// what follows stands where it stood, and every fence and time is what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// The position before the first one.
    pub after: Position,
    /// The last one.
    pub head: Position,
    /// When the last one was recorded.
    pub recorded_at: Timestamp,
}

impl Gap {
    /// The most ticks in a commit, and each commit is a block.
    pub const TICKS: u64 = 1_024;

    /// Lists the commits that it is read as.
    pub fn commits(self) -> impl Iterator<Item = Commit> {
        let Self { after, head, recorded_at } = self;
        let mut left = head.get().saturating_sub(after.get());
        let mut after = after;
        std::iter::from_fn(move || {
            let ticks = left.min(Self::TICKS);
            let commit = (ticks > 0).then(|| ticked(after, recorded_at, ticks))?;
            (after, left) = (commit.head(), left - ticks);
            Some(commit)
        })
    }

    /// Takes the first of them off.
    pub(super) fn next(&mut self) -> Option<Commit> {
        let commit = self.commits().next()?;
        self.after = commit.head();
        Some(commit)
    }
}

fn ticked(after: Position, recorded_at: Timestamp, ticks: u64) -> Commit {
    let cause = Cause {
        command: CommandId::from_uuid(Uuid::nil()),
        principal: Principal::System,
        idempotency: None,
    };
    let events = (0..ticks).map(|_| Event::Ledger(lifecycle::Event::Ticked)).collect();
    Commit { after, recorded_at, cause, events }
}
