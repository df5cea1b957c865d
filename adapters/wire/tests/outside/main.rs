//! How everything looks from outside: a name that changes here changes for agents in the field.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
mod edges;
mod events;
mod operators;
mod samples;
