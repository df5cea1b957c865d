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
    endured("sync EIO", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 25], "Input/output error");
    endured("read EIO", &[0, 1, 3], "Input/output error");
    endured_by(&["sled/reopen"], "flush EIO", &[0, 7], "Input/output error");
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
    for workload in EACH {
        assert_eq!(told(workload, "write SHORT 0"), None, "{workload}");
    }
}

const EACH: &[&str] = &["sled/reopen", "segments/reopen", "segments/archive"];

fn endured(fault: &str, passing: &[u32], cause: &str) {
    endured_by(EACH, fault, passing, cause);
}

/// Each of the calls that passes first is one more point at which they begin to fail.
fn endured_by(workloads: &[&str], fault: &str, passing: &[u32], cause: &str) {
    for workload in workloads {
        for passing in passing {
            let fault = format!("{fault} {passing}");
            let told = told(workload, &fault);
            let told = told.unwrap_or_else(|| panic!("{workload}, {fault}: it did not fail"));
            let names_both = told.contains(cause) && told.contains("/root");
            assert!(names_both, "{workload}, {fault}: {told}");
        }
    }
}

fn told(workload: &str, fault: &str) -> Option<String> {
    let workload = workloads::named(workload).expect("there is one");
    endure(Path::new(env!("CARGO_BIN_EXE_power")), workload, fault).unwrap()
}
