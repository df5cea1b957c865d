//! Records golden logs: real gateways, real agents and edges as simple as those in the field, each
//! run kept as a log. `fixtures/README.md` says how; nothing of it runs by itself.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod agents;
mod edges;
mod many;
mod operators;
mod stage;
