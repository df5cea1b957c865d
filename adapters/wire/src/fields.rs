//! The fields of a JSON object, read one by one, so that whatever is wrong is told by name.
use std::{cell::Cell, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::Malformed;

/// A JSON object whose fields have not been looked at.
///
/// `null` is the same as missing, everywhere. A name that comes twice is refused: nobody can say
/// which of the two was meant.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    fields: BTreeMap<String, Field<'a>>,
    twice: Option<String>,
}

#[derive(Clone, Debug)]
struct Field<'a> {
    value: &'a RawValue,
    known: Cell<bool>,
}

impl<'a> Fields<'a> {
    /// Reads a whole body. What nobody asks for may hold what it likes.
    ///
    /// # Errors
    ///
    /// Returns where the body stops being JSON, or that it is no object.
    pub fn of_body(body: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body)
            .map_err(|error| Malformed::body(format_args!("body is not UTF-8: {error}")))?;
        if text.trim_ascii().is_empty() {
            return Err(Malformed::body("body is empty, expected a JSON object"));
        }
        serde_json::from_str::<&RawValue>(text)
            .map_err(|error| Malformed::body(format_args!("malformed JSON: {error}")))?;
        Self::of(text).map_err(|fault| match fault {
            Malformed { field, problem } if field.is_empty() => {
                Malformed::body(format_args!("body: {problem}"))
            }
            fault @ Malformed { .. } => fault,
        })
    }

    /// Reads an object inside a body.
    ///
    /// # Errors
    ///
    /// Returns what was found instead of an object, or which name it has twice.
    pub fn of_value(value: &'a RawValue) -> Result<Self, Malformed> {
        Self::of(value.get())
    }

    fn of(text: &'a str) -> Result<Self, Malformed> {
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Malformed::body(format_args!("expected an object, found {}", Found(text))));
        }
        let fields: Self = serde_json::from_str(text)
            .map_err(|error| Malformed::body(format_args!("malformed JSON: {error}")))?;
        match &fields.twice {
            Some(name) => Err(Malformed::field(name, "is there twice")),
            None => Ok(fields),
        }
    }

    /// Reads a field, if it is there.
    ///
    /// # Errors
    ///
    /// Returns what the reader found wrong with its value, under the field's name.
    pub fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        let value = self.get(name);
        value.map(read).transpose().map_err(|fault| fault.within(name))
    }

    /// Reads a field that must be there.
    ///
    /// # Errors
    ///
    /// Returns that it is missing, or what the reader found wrong with its value.
    pub fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        self.optional(name, read)?.ok_or_else(|| Malformed::field(name, "is missing"))
    }

    /// Reads a field, or does as if it were not there if its value will not do.
    pub fn lenient<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Malformed>,
    ) -> Option<T> {
        self.get(name).and_then(|value| read(value).ok())
    }

    /// Returns whether a field is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Refuses fields that nobody has asked for so far.
    ///
    /// # Errors
    ///
    /// Names the first of them.
    pub fn no_others(&self) -> Result<(), Malformed> {
        match self.fields.iter().find(|(_, field)| !field.known.get()) {
            Some((name, _)) => Err(Malformed::field(name, "is not a field of this request")),
            None => Ok(()),
        }
    }

    /// Returns whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Lists every field that has a value, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields.keys().filter_map(|name| Some((name.as_str(), self.get(name)?)))
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let field = self.fields.get(name)?;
        field.known.set(true);
        Some(field.value).filter(|value| value.get() != "null")
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;

        impl<'de> Visitor<'de> for ByName {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut fields, mut twice) = (BTreeMap::new(), None);
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    let field = Field { value, known: Cell::new(false) };
                    if fields.insert(name.clone(), field).is_some() {
                        twice.get_or_insert(name);
                    }
                }
                Ok(Fields { fields, twice })
            }
        }

        deserializer.deserialize_map(ByName)
    }
}

/// Says what kind of JSON was found, and a number or a word as it is. Text is not repeated: it may
/// be long, or secret.
#[derive(Debug)]
pub(crate) struct Found<'a>(pub(crate) &'a str);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_ascii();
        match text.as_bytes().first() {
            Some(b'{') => f.write_str("an object"),
            Some(b'[') => f.write_str("an array"),
            Some(b'"') => f.write_str("a string"),
            Some(_) if text.len() <= 40 => f.write_str(text),
            Some(_) | None => f.write_str("a long number"),
        }
    }
}

pub(crate) fn parse<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    expected: &dyn fmt::Display,
) -> Result<T, Malformed> {
    serde_json::from_str(value.get()).map_err(|_| unexpected(value, expected))
}

pub(crate) fn unexpected(value: &RawValue, expected: &dyn fmt::Display) -> Malformed {
    Malformed::body(format_args!("expected {expected}, found {}", Found(value.get())))
}
