//! Slots found by a name that their row has.
#![expect(clippy::disallowed_types, reason = "the one place that hides the order of a hash table")]
use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

use crate::table::Slot;

/// Slots by name. The names stay in the rows: whoever asks says how to read the name of a slot.
///
/// Names come from outside, so the hasher is the standard library's, keyed at random, which
/// resists chosen names. Nothing lists a lookup, so its order cannot show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    slots: HashTable<Slot>,
    hasher: RandomState,
}

impl Lookup {
    /// Finds the slot whose row has a name.
    pub(crate) fn find<N: Eq + Hash>(&self, name: N, name_of: impl Fn(Slot) -> N) -> Option<Slot> {
        self.slots.find(self.hasher.hash_one(&name), |slot| name_of(*slot) == name).copied()
    }

    /// Adds a slot whose row has a name that no other has.
    pub(crate) fn insert<N: Eq + Hash>(&mut self, slot: Slot, name_of: impl Fn(Slot) -> N) {
        let hash = self.hasher.hash_one(name_of(slot));
        self.slots.insert_unique(hash, slot, |slot| self.hasher.hash_one(name_of(*slot)));
    }

    /// Takes the slot out whose row has a name, while the row is still there.
    pub(crate) fn remove<N: Eq + Hash>(
        &mut self,
        name: N,
        name_of: impl Fn(Slot) -> N,
    ) -> Option<Slot> {
        let hash = self.hasher.hash_one(&name);
        let found = self.slots.find_entry(hash, |slot| name_of(*slot) == name);
        found.ok().map(|entry| entry.remove().0)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
