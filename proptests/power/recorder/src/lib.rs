//! Stands in for the functions of libc that change files, in a process that preloads it: below one
//! directory it writes down what they do, in one order, and fails them on demand.
//!
//! | variable | what it says |
//! |---|---|
//! | `EDGE_LEDGER_POWER_ROOT` | the directory that is watched, as its canonical path; without it nothing is |
//! | `EDGE_LEDGER_POWER_LOG` | the file that gets the [records](record::Record); none are written without it |
//! | `EDGE_LEDGER_POWER_FAULTS` | a file that says what fails, read anew before each call; it need not be there |
//!
//! A line of the last reads `write ENOSPC 3 journal/db`: calls of that kind on paths that contain the
//! text fail, once three have passed. The kinds are `open`, `create` (opened to be written), `read`,
//! `write`, `flush` (`sync_file_range`), `sync`, `resize` and `name` (rename, link, remove, make a
//! directory). For an error, `SHORT` lets a write take half of its bytes.
//!
//! While records are written nothing is really synced: what is durable is the reader's to say, and
//! a disk is slow. Not seen are mapped memory and calls that go past libc; whoever replays the
//! records has to compare the outcome with what is on disk.
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod fault;
pub mod record;
#[cfg(target_os = "linux")]
mod watch;
