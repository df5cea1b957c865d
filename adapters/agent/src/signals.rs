//! The signals that end an agent.

use std::io;

use tokio::sync::oneshot;

use crate::agent::{AgentError, run};
use crate::config::Config;
use crate::notice::Observer;

/// Runs an agent until it is signalled: the first signal lets it finish or give back its work, the
/// second ends it at once.
///
/// # Errors
///
/// Why the agent cannot go on, or that it was signalled twice. Whatever it was working on is
/// stopped; its lease runs out.
pub async fn run_until_signalled(config: Config, observer: Observer) -> Result<(), AgentError> {
    let mut signals = Signals::listen().map_err(AgentError::Signals)?;
    let (ask, asked) = oneshot::channel();
    let twice = async {
        signals.next().await;
        // Nobody hears it only when the agent is at its end anyway.
        let _ = ask.send(());
        signals.next().await;
    };
    tokio::select! {
        ended = run(config, observer, async { drop(asked.await) }) => ended,
        () = twice => Err(AgentError::Interrupted),
    }
}

/// The signals by which people and supervisors end a process.
#[cfg(unix)]
#[derive(Debug)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The signal by which people end a process.
#[cfg(not(unix))]
#[derive(Debug)]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
