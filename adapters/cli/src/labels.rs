//! Labels as people write them.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Serialize, Serializer};

/// A label, as in `gpu=a100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    name: String,
    value: String,
}

/// A text is no label.
#[derive(Debug, thiserror::Error)]
#[error("expected a label as in gpu=a100, found {0:?}")]
pub(crate) struct BadLabel(String);

impl FromStr for Label {
    type Err = BadLabel;

    fn from_str(text: &str) -> Result<Self, BadLabel> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            Some(_) | None => Err(BadLabel(text.to_owned())),
        }
    }
}

impl Label {
    /// Returns labels as a gateway reads them.
    pub(crate) fn object(labels: &[Self]) -> BTreeMap<&str, &str> {
        labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect()
    }

    /// Writes labels as a gateway reads them.
    pub(crate) fn as_object<S: Serializer>(
        labels: &[Self],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Self::object(labels).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_a_name_and_a_value() {
        let labels: Vec<Label> = ["b=1=2", "a="].map(|text| text.parse().unwrap()).into();

        let json = serde_json::to_string(&Label::object(&labels)).unwrap();

        assert_eq!(json, r#"{"a":"","b":"1=2"}"#);
        for text in ["gpu", "=a100", ""] {
            assert!(text.parse::<Label>().is_err(), "{text:?}");
        }
    }
}
