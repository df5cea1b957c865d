//! A log folded from its beginning, with an account of it: what a snapshot keeps beside a log, so
//! that every later build can show that the log still means the same.
//!
//! [`Replay`] folds, [`Snapshot`] is what it came to in a form that people read and that stays, and
//! [`Difference`] is where two of them part.
mod difference;
mod snapshot;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Commit, Corruption, Digest, Ledger};

pub use difference::Difference;
pub use snapshot::{BadSnapshot, FORMAT, Snapshot};

/// A log as it is folded.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    ledger: Ledger,
    commits: u64,
    account: Option<Account>,
    file: Option<File>,
}

/// The bytes that a log was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// How many they are.
    pub bytes: u64,
    /// Their BLAKE3 digest.
    pub blake3: Digest,
}

impl File {
    /// Sums up the bytes of a file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blake3: Digest::of(bytes) }
    }
}

/// What was said on the way.
#[derive(Clone, Debug, Default)]
struct Account {
    events: BTreeMap<&'static str, u64>,
    /// Of the commits as one JSON array.
    said: blake3::Hasher,
}

impl Replay {
    /// Begins to fold, and to note all that a snapshot compares: slower by what it takes to write
    /// each commit as JSON.
    #[must_use]
    pub fn attentive() -> Self {
        Self { account: Some(Account::default()), ..Self::default() }
    }

    /// Says which file the log is in.
    #[must_use]
    pub fn of_file(self, file: File) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Goes on from a ledger that stands for the beginning of a log, instead of from nothing.
    #[must_use]
    pub fn starting_with(self, ledger: Ledger) -> Self {
        Self { ledger, ..self }
    }

    /// Folds the next commit in.
    ///
    /// # Errors
    ///
    /// Returns [`Corruption`] if it cannot follow the ones before; the replay must then be thrown
    /// away.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), Corruption> {
        self.ledger.apply(commit)?;
        self.commits += 1;
        if let Some(account) = &mut self.account {
            account.note(commit);
        }
        Ok(())
    }

    /// Returns the ledger, as the commits so far left it.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns how many commits there were.
    #[must_use]
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// Returns what it came to.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }
}

impl Account {
    fn note(&mut self, commit: &Commit) {
        for event in &commit.events {
            *self.events.entry(event.name()).or_insert(0) += 1;
        }
        let json = serde_json::to_vec(commit).expect("a commit is JSON");
        self.said.update(if self.said.count() == 0 { b"[" } else { b"," });
        self.said.update(&json);
    }

    fn said(&self) -> Digest {
        let mut said = self.said.clone();
        if said.count() == 0 {
            said.update(b"[");
        }
        Digest::from_bytes(*said.update(b"]").finalize().as_bytes())
    }
}
