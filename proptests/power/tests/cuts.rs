//! The power is cut during everything that promises something.
//!
//! `EDGE_LEDGER_CUTS` says how often, 310 times if it does not; `EDGE_LEDGER_SEED` which of the cuts.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
use std::{env, path::Path};

use edge_ledger_power::{
    Exploration, Explored, explore,
    workloads::{CONTROL, WORKLOADS, Workload},
};

#[test]
fn what_was_answered_before_a_power_cut_is_there_after_it() {
    let cuts = number("EDGE_LEDGER_CUTS").unwrap_or(310);
    let shares: usize = WORKLOADS.iter().map(|workload| workload.share).sum();
    let mut states = 0;
    let mut failed = vec![];
    for workload in WORKLOADS {
        let explored = cut(*workload, cuts * workload.share / shares);
        states += explored.states;
        failed.extend(explored.failed.iter().map(|it| format!("{}: {it}", workload.name)));
    }

    assert!(failed.is_empty(), "{} of {states} states:\n{}", failed.len(), failed.join("\n"));
    assert!(states >= cuts * 5 / 7, "only {states} of {cuts} cuts left different states");
}

#[test]
fn a_store_that_does_not_sync_is_found_to_lose_what_it_answered() {
    let explored = cut(CONTROL, 24);

    let lost = explored.failed.iter().filter(|it| it.why.contains("appends were answered, 0 are"));
    assert!(lost.count() > explored.states / 3, "{explored:#?}");
}

fn cut(workload: Workload, cuts: usize) -> Explored {
    let program = Path::new(env!("CARGO_BIN_EXE_power")).to_path_buf();
    let seed = number("EDGE_LEDGER_SEED").unwrap_or(1);
    explore(&Exploration { program, workload, cuts, seed: seed as u64, keep: None }).unwrap()
}

fn number(variable: &str) -> Option<usize> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}
