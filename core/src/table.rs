//! Keyed rows whose order never depends on a hash.
#![expect(clippy::disallowed_types, reason = "the one place that hides the order of a hash map")]
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows looked up by key in constant time and listed in key order.
///
/// Two tables with the same rows list and serialize alike, whatever the order of insertion:
/// a replay, a snapshot and a planner all see the same ledger. Keys come from outside, so the
/// hasher is the standard library's, which resists chosen keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table<K: Eq + Hash, V> {
    rows: HashMap<K, V>,
}

impl<K: Clone + Ord + Hash, V> Table<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Looks a row up together with the table's own key.
    pub(crate) fn entry(&self, key: &K) -> Option<(&K, &V)> {
        self.rows.get_key_value(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, row: V) -> Option<V> {
        self.rows.insert(key, row)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.rows.remove(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Lists every row, in key order. Sorts: not for hot paths.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows.into_iter()
    }
}

impl<K: Eq + Hash, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: HashMap::default() }
    }
}

impl<K: Clone + Ord + Hash + Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

impl<'de, K: Ord + Hash + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = BTreeMap::deserialize(deserializer)?;
        Ok(Self { rows: rows.into_iter().collect() })
    }
}
