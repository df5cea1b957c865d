//! What the log holds: commits, and the envelopes inside them.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Event, Timestamp, cause::Cause};

/// The place of an event in the one total order, counted from one without gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position(u64);

impl Position {
    /// The position before the first event.
    pub const START: Self = Self(0);

    /// Wraps a raw position, for codecs and wire formats.
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the raw position, for codecs and wire formats.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position `count` events later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one command made happen: appended whole or not at all. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Commit {
    /// The position before its first event.
    pub after: Position,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// What was asked, and by whom.
    pub cause: Cause,
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Commit {
    /// Returns the position of its last event.
    #[must_use]
    pub fn head(&self) -> Position {
        self.after.plus(self.events.len() as u64)
    }

    /// Lists its events, each with its place and time.
    pub fn envelopes(&self) -> impl Iterator<Item = Envelope<'_>> {
        (1..).zip(&self.events).map(|(offset, event)| Envelope {
            position: self.after.plus(offset),
            recorded_at: self.recorded_at,
            cause: &self.cause,
            event,
        })
    }
}

/// One event, where it stands, and when and why it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<'a> {
    /// Where the event stands in the log.
    pub position: Position,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// What was asked, and by whom.
    pub cause: &'a Cause,
    /// What happened.
    pub event: &'a Event,
}
