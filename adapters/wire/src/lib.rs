//! Placeholder.

pub mod optimization;
