//! Which requests have been answered by which commit, so that a repeated one changes nothing.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Commit, Digest, Idempotency, Position, Timestamp, table::Table};

/// Why a repeated request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The key came with another body before.
    #[error("idempotency key was used with another body: choose a new key for a new request")]
    KeyReused,
}

/// The keys of the last day, by recorded time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    keys: Table<Digest, Answer>,
    oldest: BTreeSet<(Timestamp, Digest)>,
}

/// The commit that answered a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    body: Digest,
    recorded_at: Timestamp,
    /// The position before it.
    pub(crate) after: Position,
    /// The position of its last event.
    pub(crate) head: Position,
}

impl Answered {
    /// Returns the commit that answered the same request, if one did.
    pub(crate) fn find(
        &self,
        asked: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<Option<&Answer>, Rejection> {
        let Some(asked) = asked else { return Ok(None) };
        let kept = |answer: &&Answer| now < answer.recorded_at.after(Idempotency::KEPT_FOR);
        match self.keys.get(&asked.key).filter(kept) {
            None => Ok(None),
            Some(answer) if answer.body == asked.body => Ok(Some(answer)),
            Some(_) => Err(Rejection::KeyReused),
        }
    }

    /// Remembers the commit's key, and forgets those that are old by the commit's time.
    pub(crate) fn evolve(&mut self, commit: &Commit) {
        while let Some((recorded_at, key)) = self.oldest.first().copied() {
            if commit.recorded_at < recorded_at.after(Idempotency::KEPT_FOR) {
                break;
            }
            self.oldest.pop_first();
            self.keys.remove(&key);
        }
        let Some(Idempotency { key, body }) = commit.cause.idempotency else { return };
        let Commit { after, recorded_at, .. } = *commit;
        let answer = Answer { body, recorded_at, after, head: commit.head() };
        if let Some(earlier) = self.keys.insert(key, answer) {
            self.oldest.remove(&(earlier.recorded_at, key));
        }
        self.oldest.insert((recorded_at, key));
    }
}
