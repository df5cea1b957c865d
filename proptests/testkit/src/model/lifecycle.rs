//! When the ledger was open.
use edge_ledger_core::{
    Timestamp,
    lifecycle::{Command, Epoch},
};

use super::{Answer, Model};

#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    epoch: u16,
    open_since: Option<i64>,
    open_before: u64,
    last_commit: i64,
}

impl Clock {
    pub(super) const fn is_open(&self) -> bool {
        self.open_since.is_some()
    }

    /// Returns whether a command to the ledger itself would be looked at.
    pub(super) const fn serves(&self, command: &Command) -> bool {
        self.is_open() || matches!(command, Command::Open { .. })
    }

    pub(super) fn committed(&mut self, now: Timestamp) {
        self.last_commit = now.as_millis();
    }

    pub(super) fn open_time(&self, now: Timestamp) -> u64 {
        self.open_before + self.open_since.map_or(0, |since| now.as_millis().abs_diff(since))
    }

    pub(super) fn line(&self) -> String {
        let Self { epoch, open_since, open_before, .. } = self;
        format!("epoch {epoch}, open {} after {open_before}", open_since.is_some())
    }
}

impl Model {
    pub(super) fn ledger(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::Open { epoch: Epoch(epoch) } => self.open(*epoch, now),
            Command::Tick | Command::Close | Command::ArchiveTasks { .. }
                if !self.clock.is_open() =>
            {
                Err("ledger_closed")
            }
            Command::Tick => Ok(true),
            Command::Close => {
                self.clock.open_before = self.clock.open_time(now);
                self.clock.open_since = None;
                Ok(true)
            }
            Command::ArchiveTasks { tasks } => self.archive(tasks),
        }
    }

    fn open(&mut self, epoch: u16, now: Timestamp) -> Answer {
        if epoch < self.clock.epoch {
            return Err("ledger_epoch_passed");
        }
        if epoch > Epoch::MAX.0 {
            return Err("ledger_epoch_out_of_range");
        }
        let last = Timestamp::from_millis(self.clock.last_commit);
        self.clock.open_before = self.clock.open_time(last);
        self.clock.open_since = Some(now.as_millis());
        let restored = epoch > self.clock.epoch;
        self.clock.epoch = epoch;
        for task in self.tasks.values_mut() {
            if restored {
                task.give_up();
            } else {
                task.extend(now);
            }
        }
        Ok(true)
    }
}
