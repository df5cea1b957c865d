//! What a caller of the ledger can ask, whichever way it takes.

use std::time::Duration;

use anyhow::Result;
use edge_ledger_core::task::Payload;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One caller with one request in flight: an edge that works, and a submitter of tasks.
pub(super) trait Caller: 'static {
    /// Submits tasks, all in one request.
    async fn submit(&mut self, payloads: &[Payload]) -> Result<()>;

    /// Asks for a task. None if none waits.
    async fn lease(&mut self) -> Result<Option<Leased>>;

    /// Says that the work has begun.
    async fn start(&mut self, leased: &Leased) -> Result<()>;

    /// Says that the work is done.
    async fn complete(&mut self, leased: &Leased) -> Result<()>;
}

/// A task under a lease.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Leased {
    pub(super) id: String,
    pub(super) lease_token: u64,
}

/// A place where callers have a ledger to themselves.
pub(super) trait Target {
    type Caller: Caller;

    /// Lets so many callers in, each an edge of its own.
    async fn callers(&mut self, count: usize) -> Result<Vec<Self::Caller>>;

    /// Returns how much processor time the server has had.
    fn server_cpu(&self) -> Option<Duration>;

    /// Says in a few words what is measured.
    fn describe(&self) -> String;
}

/// Makes payloads of one size that a seed repeats.
#[derive(Debug)]
pub(super) struct Payloads {
    bytes: usize,
    state: u64,
}

impl Payloads {
    pub(super) const fn new(bytes: usize, seed: u64) -> Self {
        Self { bytes, state: seed }
    }

    /// Returns the next one: a JSON text of hexadecimal digits, which compresses to half at best.
    pub(super) fn next(&mut self) -> Payload {
        let mut text = String::with_capacity(self.bytes.max(2) + 16);
        text.push('"');
        while text.len() + 1 < self.bytes {
            text.push_str(&format!("{:016x}", self.random()));
        }
        text.truncate(self.bytes.max(2) - 1);
        text.push('"');
        Payload::new(RawValue::from_string(text).expect("hexadecimal digits in quotes are JSON"))
    }

    /// Returns so many of them.
    pub(super) fn batch(&mut self, count: usize) -> Vec<Payload> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Steps `SplitMix64`, by Steele, Lea and Flood.
    const fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_size_that_was_asked_for_and_a_seed_repeats_them() {
        for bytes in [2, 3, 16, 17, 256, 4_096] {
            let (mut first, mut second) = (Payloads::new(bytes, 7), Payloads::new(bytes, 7));

            let payloads = first.batch(2);

            assert_eq!(payloads[0].get().len(), bytes);
            assert_eq!(payloads, second.batch(2));
            assert!(bytes < 8 || payloads[0] != payloads[1], "{bytes}");
        }
    }
}
