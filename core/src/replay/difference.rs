//! Where two documents part, in words.
use std::fmt;

use serde_json::Value;

/// The first place at which what was found is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The way there, as jq writes it: `.ledger.tasks["job"].state`.
    pub path: String,
    /// What was expected there; nothing if none.
    pub expected: Option<Value>,
    /// What was found there; nothing if none.
    pub found: Option<Value>,
}

/// What is found beyond what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// It is a difference.
    Differs,
    /// It is passed over, where it is a field of an object.
    Passes,
}

/// A value longer than this is cut when it is shown, in characters.
const SHOWN_MAX: usize = 400;

impl Difference {
    /// Finds the first difference of two documents, fields in the order of their names.
    #[must_use]
    pub fn first(expected: &Value, found: &Value) -> Option<Self> {
        between(String::new(), Some(expected), Some(found), Extra::Differs)
    }
}

/// Finds the first difference below a path.
pub(super) fn between(
    path: String,
    expected: Option<&Value>,
    found: Option<&Value>,
    extra: Extra,
) -> Option<Difference> {
    match (expected, found) {
        (None, None) => None,
        (None, Some(_)) if extra == Extra::Passes => None,
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let mut names: Vec<_> = ours.keys().chain(theirs.keys()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().find_map(|name| {
                between(field(&path, name), ours.get(name), theirs.get(name), extra)
            })
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            let places = 0..ours.len().max(theirs.len());
            places.into_iter().find_map(|at| {
                let (ours, theirs) = (ours.get(at), theirs.get(at));
                // One element more is never just one field more.
                let extra = if ours.is_none() { Extra::Differs } else { extra };
                between(format!("{path}[{at}]"), ours, theirs, extra)
            })
        }
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (expected, found) => {
            Some(Difference { path, expected: expected.cloned(), found: found.cloned() })
        }
    }
}

fn field(path: &str, name: &str) -> String {
    let is_word = |text: &str| {
        let first = text.starts_with(|found: char| found.is_ascii_alphabetic() || found == '_');
        first && text.chars().all(|found| found.is_ascii_alphanumeric() || found == '_')
    };
    match is_word(name) {
        true => format!("{path}.{name}"),
        false => format!("{path}[{}]", Value::from(name)),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found } = self;
        let path = if path.is_empty() { "." } else { path };
        write!(f, "{path}\n  expected: {}\n  found:    {}", shown(expected), shown(found))
    }
}

fn shown(value: &Option<Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_by_its_path_with_both_sides() {
        let was = json!({ "tasks": { "a-1": { "rows": [1, 2], "state": "held" } }, "z": 1 });
        for (now, told) in [
            (was.clone(), None),
            (
                json!({ "tasks": { "a-1": { "rows": [1, 3], "state": "over" } }, "z": 2 }),
                Some(".tasks[\"a-1\"].rows[1]\n  expected: 2\n  found:    3"),
            ),
            (
                json!({ "tasks": { "a-1": { "rows": [1, 2] } }, "z": 1 }),
                Some(".tasks[\"a-1\"].state\n  expected: \"held\"\n  found:    nothing"),
            ),
            (
                json!({ "tasks": { "a-1": { "rows": [1, 2, 3], "state": "held" } }, "z": 1 }),
                Some(".tasks[\"a-1\"].rows[2]\n  expected: nothing\n  found:    3"),
            ),
            (
                json!([]),
                Some(
                    ".\n  expected: {\"tasks\":{\"a-1\":{\"rows\":[1,2],\"state\":\"held\"}},\"z\":1}\n  found:    []",
                ),
            ),
        ] {
            let found = Difference::first(&was, &now).map(|difference| difference.to_string());
            assert_eq!(found.as_deref(), told, "{now}");
        }
    }

    #[test]
    fn what_is_kept_beyond_is_passed_over_only_as_a_field() {
        let passes = |was: Value, now: Value| {
            between(String::new(), Some(&was), Some(&now), Extra::Passes).is_none()
        };
        assert!(passes(json!({ "a": 1 }), json!({ "a": 1, "b": 2 })));
        assert!(!passes(json!({ "a": 1, "b": 2 }), json!({ "a": 1 })));
        assert!(!passes(json!({ "a": [1] }), json!({ "a": [1, 2] })));
    }

    #[test]
    fn a_long_value_is_cut() {
        let difference = Difference::first(&json!("x".repeat(1_000)), &json!(1)).unwrap();
        assert!(difference.to_string().contains("… (1002 bytes)"), "{difference}");
    }
}
