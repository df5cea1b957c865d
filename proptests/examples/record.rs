//! Turns scenarios into a golden log, on standard output:
//! `cargo run -p edge-ledger-proptests --example record -- SCENARIO…`.
//!
//! The scenarios are played one after the other, as one ledger. A log that is there already is
//! never written again: see `fixtures/README.md`.
#![allow(clippy::print_stdout, reason = "this is what it is for")]
use edge_ledger_core::golden;
use edge_ledger_testkit::scenario;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    let scripts = paths.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let run = scenario::run(&scripts.join("\n"));
    let about = scripts.first().and_then(|script| script.lines().next()).unwrap_or_default();
    print!("{}", golden::write(about.trim_start_matches(['#', ' ']), run.book.log()));
    Ok(())
}
