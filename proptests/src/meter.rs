//! What a measurement reads: time on the processor, and memory.
use std::{
    fs,
    time::{Duration, Instant},
};

/// A stopwatch for the work of this thread.
#[derive(Debug, Default)]
pub struct Meter {
    total: Reading,
    begun: Option<(Instant, Option<Duration>)>,
}

/// How long something took, by the clock and, where the kernel tells, on a processor.
#[derive(Debug, Default)]
struct Reading {
    wall: Duration,
    on_cpu: Duration,
}

impl Meter {
    /// Begins a new measurement.
    #[must_use]
    pub fn begin() -> Self {
        let mut meter = Self::default();
        meter.go();
        meter
    }

    /// Goes on after a stop.
    pub fn go(&mut self) {
        self.begun = Some((Instant::now(), on_cpu()));
    }

    /// Stops, so that what follows is not measured.
    pub fn stop(&mut self) {
        if let Some((wall, cpu)) = self.begun.take() {
            let wall = wall.elapsed();
            self.total.wall += wall;
            self.total.on_cpu += on_cpu().zip(cpu).map_or(wall, |(now, then)| now - then);
        }
    }

    /// Stops, and says how fast something was done so many times: by the time that this thread had
    /// a processor where the kernel tells, so that a busy machine shows less; else by the clock.
    #[must_use]
    pub fn rate(mut self, what: &str, times: u64) -> String {
        self.stop();
        let (nanos, wall) = (self.total.on_cpu.as_nanos() as f64, self.total.wall.as_secs_f64());
        let (each, second) = (nanos / times as f64, times as f64 * 1e9 / nanos);
        format!("{second:>11.1} a second: {what} ({each:.0} ns; {wall:.1} s by the clock)")
    }
}

/// Returns how many bytes of memory this process has now, where the kernel tells.
#[must_use]
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Returns for how long this thread has had a processor, where the kernel tells.
#[must_use]
pub fn on_cpu() -> Option<Duration> {
    let nanos = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    nanos.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
