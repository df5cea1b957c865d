//! The book lists every event and every refusal, and nothing that there is not.
use std::collections::BTreeSet;

use edge_ledger_proptests::catalogue::{event_names, rejection_codes};

#[test]
fn every_event_is_in_the_catalogue_and_nothing_else_is() {
    let listed = first_cells(include_str!("../../docs/EVENTS.md"));
    let names = listed.into_iter().filter(|name| name.contains('.')).collect::<BTreeSet<_>>();
    assert_eq!(names, event_names());
}

#[test]
fn every_refusal_is_in_the_list_of_errors() {
    let listed = first_cells(include_str!("../../docs/ERRORS.md"));
    let missing: Vec<_> =
        rejection_codes().into_iter().filter(|code| !listed.contains(code)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// Lists the names in backticks that begin the rows of a document's tables.
fn first_cells(document: &str) -> BTreeSet<&str> {
    document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}
