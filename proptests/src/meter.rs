//! What a measurement reads: time on the processor, and memory.
use std::{fs, time::Instant};

/// A stretch of work on this thread, from its making.
#[derive(Debug)]
pub struct Meter {
    wall: Instant,
    on_cpu: Option<u64>,
}

impl Meter {
    /// Begins.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "making one begins the measurement")]
    pub fn new() -> Self {
        Self { wall: Instant::now(), on_cpu: on_cpu() }
    }

    /// Says how fast something was done so many times. Where the kernel tells, by the time that
    /// this thread had a processor, so that a busy machine shows less; else by the clock.
    #[must_use]
    pub fn rate(&self, what: &str, times: u64) -> String {
        let wall = self.wall.elapsed().as_nanos() as f64;
        let nanos = self.on_cpu.zip(on_cpu()).map_or(wall, |(then, now)| (now - then) as f64);
        let (each, second) = (nanos / times as f64, times as f64 * 1e9 / nanos);
        format!("{second:>9.0} a second: {what} ({each:.0} ns; {:.1} s by the clock)", wall / 1e9)
    }
}

/// Returns how many bytes of memory this process has now, where the kernel tells.
#[must_use]
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

fn on_cpu() -> Option<u64> {
    let nanos = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    nanos.split(' ').next()?.parse().ok()
}
