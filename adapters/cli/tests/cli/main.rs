//! The binary, as a user runs it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod archive;
mod asking_the_past;
mod backup;
mod beginning;
mod bench;
mod coming_back;
mod cuts;
#[cfg(target_os = "linux")]
mod demo;
mod exports;
mod gateway;
mod house;
mod replay;
mod settings;
mod stores;
mod usage;
