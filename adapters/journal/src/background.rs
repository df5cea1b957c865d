//! Threads whose work nobody waits for.
use std::{
    io,
    thread::{self, JoinHandle},
};

/// Starts a thread for work that nobody waits for: where processors are scarce, others come first.
///
/// Without that, a snapshot on two busy cores makes requests wait for tens of milliseconds. Only
/// Linux has a priority for each thread; elsewhere it is one like any other.
///
/// # Errors
///
/// Fails if there can be no thread.
pub fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(|| {
        give_way();
        work()
    })
}

#[cfg(target_os = "linux")]
fn give_way() {
    /// Of -20 to 19: a tenth of what a thread at 0 gets where both want the same processor, so
    /// that the work ends even where there is never a pause.
    const NICE: i32 = 10;

    // Without a process it is about the calling thread, and whoever may not be nicer may be as is.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(error = %error, "a thread in the background is as urgent as any");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}
