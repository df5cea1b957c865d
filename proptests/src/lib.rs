//! What shows that the ledger keeps its word: scenarios that people read, random histories that
//! nobody could think of, and a reference model that is too simple to be wrong in the same way.
//!
//! A [`scenario`] is one command a line; what each makes happen is a snapshot. A [`history`] takes
//! random [`action`]s on a ledger and on the [`model`], checks every [`invariant`] after each
//! commit, and compares the two after each command. Both keep ledger and log in a [`book`].
//! The [`mod@journal_contract`] is what every journal is put to. The [`workload`] of a fleet, under
//! a [`meter`], tells how fast a ledger is.
pub mod scenario;

pub mod action;
pub mod history;
pub mod invariant;
pub mod model;

pub mod archive;
pub mod book;
pub mod catalogue;
pub mod golden;
pub mod hex;
pub mod journal_contract;

pub mod meter;
pub mod workload;
