//! The power is cut while commands make something that others will rely on: a backup, what is
//! restored of one, a copy in another store. Each is whole, or is not there.
//!
//! `EDGE_LEDGER_CUTS` says how often, a quarter of what it says; `EDGE_LEDGER_SEED` which of the cuts.

#[cfg(target_os = "linux")]
mod made;
#[cfg(target_os = "linux")]
mod workloads;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use workloads::WORKLOADS;

    if let Some(performed) = edge_ledger_power::perform(&WORKLOADS) {
        return performed;
    }
    let named = |filter: String| "what_a_command_made_is_whole_or_not_there".contains(&filter);
    if std::env::args().skip(1).find(|it| !it.starts_with('-')).is_none_or(named) {
        cut_each()?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn main() {
    eprintln!("NOT TESTED: power cuts, which need a preloaded recorder on Linux");
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "it is what tests do")]
fn cut_each() -> anyhow::Result<()> {
    use edge_ledger_power::{Exploration, explore};
    use workloads::WORKLOADS;

    let cuts = number("EDGE_LEDGER_CUTS")?.unwrap_or(320) / 4;
    let seed = number("EDGE_LEDGER_SEED")?.unwrap_or(1) as u64;
    let shares: usize = WORKLOADS.iter().map(|workload| workload.share).sum();
    let program = std::env::current_exe()?;
    let (mut states, mut failed) = (0, vec![]);
    for workload in WORKLOADS {
        let (program, cuts) = (program.clone(), cuts * workload.share / shares);
        let explored = explore(&Exploration { program, workload, cuts, seed, keep: None })?;
        states += explored.states;
        failed.extend(explored.failed.iter().map(|it| format!("{}: {it}", workload.name)));
    }
    println!("{states} states that a power cut could leave of {} commands", WORKLOADS.len());
    anyhow::ensure!(failed.is_empty(), "{} of them:\n{}", failed.len(), failed.join("\n"));
    anyhow::ensure!(states >= cuts / 2, "only {states} of {cuts} cuts left different states");
    Ok(())
}

#[cfg(target_os = "linux")]
fn number(variable: &str) -> anyhow::Result<Option<usize>> {
    Ok(std::env::var(variable).ok().map(|number| number.parse()).transpose()?)
}
