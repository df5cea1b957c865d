//! Readers of values: what a field may hold, as functions to be named beside the field.
use std::{fmt::Display, ops::RangeInclusive};

use edge_ledger_core::{CredentialId, EdgeId, Labels, Millis, TaskId, Timestamp, task::Payload};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Malformed,
    fields::{Fields, parse, unexpected},
    sound, surrogates,
};

/// What every reader returns.
type Read<T> = Result<T, Malformed>;

/// Reads a text whose number of characters is within bounds.
pub fn text(length: RangeInclusive<usize>) -> impl Fn(&RawValue) -> Read<Box<str>> {
    move |value| within(string(value)?, &length)
}

/// Reads a text without the white space around it, whose number of characters is within bounds.
pub fn trimmed(length: RangeInclusive<usize>) -> impl Fn(&RawValue) -> Read<Box<str>> {
    move |value| within(string(value)?.trim().to_owned(), &length)
}

/// Reads a text and keeps as many of its characters as there is room for.
pub fn cut(max: usize) -> impl Fn(&RawValue) -> Read<Box<str>> {
    move |value| Ok(first(&mended(value)?, max))
}

/// Reads a text, makes one space of any white space in it, and keeps as many of its characters as
/// there is room for.
pub fn collapsed(max: usize) -> impl Fn(&RawValue) -> Read<Box<str>> {
    move |value| {
        let words: Vec<_> = mended(value)?.split_whitespace().map(str::to_owned).collect();
        Ok(first(&words.join(" "), max))
    }
}

/// Reads a name of one of our own values, as in `BUSY`.
pub fn one_of<'a, T: Deserialize<'a>>(names: &str) -> impl Fn(&'a RawValue) -> Read<T> {
    move |value| parse(value, &format_args!("one of {names}"))
}

/// Reads `true` or `false`.
pub fn flag(value: &RawValue) -> Read<bool> {
    parse(value, &"true or false")
}

/// Reads a whole number that is not negative. `5.0` is one, as JavaScript and Python may write it.
pub fn count(value: &RawValue) -> Read<u64> {
    const EXPECTED: &str = "a whole number of at least 0";
    let whole = value.get().parse().ok();
    whole
        .or_else(|| integral(value).and_then(|number| u64::try_from(number).ok()))
        .ok_or_else(|| unexpected(value, &EXPECTED))
}

/// Reads a whole number within bounds.
pub fn integer<T>(range: RangeInclusive<T>) -> impl Fn(&RawValue) -> Read<T>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    move |value| {
        let whole = value.get().parse().ok().or_else(|| integral(value));
        let number = whole.and_then(|number: i64| T::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            unexpected(value, &format_args!("a whole number from {least} to {most}"))
        })
    }
}

/// Reads a whole number of seconds within bounds.
pub fn seconds(range: RangeInclusive<u64>) -> impl Fn(&RawValue) -> Read<Millis> {
    let number = integer(range);
    move |value| number(value).map(Millis::from_secs)
}

/// Reads a number that is not negative, and cuts off its fraction.
pub fn floored(value: &RawValue) -> Read<u64> {
    number(value)
        .and_then(|number| exact(number.floor()))
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| unexpected(value, &"a number of at least 0"))
}

/// Reads a list of numbers, which is kept byte for byte.
pub fn numbers(value: &RawValue) -> Read<Payload> {
    let _: Vec<f64> = parse(value, &"an array of numbers")?;
    any(value)
}

/// Reads an object, which is kept byte for byte.
pub fn object(value: &RawValue) -> Read<Payload> {
    match value.get().as_bytes().first() {
        Some(b'{') => any(value),
        Some(_) | None => Err(unexpected(value, &"an object")),
    }
}

/// Reads whatever is there, which is kept byte for byte. What a later reader would stumble over
/// (nested too deeply, numbers out of range, broken text) is refused now.
pub fn any(value: &RawValue) -> Read<Payload> {
    sound::check(value.get())
        .map_err(|error| Malformed::body(format_args!("malformed JSON: {error}")))?;
    Ok(Payload::new(value.to_owned()))
}

/// Reads a list of bounded length.
pub fn list<'a, T>(
    length: RangeInclusive<usize>,
    element: impl Fn(&'a RawValue) -> Read<T>,
) -> impl Fn(&'a RawValue) -> Read<Vec<T>> {
    move |value| {
        let (least, most) = (length.start(), length.end());
        let values: Vec<&'a RawValue> = parse(value, &"an array")?;
        if !length.contains(&values.len()) {
            let found = values.len();
            let problem = format_args!("expected {least} to {most} elements, found {found}");
            return Err(Malformed::body(problem));
        }
        let read = |(at, value)| element(value).map_err(|fault| fault.within(&format!("[{at}]")));
        values.into_iter().enumerate().map(read).collect()
    }
}

/// Reads an object of bounded size whose names are free, as labels are.
pub fn named<'a, T>(
    size: RangeInclusive<usize>,
    name_length: RangeInclusive<usize>,
    each: impl Fn(&'a RawValue) -> Read<T>,
) -> impl Fn(&'a RawValue) -> Read<Vec<(String, T)>> {
    move |value| {
        let fields = Fields::of_value(value)?;
        let read = |(name, value): (&str, &'a RawValue)| {
            let named = within(name.to_owned(), &name_length).and_then(|_| each(value));
            let value = named.map_err(|fault| fault.within(&first(name, *name_length.end())))?;
            Ok((name.to_owned(), value))
        };
        let read: Vec<_> = fields.all().map(read).collect::<Read<_>>()?;
        if !size.contains(&read.len()) {
            let (most, found) = (size.end(), read.len());
            return Err(Malformed::body(format_args!("expected at most {most}, found {found}")));
        }
        Ok(read)
    }
}

/// Reads labels: up to 32 names of up to 64 characters, with values of up to 256.
pub fn labels(value: &RawValue) -> Read<Labels> {
    let labels = named(0..=32, 1..=64, text(0..=256))(value)?;
    Ok(Labels(labels.into_iter().map(|(name, value)| (name, value.into())).collect()))
}

/// Reads the id of a credential.
pub fn credential_id(value: &RawValue) -> Read<CredentialId> {
    string(value)?.parse().map_err(|_| Malformed::body("expected the id of a credential, a UUID"))
}

/// Reads the id of an edge.
pub fn edge_id(value: &RawValue) -> Read<EdgeId> {
    string(value)?.parse().map_err(|_| Malformed::body("expected the id of an edge, a UUID"))
}

/// Reads the id of a task.
pub fn task_id(value: &RawValue) -> Read<TaskId> {
    TaskId::new(&string(value)?).map_err(Malformed::body)
}

/// Reads an instant.
pub fn time(value: &RawValue) -> Read<Timestamp> {
    string(value)?.parse().map_err(Malformed::body)
}

fn string(value: &RawValue) -> Read<String> {
    parse(value, &"a string")
}

/// Reads a text as a person would: where it was cut inside a character, there is a sign for that.
fn mended(value: &RawValue) -> Read<String> {
    string(value).or_else(|fault| match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(&surrogates::mend(value.get())).map_err(|_| fault),
        Some(_) | None => Err(fault),
    })
}

fn within(text: String, length: &RangeInclusive<usize>) -> Read<Box<str>> {
    let found = text.chars().count();
    if length.contains(&found) {
        return Ok(text.into());
    }
    let (least, most) = (length.start(), length.end());
    let problem = format_args!("expected {least} to {most} characters, found {found}");
    Err(Malformed::body(problem))
}

fn first(text: &str, max: usize) -> Box<str> {
    let end = text.char_indices().nth(max).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default().into()
}

fn integral(value: &RawValue) -> Option<i64> {
    number(value).filter(|number| number.fract() == 0.0).and_then(exact)
}

/// Reads a number to its last digit, which JSON readers that are in a hurry do not.
fn number(value: &RawValue) -> Option<f64> {
    value.get().parse().ok()
}

/// Floating point is exact only so far; beyond it nobody can say which number was meant.
fn exact(number: f64) -> Option<i64> {
    const MAX: f64 = 9_007_199_254_740_991.0;
    (number.abs() <= MAX).then_some(number as i64)
}
