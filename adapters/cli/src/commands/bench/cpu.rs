//! Processor time, as Linux counts it. Elsewhere nothing is known.

use std::{fs, time::Duration};

/// The kernel counts in hundredths of a second for everybody, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// Returns the processor time of this process.
pub(super) fn of_this_process() -> Option<Duration> {
    of("self")
}

/// Returns the processor time of a process.
pub(super) fn of_process(id: u32) -> Option<Duration> {
    of(&id.to_string())
}

/// Returns how much memory a process has in use, in bytes.
pub(super) fn memory_of_process(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn of(process: &str) -> Option<Duration> {
    used(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// Reads a `stat` line: behind the name, which may hold anything, user and system time are the
/// twelfth and thirteenth word.
fn used(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut words = behind_name.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 99 0 0";

        assert_eq!(used(stat), Some(Duration::from_secs(3)));
        assert_eq!(used("7 (cut"), None);
    }
}
