//! Labels: what an edge offers and a task requires.
use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// Names with values, in name order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Labels(pub BTreeMap<String, String>);

impl Labels {
    /// Returns whether every label that `requires` names is here with the same value.
    #[must_use]
    pub fn meet(&self, requires: &Self) -> bool {
        requires.0.iter().all(|(name, value)| self.0.get(name) == Some(value))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&pairs.join(","))
    }
}
