//! Every name of an event and every code of a refusal, as core's source spells them: a name that
//! is added there is in these lists at once.
use std::collections::BTreeSet;

const EVENTS: &str = include_str!("../../core/src/event.rs");
const REJECTIONS: &str = include_str!("../../core/src/rejection.rs");

/// Lists the names that `Event::name` can return.
#[must_use]
pub fn event_names() -> BTreeSet<&'static str> {
    literals(EVENTS, "name")
}

/// Lists the codes that `Rejection::code` can return.
#[must_use]
pub fn rejection_codes() -> BTreeSet<&'static str> {
    literals(REJECTIONS, "code")
}

/// Lists the text literals in the body of one function.
fn literals(source: &'static str, function: &str) -> BTreeSet<&'static str> {
    let begins = format!("pub const fn {function}(&self)");
    let body = source.split_once(&begins).map_or("", |(_, body)| body);
    let body = body.split_once("\n    }\n").map_or(body, |(body, _)| body);
    body.split('"').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_the_source() {
        assert!(event_names().contains("task.leased"), "{:?}", event_names());
        assert!(rejection_codes().contains("task_lease_lost"), "{:?}", rejection_codes());
        assert!(rejection_codes().iter().all(|code| !code.contains(' ')));
    }
}
