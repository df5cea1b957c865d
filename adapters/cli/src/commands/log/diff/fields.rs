//! How two commits differ, field by field, under the names that an export has for them.

use edge_ledger_core::{Commit, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// A field that is not the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Which, as in `events[0].task.what.leased.edge`.
    pub(super) field: String,
    /// What it is in the first; none if it is not there.
    pub(super) a: Option<String>,
    /// What it is in the second.
    pub(super) b: Option<String>,
}

/// Lists the fields in which two commits differ.
pub(super) fn differences(a: &Commit, b: &Commit) -> Vec<Difference> {
    let mut found = Vec::new();
    // JSON that cannot be taken apart, as a number without bounds in a payload, is shown whole.
    match (serde_json::to_value(a), serde_json::to_value(b)) {
        (Ok(a), Ok(b)) => compare("", Some(&a), Some(&b), &mut found),
        (Ok(_) | Err(_), _) => {
            let text = |commit| serde_json::to_string(commit).ok();
            found.push(Difference { field: "commit".to_owned(), a: text(a), b: text(b) });
        }
    }
    found
}

fn compare(field: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Difference>) {
    match (a, b) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for name in a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))) {
                let within =
                    if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                compare(&within, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                compare(&format!("{field}[{at}]"), a.get(at), b.get(at), found);
            }
        }
        (a, b) => {
            let text = |value: Option<&Value>| value.map(|value| text(field, value));
            found.push(Difference { field: field.to_owned(), a: text(a), b: text(b) });
        }
    }
}

fn text(field: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if field.ends_with("_at") => match number.as_i64() {
            Some(millis) => Timestamp::from_millis(millis).to_string(),
            None => number.to_string(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_named_with_both_sides() {
        let a = json!({ "after": 1, "recorded_at": 0, "events": [{ "x": 1 }, { "y": [1] }] });
        let b = json!({ "after": 1, "recorded_at": 9, "events": [{ "x": 2, "z": "new" }] });
        let mut found = Vec::new();

        compare("", Some(&a), Some(&b), &mut found);

        let told: Vec<_> = found
            .iter()
            .map(|found| (found.field.as_str(), found.a.as_deref(), found.b.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("events[0].x", Some("1"), Some("2")),
                ("events[0].z", None, Some("new")),
                ("events[1]", Some(r#"{"y":[1]}"#), None),
                ("recorded_at", Some("1970-01-01T00:00:00.000Z"), Some("1970-01-01T00:00:00.009Z")),
            ]
        );
    }
}
