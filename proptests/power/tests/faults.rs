//! Calls fail at some point of a workload: it says why, and has kept what it promised.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
use std::path::Path;

use edge_ledger_power::{endure, workloads};

#[test]
fn a_full_disk_loses_nothing_that_was_answered() {
    endured("write ENOSPC", &[0, 1, 2, 5, 9, 30], "No space left on device");
}

#[test]
fn an_error_of_the_disk_loses_nothing_that_was_answered() {
    endured("write EIO", &[3, 20], "Input/output error");
    endured("flush EIO", &[0, 7], "Input/output error");
    endured("sync EIO", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 25], "Input/output error");
    endured("read EIO", &[0, 1, 3], "Input/output error");
}

#[test]
fn a_directory_that_takes_nothing_loses_nothing_that_was_answered() {
    endured("create EROFS", &[0, 1, 3], "Read-only file system");
    endured("name EACCES", &[0, 1, 2, 4], "Permission denied");
    endured("open EACCES", &[0, 2], "Permission denied");
    endured("open EMFILE", &[1, 3], "Too many open files");
}

#[test]
fn writes_that_are_taken_in_part_are_finished() {
    let told = told("write SHORT 0");
    assert_eq!(told, None);
}

/// Each of the calls that passes first is one more point at which they begin to fail.
fn endured(fault: &str, passing: &[u32], cause: &str) {
    for passing in passing {
        let fault = format!("{fault} {passing}");
        let told = told(&fault).unwrap_or_else(|| panic!("{fault} did not fail"));
        assert!(told.contains(cause) && told.contains("/root"), "{fault}: {told}");
    }
}

fn told(fault: &str) -> Option<String> {
    let workload = workloads::named("sled/reopen").expect("there is one");
    endure(Path::new(env!("CARGO_BIN_EXE_power")), workload, fault).unwrap()
}
