//! Results: what an edge found, config by config.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{EdgeId, Position};

use super::{Payload, Rejection};

/// The most rows a run may have. Ids of rows are kept in memory while the run lasts.
pub const ROWS_MAX: usize = 250_000;

/// The most late rows kept aside for a task.
pub const LATE_ROWS_MAX: usize = 10_000;

/// The result of one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// Names the configuration within its run.
    pub config_id: Box<str>,
    /// What was configured: a JSON object.
    pub strategy_config: Payload,
    /// What came of it: a JSON object.
    pub metrics: Payload,
    /// Where the edge keeps more of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_folder: Option<Box<str>>,
}

/// How far an edge says it is with a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// How many configurations are done.
    pub processed: u64,
    /// How many there are.
    pub total: u64,
    /// The one at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_config: Option<Box<str>>,
    /// Where it is in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_progress: Option<Box<str>>,
}

/// How a run ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Completion {
    /// The best rows, best first.
    pub best: Box<[Box<str>]>,
    /// How many configurations were done.
    pub processed: u64,
    /// How many there were.
    pub total: u64,
}

/// The rows a run has: their ids while it lasts, their number for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    ids: BTreeSet<Box<str>>,
    count: usize,
}

impl Rows {
    pub(crate) const NONE: Self = Self { ids: BTreeSet::new(), count: 0 };

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn contains(&self, config_id: &str) -> bool {
        self.ids.contains(config_id)
    }

    /// Keeps those that are new here, each config once: the first write wins.
    pub(crate) fn new_of(&self, rows: Vec<Row>) -> Result<Vec<Row>, Rejection> {
        let mut seen = BTreeSet::new();
        let fresh: Vec<_> = rows
            .into_iter()
            .filter(|row| !self.contains(&row.config_id) && seen.insert(row.config_id.clone()))
            .collect();
        self.have_room_for(fresh.len())?;
        Ok(fresh)
    }

    pub(crate) const fn have_room_for(&self, sent: usize) -> Result<(), Rejection> {
        let (stored, max) = (self.count, ROWS_MAX);
        if stored + sent > max {
            return Err(Rejection::TooManyRows { stored, sent, max });
        }
        Ok(())
    }

    pub(crate) fn add<'a>(&mut self, config_ids: impl Iterator<Item = &'a Box<str>>) {
        for config_id in config_ids {
            self.count += usize::from(self.ids.insert(config_id.clone()));
        }
    }

    /// Forgets the ids: the run is over.
    pub(crate) fn close(&mut self) {
        self.ids = BTreeSet::new();
    }
}

/// Rows that a past holder sent after it had lost its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateResults {
    /// The event that kept them; their rows are there.
    pub kept_at: Position,
    /// Who sent them.
    pub edge: EdgeId,
    /// In which run.
    pub run: u32,
    /// Which configs they are of.
    pub config_ids: Box<[Box<str>]>,
}
