//! What a submitter asks for.
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::value::RawValue;

use crate::{Digest, EdgeId, Labels, TaskId, Timestamp, time::Millis};

/// A task as it is submitted, parsed and within bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Spec {
    /// Name shown to operators.
    pub name: Box<str>,
    /// What the edge is to do, byte for byte.
    pub payload: Payload,
    /// Under this key a submitter may submit again without making a second task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<Box<str>>,
    /// Who may lease it and when.
    pub terms: Terms,
}

/// The terms under which a task is leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Terms {
    /// Higher ones are leased first.
    pub priority: i32,
    /// The one edge that may have it; any that meets `requires` if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<EdgeId>,
    /// The labels an edge must have.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub requires: Labels,
    /// Not to be leased before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// How long a lease runs without a word from its holder; at least a second.
    pub lease_time: Millis,
    /// How many attempts a run has; at least one.
    pub max_attempts: u32,
    /// How long a run may take in all, from its submission or retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_time: Option<Millis>,
    /// How long to wait between attempts.
    pub backoff: Backoff,
}

impl Default for Terms {
    /// Returns the terms of a submitter who asks for nothing special: the wire contract's lease of
    /// 60 s and five attempts.
    fn default() -> Self {
        Self {
            priority: 0,
            assigned_to: None,
            requires: Labels::default(),
            not_before: None,
            lease_time: Millis::from_secs(60),
            max_attempts: 5,
            run_time: None,
            backoff: Backoff::default(),
        }
    }
}

impl Terms {
    /// Returns when a run that begins at `now` may be leased, if not at once.
    pub(crate) fn ready_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|ready_at| *ready_at > now)
    }
}

/// How long to wait between attempts: doubling from `base` up to `max`, with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backoff {
    /// Before the second attempt; no waiting at all if zero.
    pub base: Millis,
    /// The longest wait.
    pub max: Millis,
}

impl Default for Backoff {
    /// Returns a second, doubling up to a minute.
    fn default() -> Self {
        Self { base: Millis::from_secs(1), max: Millis::from_secs(60) }
    }
}

impl Backoff {
    /// Returns how long to wait after attempt `attempt` of a run: between half of the doubled base
    /// and all of it.
    ///
    /// Where between is a frozen hash (the first eight bytes, little-endian, of BLAKE3 over the
    /// task's id, a zero byte, run and attempt, four bytes little-endian each): tasks that failed
    /// together do not come back together, and a replay waits as long as the first time.
    #[must_use]
    pub fn wait(&self, task: &TaskId, run: u32, attempt: u32) -> Millis {
        let doublings = attempt.saturating_sub(1).min(63);
        let span = self.base.0.saturating_mul(1 << doublings).min(self.max.0);
        let mut seed = task.to_string().into_bytes();
        seed.push(0);
        seed.extend(run.to_le_bytes());
        seed.extend(attempt.to_le_bytes());
        let digest = *Digest::of(&seed).as_bytes();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let draw = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let half = span / 2;
        Millis(half + draw % (span - half + 1))
    }
}

/// Any JSON, byte for byte as it was submitted: key order is meaning to fielded clients.
#[derive(Clone)]
pub struct Payload(Box<RawValue>);

impl Payload {
    /// Wraps JSON that has been parsed.
    #[must_use]
    pub const fn new(json: Box<RawValue>) -> Self {
        Self(json)
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Returns the JSON, to be embedded in other JSON.
    #[must_use]
    pub const fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        serializer.serialize_str(self.get())
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Box::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        RawValue::from_string(text).map(Self).map_err(D::Error::custom)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Spec {
    /// Returns the digest by which two submissions are the same.
    ///
    /// # Panics
    ///
    /// Never: a spec holds nothing that JSON cannot.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // As long as a spec is that asks for nothing special.
        let mut json = Vec::with_capacity(self.payload.get().len() + 256);
        serde_json::to_writer(&mut json, self).expect("a spec is JSON");
        Digest::of(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_between_its_bounds() {
        let task = TaskId::new("job").unwrap();
        let backoff = Backoff { base: Millis(1_000), max: Millis(6_000) };
        for (attempt, span) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 6_000), (200, 6_000)] {
            let wait = backoff.wait(&task, 1, attempt).0;
            assert!((span / 2..=span).contains(&wait), "attempt {attempt}: {wait}");
        }
        assert_eq!(Backoff { base: Millis(0), max: Millis(0) }.wait(&task, 1, 3), Millis(0));
    }

    /// A changed hash would change what old logs mean to those who recompute them.
    #[test]
    fn jitter_is_frozen() {
        let backoff = Backoff { base: Millis(1_000_000), max: Millis(1_000_000) };
        let waits = ["a", "b"].map(|id| backoff.wait(&TaskId::new(id).unwrap(), 2, 3).0);
        assert_eq!(waits, [523_527, 744_360]);
    }
}
