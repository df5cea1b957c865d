//! Typed identifiers. They are minted by adapters or supplied by callers; core only compares them.
use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use uuid::Uuid;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $tag:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                state.write(self.0.as_bytes());
            }
        }

        impl $name {
            /// Wraps an id minted outside core.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the untyped id, for keys and wire formats.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($tag, ":{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

typed_id! {
    /// Identifies one edge for its whole life. The wire calls it `workerId`.
    EdgeId, "edge"
}
typed_id! {
    /// Identifies one credential of an edge.
    CredentialId, "credential"
}
typed_id! {
    /// Identifies one enrollment token.
    TokenId, "token"
}
typed_id! {
    /// Identifies one command, as its sender sees it.
    CommandId, "command"
}

/// Identifies one task, across all of its runs and attempts.
///
/// A task id is text, 1 to [`TaskId::LEN_MAX`] characters of `[A-Za-z0-9._:-]`, chosen by the
/// submitter or minted for it. One that is a UUID in its usual lower-case form takes 16 bytes and
/// no allocation; both kinds read, print and compare as the text they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Repr {
    Uuid(Uuid),
    Text(Box<str>),
}

/// A text cannot be a task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTaskId {
    /// Its length is out of bounds.
    #[error("a task id has 1 to {max} characters, found {0}", max = TaskId::LEN_MAX)]
    Length(usize),
    /// It holds a character that ids may not hold.
    #[error("a task id holds only letters, digits, '.', '_', ':' and '-', found {0:?}")]
    Character(char),
}

impl TaskId {
    /// The most characters a task id may have.
    pub const LEN_MAX: usize = 128;

    /// Wraps an id minted outside core.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(Repr::Uuid(uuid))
    }

    /// Parses a task id.
    ///
    /// # Errors
    ///
    /// Returns what keeps the text from being a task id.
    pub fn new(text: &str) -> Result<Self, BadTaskId> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
        if let Some(found) = text.chars().find(|c| !legal(*c)) {
            return Err(BadTaskId::Character(found));
        }
        if text.is_empty() || text.len() > Self::LEN_MAX {
            return Err(BadTaskId::Length(text.len()));
        }
        Ok(match canonical_uuid(text) {
            Some(uuid) => Self::from_uuid(uuid),
            None => Self(Repr::Text(text.into())),
        })
    }
}

/// Reads a UUID only from the one form in which it is printed.
fn canonical_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (*uuid.hyphenated().encode_lower(&mut buffer) == *text).then_some(uuid)
}

impl Hash for TaskId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Uuid(uuid) => state.write(uuid.as_bytes()),
            Repr::Text(text) => text.hash(state),
        }
    }
}

impl FromStr for TaskId {
    type Err = BadTaskId;

    fn from_str(text: &str) -> Result<Self, BadTaskId> {
        Self::new(text)
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let compact = match &self.0 {
            Repr::Uuid(uuid) => Compact::Uuid(*uuid),
            Repr::Text(text) => Compact::Text(text),
        };
        compact.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = Box::<str>::deserialize(deserializer)?;
            return Self::new(&text).map_err(D::Error::custom);
        }
        match Compact::deserialize(deserializer)? {
            Compact::Uuid(uuid) => Ok(Self::from_uuid(uuid)),
            Compact::Text(text) => Self::new(text).map_err(D::Error::custom),
        }
    }
}

/// A task id for machines.
#[derive(Serialize, Deserialize)]
enum Compact<'a> {
    Uuid(Uuid),
    Text(&'a str),
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Uuid(uuid) => uuid.fmt(f),
            Repr::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_reads_back_as_the_text_it_was() {
        for text in [
            "job-1",
            "a.b_c:d-E9",
            "0190b2a4-7d3e-7c11-9f5a-1c2b3d4e5f60",
            "0190B2A4-7D3E-7C11-9F5A-1C2B3D4E5F60",
            "0190b2a47d3e7c119f5a1c2b3d4e5f60",
        ] {
            assert_eq!(TaskId::new(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_task_id_is_refused_with_its_fault() {
        let long = "x".repeat(TaskId::LEN_MAX + 1);
        let cases = [
            ("", BadTaskId::Length(0)),
            (long.as_str(), BadTaskId::Length(TaskId::LEN_MAX + 1)),
            ("a b", BadTaskId::Character(' ')),
            ("../x", BadTaskId::Character('/')),
            ("é", BadTaskId::Character('é')),
        ];
        for (text, fault) in cases {
            assert_eq!(TaskId::new(text), Err(fault), "{text:?}");
        }
        assert!(TaskId::new(&"x".repeat(TaskId::LEN_MAX)).is_ok());
    }
}
