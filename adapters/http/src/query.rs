//! What stands behind the question mark.
use std::{cell::RefCell, collections::BTreeMap, fmt, str::FromStr};

use actix_web::{HttpRequest, web::Query};
use edge_ledger_core::past::Moment;
use edge_ledger_wire::{
    Malformed,
    operator::{PAGE_DEFAULT, PAGE_MAX},
};

/// Parameters that have not been looked at.
#[derive(Debug)]
pub(crate) struct Parameters(RefCell<BTreeMap<String, String>>);

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// The position after which it begins.
    pub(crate) after: u64,
    /// The most items it may have.
    pub(crate) limit: usize,
}

/// When to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Option<Moment>);

/// Reads a request's parameters.
pub(crate) fn parameters(request: &HttpRequest) -> Result<Parameters, Malformed> {
    let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|error| Malformed::body(format_args!("query: {error}")))?;
    let mut parameters = BTreeMap::new();
    for (name, value) in pairs.into_inner() {
        if parameters.insert(name.clone(), value).is_some() {
            return Err(Malformed::field(&name, "is in the query twice"));
        }
    }
    Ok(Parameters(RefCell::new(parameters)))
}

impl Parameters {
    /// Reads a parameter, if it is there.
    pub(crate) fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Malformed> {
        let value = self.0.borrow_mut().remove(name);
        let value = value.as_deref().map(read).transpose();
        value.map_err(|problem| Malformed::field(name, problem))
    }

    /// Refuses parameters that nobody has asked for so far.
    pub(crate) fn no_others(&self) -> Result<(), Malformed> {
        match self.0.borrow().keys().next() {
            Some(name) => Err(Malformed::field(name, "is not a parameter of this route")),
            None => Ok(()),
        }
    }
}

/// Reads whatever can be parsed, and says what was expected if it cannot.
pub(crate) fn parsed<T: FromStr>(
    expected: impl fmt::Display,
) -> impl FnOnce(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| format!("expected {expected}, found {text:?}"))
}

/// Reads one of our own words, as in `ONLINE`, in either case.
pub(crate) fn word<T: serde::de::DeserializeOwned>(
    expected: &str,
) -> impl FnOnce(&str) -> Result<T, String> {
    move |text| {
        let upper = text.to_ascii_uppercase();
        let value = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&upper);
        T::deserialize(value).map_err(|_| format!("expected one of {expected}, found {text:?}"))
    }
}

impl TryFrom<&Parameters> for Paging {
    type Error = Malformed;

    fn try_from(parameters: &Parameters) -> Result<Self, Malformed> {
        let after = parameters.optional("after", parsed("the `next` of the page before"))?;
        Ok(Self { after: after.unwrap_or(0), limit: limit(parameters)? })
    }
}

/// Reads how many items a page may have.
pub(crate) fn limit(parameters: &Parameters) -> Result<usize, Malformed> {
    let limit = parameters.optional("limit", |text| {
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
        limit.ok_or_else(|| format!("expected a number from 1 to {PAGE_MAX}, found {text:?}"))
    })?;
    Ok(limit.unwrap_or(PAGE_DEFAULT))
}

impl TryFrom<&Parameters> for At {
    type Error = Malformed;

    fn try_from(parameters: &Parameters) -> Result<Self, Malformed> {
        let moment = parameters.optional("at", |text| {
            text.parse().map_err(|error| format!("{error}, found {text:?}"))
        })?;
        Ok(Self(moment))
    }
}

/// No parameters at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare;

impl TryFrom<&Parameters> for Bare {
    type Error = Malformed;

    fn try_from(_: &Parameters) -> Result<Self, Malformed> {
        Ok(Self)
    }
}
