//! The agent's life: become somebody, ask for work, do it, ask again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::about;
use crate::config::Config;
use crate::identity::{StateDir, StateError};
use crate::link::{Health, Link, Refusal, RefusalKind, Transport, TransportError};
use crate::notice::{Notice, Observer, Outcome};
use crate::persist::{WAIT_MOST, persist};
use crate::presence;
use crate::registration::{NotRegistered, identify};
use crate::work::Desk;

/// Runs an agent until `shutdown` comes and its work is finished or given back.
///
/// # Errors
///
/// Why the agent cannot go on. Whatever it was working on is stopped; its lease runs out.
pub async fn run(
    config: Config,
    observer: Observer,
    shutdown: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    let closing = CancellationToken::new();
    let life = live(config, observer.clone(), closing.clone());
    let asked_to_end = async {
        shutdown.await;
        observer.tell(&Notice::Closing);
        closing.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = life => ended,
        () = asked_to_end => Ok(()),
    }
}

async fn live(
    config: Config,
    observer: Observer,
    closing: CancellationToken,
) -> Result<(), AgentError> {
    let state = StateDir::open(&config.state_dir)?;
    let transport = Transport::new(&config.gateway)?;
    let identity = tokio::select! {
        () = closing.cancelled() => return Ok(()),
        identity = identify(&state, &transport, &config, &observer) => identity?,
    };
    let link = Link::new(transport, identity);

    let (health, told) = watch::channel(Health::Idle);
    let presence = presence::report(link.clone(), observer.clone(), told, config.poll_every);
    let presence = AbortOnDropHandle::new(tokio::spawn(presence));
    let desk =
        Desk { link, runtime: Arc::clone(&config.runtime), observer, closing, grace: config.grace };
    let unknown = |refusal| AgentError::unknown(refusal, state.identity_path());
    tokio::select! {
        ended = serve(&desk, &health, config.poll_every) => ended.map_err(unknown),
        // A report that ends otherwise than by a refusal has panicked.
        refusal = presence => Err(match refusal {
            Ok(refusal) => unknown(refusal),
            Err(error) => AgentError::Broken(error),
        }),
    }
}

/// Asks for work and does it, until the agent is asked to end.
///
/// # Errors
///
/// The refusal, once the gateway does not know this edge any more.
async fn serve(
    desk: &Desk,
    health: &watch::Sender<Health>,
    poll_every: Duration,
) -> Result<(), Refusal> {
    let mut failed = false;
    loop {
        let asked = persist(&desk.observer, "tasks/next", WAIT_MOST, || desk.link.next());
        let answer = tokio::select! {
            biased;
            () = desk.closing.cancelled() => return Ok(()),
            answer = asked => answer,
        };
        match answer {
            Ok(Some(granted)) => {
                let task_id = granted.job.task_id.clone();
                desk.observer.tell(&Notice::Started {
                    task_id: task_id.clone(),
                    name: granted.name.clone(),
                    attempt: granted.job.attempt,
                    lease_token: granted.job.lease_token,
                });
                health.send_replace(Health::Busy { task_id: task_id.clone() });
                let outcome = desk.work_on(granted).await?;
                failed = matches!(outcome, Outcome::Failed { .. });
                health.send_replace(after(&task_id, &outcome));
                desk.observer.tell(&Notice::Ended { task_id, outcome });
                continue;
            }
            Ok(None) => {
                // The poll right after a failure leaves it standing, for somebody to see.
                if !std::mem::take(&mut failed) {
                    health.send_if_modified(make_idle);
                }
                desk.observer.tell(&Notice::Idle);
            }
            Err(refusal) if refusal.is_final() => return Err(refusal),
            Err(Refusal { detail, .. }) => {
                health.send_replace(Health::Error { last_error: detail.clone() });
                desk.observer.tell(&Notice::Refused { what: "tasks/next", detail });
            }
        }
        tokio::select! {
            () = desk.closing.cancelled() => return Ok(()),
            () = tokio::time::sleep(about(poll_every, &mut rand::rng())) => {}
        }
    }
}

/// Returns whether it was not idle before.
fn make_idle(health: &mut Health) -> bool {
    std::mem::replace(health, Health::Idle) != Health::Idle
}

/// Returns how an edge is after work.
fn after(task_id: &str, outcome: &Outcome) -> Health {
    match outcome {
        Outcome::Failed { error } => {
            Health::Error { last_error: format!("task {task_id}: {error}") }
        }
        Outcome::Done | Outcome::Lost { .. } | Outcome::Cancelled | Outcome::GivenBack => {
            Health::Idle
        }
    }
}

/// Why an agent cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// It cannot know who it is.
    #[error(transparent)]
    State(#[from] StateError),
    /// It has no way to the gateway.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It is nobody to the gateway, and cannot become somebody.
    #[error(transparent)]
    NotRegistered(#[from] NotRegistered),
    /// Its credential does not hold any more.
    #[error(
        "the gateway refuses this edge's credential: {detail}; if it was revoked on purpose, \
         move {} away and start again with a new enrollment token",
        identity.display()
    )]
    Unauthorized {
        /// Why, in the gateway's words.
        detail: String,
        /// Where the credential is kept.
        identity: PathBuf,
    },
    /// The edge is disabled.
    #[error("the gateway refuses this edge: {detail}; an operator has to enable it")]
    Forbidden {
        /// Why, in the gateway's words.
        detail: String,
    },
    /// It cannot hear the signals that would end it.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A part of it broke.
    #[error("a part of the agent broke off")]
    Broken(#[source] tokio::task::JoinError),
    /// It was told twice to end, and did so without finishing or giving back its work.
    #[error("ended at once, as asked twice; its lease runs out by itself")]
    Interrupted,
}

impl AgentError {
    fn unknown(refusal: Refusal, identity: PathBuf) -> Self {
        let Refusal { kind, detail } = refusal;
        match kind {
            RefusalKind::Unauthorized => Self::Unauthorized { detail, identity },
            RefusalKind::Forbidden
            | RefusalKind::NotFound
            | RefusalKind::Conflict
            | RefusalKind::TooLarge
            | RefusalKind::Unfit => Self::Forbidden { detail },
        }
    }
}
