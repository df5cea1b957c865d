//! What is wrong with a request that is no command at all.
use std::fmt;

/// A request cannot be read as what its route takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Malformed {
    /// Where the fault is, as in `results[3].configId`; empty if it is the body as a whole.
    pub field: String,
    /// What was expected, and what was found.
    pub problem: String,
}

impl Malformed {
    /// Returns a fault of the body as a whole.
    pub fn body(problem: impl fmt::Display) -> Self {
        Self { field: String::new(), problem: problem.to_string() }
    }

    /// Returns a fault of a field.
    pub fn field(field: &str, problem: impl fmt::Display) -> Self {
        Self { field: field.to_owned(), problem: problem.to_string() }
    }

    /// Returns the fault as it is seen from outside: what was `configId` is `results[3].configId`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let joint = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{outer}{joint}{}", self.field), problem: self.problem }
    }

    fn text(&self) -> String {
        let Self { field, problem } = self;
        if field.is_empty() { problem.clone() } else { format!("{field}: {problem}") }
    }
}
