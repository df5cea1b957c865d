//! What shows that the ledger keeps its word, and how fast it is.
//!
//! What others test with, too (scenarios, random histories, invariants, the reference model, the
//! contract of journals), is the [test kit](edge_ledger_testkit). Here is what needs our own sources
//! and files: the [`catalogue`] of names; and the [`workload`] of a fleet, which under a [`meter`]
//! tells how fast a ledger is.
pub use edge_ledger_testkit::{
    action, archive, book, history, invariant, journal_contract, model, scenario,
};

pub mod catalogue;

pub mod meter;
pub mod workload;
