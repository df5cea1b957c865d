//! Heartbeats: keeping a lease while the work goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_ledger_core::task::TaskStatus;
use tokio::sync::watch;

use crate::lease::LeaseClock;
use crate::link::{Heard, Link, Refusal, RefusalKind};
use crate::notice::Observer;
use crate::persist::persist;
use crate::runtime::{Job, Progress};

/// Why work on a task cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The lease is another's, or nobody's.
    Lost { reason: String },
    /// The task is finished: it is what this status says.
    Over { status: TaskStatus },
    /// The gateway does not know this edge any more.
    Unknown(Refusal),
    /// The gateway will never take what the edge says.
    Fault { error: String },
    /// The edge is shutting down.
    Closing,
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        let Refusal { kind, detail } = refusal;
        match kind {
            RefusalKind::NotFound | RefusalKind::Conflict => Self::Lost { reason: detail },
            RefusalKind::Unauthorized | RefusalKind::Forbidden => {
                Self::Unknown(Refusal { kind, detail })
            }
            RefusalKind::TooLarge | RefusalKind::Unfit => Self::Fault { error: detail },
        }
    }
}

/// What keeps the lease of one task.
#[derive(Debug)]
pub(crate) struct Heart {
    link: Link,
    observer: Observer,
    job: Arc<Job>,
    progress: watch::Receiver<Progress>,
    lease: watch::Sender<LeaseClock>,
    beat_at: Instant,
}

impl Heart {
    pub(crate) fn new(
        link: Link,
        observer: Observer,
        job: Arc<Job>,
        progress: watch::Receiver<Progress>,
        lease: LeaseClock,
    ) -> Self {
        let (lease, _) = watch::channel(lease);
        Self { link, observer, job, progress, lease, beat_at: Instant::now() }
    }

    /// Returns the lease, as it is extended.
    pub(crate) fn lease(&self) -> watch::Receiver<LeaseClock> {
        self.lease.subscribe()
    }

    /// Beats once, and returns whether the work may go on.
    pub(crate) async fn beat(&mut self) -> Result<(), Ending> {
        let every = self.lease.borrow().beat_every();
        let within = every.max(ANSWER_WITHIN);
        let progress = self.progress.borrow().clone();
        let heard = persist(&self.observer, "heartbeat", every / 2, || {
            self.link.heartbeat(&self.job, &progress, within)
        });
        match heard.await? {
            Heard::Extended { asked_at, length } => {
                self.lease.send_modify(|lease| *lease = lease.extended(asked_at, length));
                self.beat_at = asked_at + self.lease.borrow().beat_every();
                Ok(())
            }
            Heard::Over { status } => Err(Ending::Over { status }),
        }
    }

    /// Beats until the work may not go on, and returns why.
    pub(crate) async fn beat_on(mut self) -> Ending {
        loop {
            tokio::time::sleep_until(self.beat_at.into()).await;
            if let Err(ending) = self.beat().await {
                return ending;
            }
        }
    }
}

/// The least time an answer to a heartbeat gets.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Returns once a lease is about to run out, by the edge's own clock.
pub(crate) async fn ran_out(mut lease: watch::Receiver<LeaseClock>) -> Ending {
    loop {
        let stop_at = lease.borrow_and_update().stop_at();
        let extended = async {
            // Nobody extends it any more: it still has to run out.
            if lease.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(stop_at.into()) => {
                let reason = "it was about to run out, and the gateway could not be asked";
                return Ending::Lost { reason: reason.to_owned() };
            }
            () = extended => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_becomes_of_the_work() {
        let detail = "why".to_owned();
        let ending = |kind| Ending::from(Refusal { kind, detail: detail.clone() });

        for kind in [RefusalKind::NotFound, RefusalKind::Conflict] {
            assert_eq!(ending(kind), Ending::Lost { reason: detail.clone() });
        }
        for kind in [RefusalKind::Unauthorized, RefusalKind::Forbidden] {
            assert!(matches!(ending(kind), Ending::Unknown(_)), "{kind:?}");
        }
        for kind in [RefusalKind::TooLarge, RefusalKind::Unfit] {
            assert_eq!(ending(kind), Ending::Fault { error: detail.clone() });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_runs_out_before_its_end_unless_it_is_extended() {
        let (asked, second) = (tokio::time::Instant::now(), Duration::from_secs(1));
        let (lease, watched) = watch::channel(LeaseClock::granted(asked.into(), 30 * second));
        let over = tokio::spawn(ran_out(watched));

        tokio::time::sleep(20 * second).await;
        let later = asked + 20 * second;
        lease.send_modify(|lease| *lease = lease.extended(later.into(), 30 * second));
        tokio::time::sleep(10 * second).await;
        assert!(!over.is_finished());

        assert!(matches!(over.await.unwrap(), Ending::Lost { .. }));
        assert_eq!(asked.elapsed().as_secs(), 47);
    }
}
