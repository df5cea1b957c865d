//! One file a command: its flags, what it does, what it prints.

pub(crate) mod agent;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod bisect;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod edge;
pub(crate) mod liveness;
pub(crate) mod log;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod task;
pub(crate) mod token;
pub(crate) mod what_if;
