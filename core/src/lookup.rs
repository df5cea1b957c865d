//! Slots found by a name that their row has.
#![expect(clippy::disallowed_types, reason = "the one place that hides the order of a hash table")]
use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

use crate::table::Slot;

/// Slots by name. The names stay in the rows: whoever looks one up says whether a slot has it.
///
/// Names from outside are hashed as the standard library does it, keyed at random, which resists
/// chosen names; [`Minted`](crate::minted::Minted) ids need less. Nothing lists a lookup, so its
/// order cannot show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup<S = RandomState> {
    /// Each with the hash of its name, so that growing reads no rows.
    slots: HashTable<(Hash32, Slot)>,
    hasher: S,
}

impl<S: BuildHasher> Lookup<S> {
    /// Finds the slot that has a name.
    pub(crate) fn find<N: Hash + ?Sized>(
        &self,
        name: &N,
        has: impl Fn(Slot) -> bool,
    ) -> Option<Slot> {
        let hash = self.hash(name);
        let found = self.slots.find(hash.spread(), |(other, slot)| *other == hash && has(*slot));
        found.map(|(_, slot)| *slot)
    }

    /// Adds a slot under a name that no other has.
    pub(crate) fn insert<N: Hash + ?Sized>(&mut self, name: &N, slot: Slot) {
        let hash = self.hash(name);
        self.slots.insert_unique(hash.spread(), (hash, slot), |(hash, _)| hash.spread());
    }

    /// Takes out a slot that is under a name.
    pub(crate) fn remove<N: Hash + ?Sized>(&mut self, name: &N, slot: Slot) {
        let found = self.slots.find_entry(self.hash(name).spread(), |(_, other)| *other == slot);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    fn hash<N: Hash + ?Sized>(&self, name: &N) -> Hash32 {
        Hash32((self.hasher.hash_one(name) >> 32) as u32)
    }
}

/// Half of a hash: as much as is worth keeping beside a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash32(u32);

impl Hash32 {
    /// Fills a whole hash: the table takes its place from the low bits and a tag from the high.
    const fn spread(self) -> u64 {
        self.0 as u64 | (self.0 as u64) << 32
    }
}
