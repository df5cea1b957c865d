//! What a log comes to, as a file that lies beside it.
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Difference, File, Replay,
    difference::{Extra, between},
};
use crate::snapshot as stored;

/// The format of the file.
pub const FORMAT: u8 = 1;

/// What a log came to on some build: a JSON document that people read.
///
/// | field | is |
/// |---|---|
/// | `snapshot` | the format of the document, [`FORMAT`] |
/// | `keeps` | what a ledger keeps, as the number of its binary form, [`snapshot::FORMAT`](stored::FORMAT) |
/// | `file` | bytes and BLAKE3 of the file that the log is in, if it is in one |
/// | `commits`, `events` | how many there were; events by their names |
/// | `said` | BLAKE3 of the commits as one JSON array, lifted to the present format |
/// | `digest` | the ledger's digest |
/// | `ledger` | the ledger |
///
/// A later build may keep more of a ledger than this one. Its `keeps` is higher then, and what it
/// keeps beyond an old snapshot is passed over, as are `said` and `digest`; what the snapshot has
/// must be as it was, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(Map<String, Value>);

/// A text is no snapshot that this build can compare with.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// It is no JSON object.
    #[error("it is no JSON object")]
    Json(#[from] serde_json::Error),
    /// A field that every snapshot has is missing, or is something else.
    #[error("field {0} is missing, or is no such thing")]
    Field(&'static str),
    /// A later build wrote it.
    #[error("{field} is {found}, this build knows up to {known}: use a newer build")]
    TooNew {
        /// The field that says so.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What this build knows.
        known: u8,
    },
}

impl Snapshot {
    pub(super) fn of(replay: &Replay) -> Self {
        let Replay { ledger, commits, account, file } = replay;
        let mut fields = Map::new();
        fields.insert("snapshot".to_owned(), FORMAT.into());
        fields.insert("keeps".to_owned(), stored::FORMAT.into());
        fields.extend(file.map(|File { bytes, blake3 }| {
            ("file".to_owned(), json!({ "bytes": bytes, "blake3": blake3 }))
        }));
        fields.insert("commits".to_owned(), (*commits).into());
        if let Some(account) = account {
            fields.insert("events".to_owned(), json!(account.events));
            fields.insert("said".to_owned(), json!(account.said()));
        }
        fields.insert("digest".to_owned(), json!(ledger.digest()));
        fields.insert("ledger".to_owned(), json!(ledger));
        Self(fields)
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    ///
    /// Fails if it is none, or of a build later than this one.
    pub fn parse(text: &str) -> Result<Self, BadSnapshot> {
        let snapshot: Self = serde_json::from_str(text)?;
        for (field, known) in [("snapshot", FORMAT), ("keeps", stored::FORMAT)] {
            match snapshot.0.get(field).and_then(Value::as_u64) {
                None | Some(0) => return Err(BadSnapshot::Field(field)),
                Some(found) if found > known.into() => {
                    return Err(BadSnapshot::TooNew { field, found, known });
                }
                Some(_) => {}
            }
        }
        for field in ["commits", "events", "said", "digest", "ledger"] {
            if !snapshot.0.contains_key(field) {
                return Err(BadSnapshot::Field(field));
            }
        }
        Ok(snapshot)
    }

    /// Writes it for people, each value on a line of its own.
    ///
    /// # Panics
    ///
    /// Never: it is JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(&self.0).expect("a snapshot is JSON");
        text + "\n"
    }

    /// Finds the first difference of what was found from this, state first: what differs there is
    /// what people can read.
    ///
    /// The file is compared if both are of one; a copy of a log in another container is the same
    /// log.
    #[must_use]
    pub fn first_difference(&self, found: &Self) -> Option<Difference> {
        let keeps = |snapshot: &Self| snapshot.0.get("keeps").and_then(Value::as_u64);
        let same_build = keeps(self) == keeps(found);
        let fields: &[(&str, Extra)] = match same_build {
            true => &[
                ("ledger", Extra::Differs),
                ("events", Extra::Differs),
                ("commits", Extra::Differs),
                ("said", Extra::Differs),
                ("digest", Extra::Differs),
            ],
            false => &[
                ("ledger", Extra::Passes),
                ("events", Extra::Differs),
                ("commits", Extra::Differs),
            ],
        };
        let of = |name: &str, extra| {
            between(format!(".{name}"), self.0.get(name), found.0.get(name), extra)
        };
        let state = fields.iter().find_map(|(name, extra)| of(name, *extra));
        state.or_else(|| {
            let both = self.0.contains_key("file") && found.0.contains_key("file");
            both.then(|| of("file", Extra::Differs)).flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(fields: Value) -> Snapshot {
        let mut whole = json!({
            "snapshot": FORMAT, "keeps": stored::FORMAT, "commits": 2, "events": { "a.b": 2 },
            "said": "s", "digest": "d", "ledger": { "head": 2, "tasks": {} },
        });
        for (name, value) in fields.as_object().unwrap() {
            whole[name] = value.clone();
        }
        Snapshot::parse(&whole.to_string()).unwrap()
    }

    #[test]
    fn a_difference_of_state_is_told_before_one_of_digests() {
        let was = snapshot(json!({}));
        for (fields, path) in [
            (json!({}), None),
            (json!({ "digest": "e", "ledger": { "head": 3, "tasks": {} } }), Some(".ledger.head")),
            (json!({ "digest": "e", "said": "t" }), Some(".said")),
            (json!({ "file": { "bytes": 1 } }), None),
        ] {
            let found = was.first_difference(&snapshot(fields)).map(|found| found.path);
            assert_eq!(found.as_deref(), path);
        }
        let filed = snapshot(json!({ "file": { "bytes": 1 } }));
        let other = snapshot(json!({ "file": { "bytes": 2 } }));
        assert_eq!(filed.first_difference(&other).unwrap().path, ".file.bytes");
    }

    #[test]
    fn a_build_that_keeps_more_is_held_to_all_that_was_kept() {
        let was = snapshot(json!({ "keeps": 1 }));
        let more = json!({ "head": 2, "tasks": {}, "new": 1 });
        let found = was.first_difference(&snapshot(json!({ "ledger": more, "digest": "e" })));
        assert_eq!(found, None);
        let less = snapshot(json!({ "ledger": { "head": 2 } }));
        assert_eq!(was.first_difference(&less).unwrap().path, ".ledger.tasks");
    }

    #[test]
    fn what_a_later_build_wrote_is_refused_by_name() {
        let text = json!({ "snapshot": FORMAT, "keeps": stored::FORMAT + 1 }).to_string();
        let refused = Snapshot::parse(&text).unwrap_err().to_string();
        assert!(refused.starts_with("keeps is "), "{refused}");
        assert!(matches!(Snapshot::parse("{}"), Err(BadSnapshot::Field("snapshot"))));
        assert!(matches!(Snapshot::parse("[]"), Err(BadSnapshot::Json(_))));
    }
}
