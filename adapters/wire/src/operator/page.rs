//! Lists that come in pages.
use serde::{Deserialize, Serialize};

/// How many items a page has unless it is told.
pub const PAGE_DEFAULT: usize = 100;

/// The most items a page may have.
pub const PAGE_MAX: usize = 1_000;

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// What to ask for with `after` to get the next page; none if this is the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page off a list that is one item longer than the page if there is more to come.
    pub fn cut(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}
