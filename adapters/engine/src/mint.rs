//! Mints ids: UUIDs of version 7, so that keys sort by age.
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use edge_ledger_core::{CommandId, CredentialId, EdgeId, TaskId, TokenId};
use uuid::Uuid;

/// Mints the id of a command: greater than the one before it in this process.
///
/// There is one in each commit, so it has no more randomness than it needs, and a log compresses
/// well: the 62 random bits of the version are drawn once for each process, and tell processes
/// apart; the time and a counter within it tell the ids of one process apart.
#[must_use]
pub fn command_id() -> CommandId {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().1);
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Ticks::of(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let next = |last: u64| now.0.max(last + 1);
    let last = LAST.fetch_update(Relaxed, Relaxed, |last| Some(next(last)));
    let tick = Ticks(last.map_or(now.0, next));
    CommandId::from_uuid(tick.uuid(*PROCESS))
}

/// Milliseconds since the Unix epoch, in 48 bits, and a counter in the 12 bits below. A counter
/// that overflows runs ahead into the next millisecond.
#[derive(Clone, Copy, Debug)]
struct Ticks(u64);

impl Ticks {
    const fn of(millis: u64) -> Self {
        Self(millis << 12)
    }

    /// Returns the id of version 7 that has these ticks and ends as the process does, whose bits
    /// are of the variant already.
    const fn uuid(self, process: u64) -> Uuid {
        let (millis, counter) = (self.0 >> 12, self.0 & 0xfff);
        Uuid::from_u64_pair(millis << 16 | 0x7000 | counter, process)
    }
}

/// Mints the id of a credential.
#[must_use]
pub fn credential_id() -> CredentialId {
    CredentialId::from_uuid(Uuid::now_v7())
}

/// Mints the id of an edge.
#[must_use]
pub fn edge_id() -> EdgeId {
    EdgeId::from_uuid(Uuid::now_v7())
}

/// Mints the id of a task whose submitter gave none.
#[must_use]
pub fn task_id() -> TaskId {
    TaskId::from_uuid(Uuid::now_v7())
}

/// Mints the id of an enrollment token.
#[must_use]
pub fn token_id() -> TokenId {
    TokenId::from_uuid(Uuid::now_v7())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread};

    use uuid::{Variant, Version};

    use super::*;

    #[test]
    fn ids_of_commands_are_of_version_7_grow_and_are_never_the_same() {
        let mint = || (0..20_000).map(|_| *command_id().as_uuid()).collect::<Vec<_>>();
        let minted = thread::scope(|scope| {
            [scope.spawn(mint), scope.spawn(mint)].map(|thread| thread.join().unwrap())
        });

        for ids in &minted {
            assert!(ids.is_sorted());
            for id in ids {
                assert_eq!(id.get_version(), Some(Version::SortRand));
                assert_eq!(id.get_variant(), Variant::RFC4122);
                assert_eq!(id.as_u64_pair().1, ids[0].as_u64_pair().1, "one process");
            }
        }
        assert_eq!(minted.concat().into_iter().collect::<BTreeSet<_>>().len(), 40_000);
    }

    #[test]
    fn an_id_of_a_command_tells_when_it_was_minted() {
        let id = Ticks(Ticks::of(1_700_000_000_123).0 + 5).uuid(Uuid::new_v4().as_u64_pair().1);

        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();

        assert_eq!((seconds, nanos / 1_000_000), (1_700_000_000, 123));
    }
}
