//! The edge daemon of an edge-ledger: asks for work, runs it, keeps its lease, reports.

pub mod runtime;
