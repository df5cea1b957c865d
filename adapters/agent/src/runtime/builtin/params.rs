//! The parameters of an optimisation, in the order in which they were written.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The parameters, each with the values it may have, in key order as written.
#[derive(Debug)]
pub(super) struct Params(pub(super) Vec<Param>);

/// One parameter.
#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) choices: Choices,
}

/// The values a parameter may have.
#[derive(Debug)]
pub(super) enum Choices {
    /// One of these.
    Listed(Vec<Box<RawValue>>),
    /// A number in a range.
    Between(Span),
}

/// A range of numbers, both ends included.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: Option<Step>,
}

/// The distance between the numbers of a range.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) size: f64,
    /// How many decimals the numbers have, if they are written without an exponent.
    pub(super) decimals: Option<usize>,
}

/// One value for each parameter, in key order.
#[derive(Debug, Clone)]
pub(super) struct Configuration(pub(super) Vec<(String, Box<RawValue>)>);

impl Params {
    /// Reads the parameters from a JSON object.
    pub(super) fn read(json: &RawValue) -> Result<Self, String> {
        let Ordered(entries) = serde_json::from_str(json.get())
            .map_err(|error| format!("optimizationParams: {error}"))?;
        entries.into_iter().map(Param::read).collect::<Result<_, _>>().map(Self)
    }
}

impl Param {
    fn read((name, json): (String, Box<RawValue>)) -> Result<Self, String> {
        match Choices::read(&json) {
            Ok(choices) => Ok(Self { name, choices }),
            Err(error) => Err(format!("optimizationParams.{name}: {error}")),
        }
    }
}

impl Choices {
    fn read(json: &RawValue) -> Result<Self, String> {
        match json.get().as_bytes().first() {
            Some(b'[') => match serde_json::from_str::<Vec<Box<RawValue>>>(json.get()) {
                Ok(values) if values.is_empty() => Err("an array without a value".to_owned()),
                Ok(values) => Ok(Self::Listed(values)),
                Err(error) => Err(error.to_string()),
            },
            Some(b'{') => Span::read(json).map(Self::Between),
            Some(_) | None => {
                Err(format!("expected an array of values or a range, found {}", json.get()))
            }
        }
    }
}

/// A range as written: `min` and `max`, or `low` and `high`; perhaps a `step`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanJson {
    #[serde(alias = "low")]
    min: Box<RawValue>,
    #[serde(alias = "high")]
    max: Box<RawValue>,
    #[serde(default)]
    step: Option<Box<RawValue>>,
}

impl Span {
    fn read(json: &RawValue) -> Result<Self, String> {
        let written: SpanJson =
            serde_json::from_str(json.get()).map_err(|error| format!("a range: {error}"))?;
        let (low, high) = (number(&written.min)?, number(&written.max)?);
        if low > high {
            return Err(format!("a range from {low} to {high}: the first is above the last"));
        }
        if !(high - low).is_finite() {
            return Err(format!("a range from {low:e} to {high:e} is too wide"));
        }
        let Some(step) = &written.step else {
            return Ok(Self { low, high, step: None });
        };
        match number(step)? {
            size if size > 0.0 => {
                let decimals = decimals(&written.min).zip(decimals(step)).map(|(a, b)| a.max(b));
                Ok(Self { low, high, step: Some(Step { size, decimals }) })
            }
            size => Err(format!("a step of {size}: expected a number above 0")),
        }
    }
}

fn number(json: &RawValue) -> Result<f64, String> {
    serde_json::from_str(json.get())
        .map_err(|_| format!("a range: expected a number, found {}", json.get()))
}

/// Returns how many decimals a number is written with, or nothing if it has an exponent.
fn decimals(json: &RawValue) -> Option<usize> {
    match json.get() {
        text if text.contains(['e', 'E']) => None,
        text => Some(text.split_once('.').map_or(0, |(_, behind)| behind.len())),
    }
}

/// A JSON object that keeps the order of its keys.
struct Ordered(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut entries: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if entries.iter().any(|(earlier, _)| *earlier == name) {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
            entries.push((name, value));
        }
        Ok(Ordered(entries))
    }
}

impl Serialize for Configuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Params, String> {
        Params::read(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn parameters_keep_the_order_they_were_written_in() {
        let params = read(r#"{"z":[1],"a":[2],"m":{"low":0,"high":1}}"#).unwrap();

        let names: Vec<_> = params.0.iter().map(|param| param.name.as_str()).collect();
        assert_eq!(names, ["z", "a", "m"]);
    }

    #[test]
    fn what_is_no_set_of_values_is_refused_by_name() {
        for (json, refusal) in [
            ("[1]", "optimizationParams: invalid type: sequence, expected an object of parameters"),
            (r#"{"a":[1],"a":[2]}"#, "optimizationParams: `a` is there twice"),
            (r#"{"a":[]}"#, "optimizationParams.a: an array without a value"),
            (r#"{"a":3}"#, "optimizationParams.a: expected an array of values or a range, found 3"),
            (r#"{"a":{"min":1}}"#, "optimizationParams.a: a range: missing field `max`"),
            (r#"{"a":{"min":1,"max":2,"log":true}}"#, "optimizationParams.a: a range: unknown"),
            (r#"{"a":{"min":2,"max":1}}"#, "optimizationParams.a: a range from 2 to 1: the first"),
            (r#"{"a":{"min":1,"max":2,"step":0}}"#, "optimizationParams.a: a step of 0: expected"),
            (
                r#"{"a":{"min":1,"max":2,"step":"b"}}"#,
                "optimizationParams.a: a range: expected a num",
            ),
            (r#"{"a":{"min":-1e308,"max":1e308}}"#, "optimizationParams.a: a range from -1e308"),
        ] {
            let refused = read(json).unwrap_err();
            assert!(refused.starts_with(refusal), "{json}: {refused}");
        }
    }

    #[test]
    fn the_numbers_of_a_range_have_the_decimals_they_are_written_with() {
        for (json, expected) in [
            (r#"{"a":{"min":1,"max":9.125,"step":2}}"#, Some(0)),
            (r#"{"a":{"low":1.5,"high":9,"step":0.25}}"#, Some(2)),
            (r#"{"a":{"min":1,"max":9,"step":1e-3}}"#, None),
        ] {
            let params = read(json).unwrap();
            let Choices::Between(Span { step: Some(step), .. }) = &params.0[0].choices else {
                panic!("{json} is a range with a step");
            };
            assert_eq!(step.decimals, expected, "{json}");
        }
    }
}
