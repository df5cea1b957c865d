//! One setting, and where its value comes from.

use serde::Serialize;
use serde_json::Value;

/// A setting with its value.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    key: &'static str,
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// A variable of the environment; or a flag, where there are any.
    Environment,
    /// The configuration file.
    File,
    /// Nobody said anything.
    Default,
}

/// A setting as `config show` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: &'static str,
    pub(crate) value: Value,
    pub(crate) from: Origin,
}

impl Shown {
    /// Returns whether a variable of the environment holds a secret, and nothing of it.
    pub(crate) fn secret(variable: &'static str) -> Self {
        match std::env::var_os(variable).is_some_and(|secret| !secret.is_empty()) {
            true => Self { key: variable, value: "(set)".into(), from: Origin::Environment },
            false => Self { key: variable, value: Value::Null, from: Origin::Default },
        }
    }
}

impl<T> Setting<T> {
    /// Settles what a setting is.
    pub(crate) fn settle(
        key: &'static str,
        given: Option<T>,
        filed: Option<T>,
        default: impl FnOnce() -> T,
    ) -> Self {
        match (given, filed) {
            (Some(value), _) => Self { key, value, origin: Origin::Environment },
            (None, Some(value)) => Self { key, value, origin: Origin::File },
            (None, None) => Self { key, value: default(), origin: Origin::Default },
        }
    }

    /// Settles a setting that need not be.
    pub(crate) fn settle_any(
        key: &'static str,
        given: Option<T>,
        filed: Option<T>,
    ) -> Setting<Option<T>> {
        Setting::settle(key, given.map(Some), filed.map(Some), || None)
    }
}

impl<T: Serialize> Setting<T> {
    /// Returns the setting for people to see.
    pub(crate) fn shown(&self) -> Shown {
        let value = serde_json::to_value(&self.value)
            .unwrap_or_else(|error| Value::String(error.to_string()));
        Shown { key: self.key, value, from: self.origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_beats_the_file_and_the_file_beats_the_default() {
        for (given, filed, value, origin) in [
            (Some(1), Some(2), 1, Origin::Environment),
            (Some(1), None, 1, Origin::Environment),
            (None, Some(2), 2, Origin::File),
            (None, None, 3, Origin::Default),
        ] {
            let setting = Setting::settle("n", given, filed, || 3);
            assert_eq!((setting.value, setting.origin), (value, origin), "{given:?} {filed:?}");
        }
    }
}
