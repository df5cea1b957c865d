//! Keyed rows whose order never depends on a hash.
use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    marker::PhantomData,
    mem,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

use crate::lookup::Lookup;

/// Rows looked up by key in constant time and listed in key order.
///
/// Two tables with the same rows are equal, list and serialize alike, whatever the order of
/// insertion: a replay, a snapshot and a planner all see the same ledger.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V, S = RandomState> {
    rows: Vec<Option<(K, V)>>,
    vacant: Vec<Slot>,
    by_key: Lookup<S>,
}

/// Where in its table a row is, for as long as it is there: what others keep instead of its key.
///
/// Which slot a row gets depends on what was there before it, so slots are never listed, compared
/// between tables, or written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("a table has fewer than 2^32 rows"))
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Table<K, V, S> {
    pub(crate) fn find(&self, key: &K) -> Option<Slot> {
        self.by_key.find(key, |slot| self.at(slot).is_some_and(|(there, _)| there == key))
    }

    /// Returns the row in a slot, together with its key.
    pub(crate) fn at(&self, slot: Slot) -> Option<(&K, &V)> {
        self.rows.get(slot.index())?.as_ref().map(|(key, row)| (key, row))
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> Option<&mut V> {
        self.rows.get_mut(slot.index())?.as_mut().map(|(_, row)| row)
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entry(key).map(|(_, row)| row)
    }

    /// Looks a row up together with the table's own key.
    pub(crate) fn entry(&self, key: &K) -> Option<(&K, &V)> {
        self.at(self.find(key)?)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.at_mut(self.find(key)?)
    }

    /// Adds a row, unless there is one that has its key.
    pub(crate) fn add(&mut self, key: K, row: V) -> Option<Slot> {
        if self.find(&key).is_some() {
            return None;
        }
        let slot = self.vacant.pop().unwrap_or_else(|| Slot::of(self.rows.len()));
        self.by_key.insert(&key, slot);
        match self.rows.get_mut(slot.index()) {
            Some(vacant) => *vacant = Some((key, row)),
            None => self.rows.push(Some((key, row))),
        }
        Some(slot)
    }

    /// Puts a row in, in place of the one that has its key; returns that one.
    pub(crate) fn insert(&mut self, key: K, row: V) -> Option<V> {
        match self.get_mut(&key) {
            Some(there) => Some(mem::replace(there, row)),
            None => {
                self.add(key, row);
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.find(key)?;
        self.by_key.remove(key, slot);
        self.vacant.push(slot);
        self.rows[slot.index()].take().map(|(_, row)| row)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.vacant.len()
    }

    /// Lists the slots that have a row. Their order is not that of anything.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        let taken = self.rows.iter().enumerate().filter(|(_, row)| row.is_some());
        taken.map(|(index, _)| Slot::of(index))
    }

    fn rows(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().flatten().map(|(key, row)| (key, row))
    }
}

impl<K: Ord + Hash, V, S: BuildHasher> Table<K, V, S> {
    /// Lists every row, in key order. Sorts: not for hot paths.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut rows: Vec<_> = self.rows().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows.into_iter()
    }
}

impl<K, V, S: Default> Default for Table<K, V, S> {
    fn default() -> Self {
        Self { rows: Vec::new(), vacant: Vec::new(), by_key: Lookup::default() }
    }
}

impl<K: Eq + Hash, V: PartialEq, S: BuildHasher> PartialEq for Table<K, V, S> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.rows().all(|(key, row)| other.get(key) == Some(row))
    }
}

impl<K: Eq + Hash, V: Eq, S: BuildHasher> Eq for Table<K, V, S> {}

impl<K: Ord + Hash + Serialize, V: Serialize, H: BuildHasher> Serialize for Table<K, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

impl<'de, K, V, S> Deserialize<'de> for Table<K, V, S>
where
    K: Eq + Hash + Deserialize<'de>,
    V: Deserialize<'de>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rows(PhantomData))
    }
}

struct Rows<K, V, S>(PhantomData<(K, V, S)>);

impl<'de, K, V, S> Visitor<'de> for Rows<K, V, S>
where
    K: Eq + Hash + Deserialize<'de>,
    V: Deserialize<'de>,
    S: BuildHasher + Default,
{
    type Value = Table<K, V, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut table = Table::default();
        while let Some((key, row)) = map.next_entry()? {
            table.insert(key, row);
        }
        Ok(table)
    }
}
