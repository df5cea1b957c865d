//! Work on one task, from its lease to its verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::batch::Batch;
use crate::heart::{Ending, Heart, ran_out};
use crate::lease::LeaseClock;
use crate::link::{Granted, Link, Refusal};
use crate::notice::{Notice, Observer, Outcome};
use crate::runtime::{Job, Progress, Report, Runtime, Work};
use crate::teller::Teller;

/// Where tasks are worked on, one after the other.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) link: Link,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) observer: Observer,
    pub(crate) closing: CancellationToken,
    pub(crate) grace: Duration,
}

impl Desk {
    /// Works on a task until nothing of the work runs any more, and returns how it ended.
    ///
    /// # Errors
    ///
    /// The refusal, if the gateway does not know this edge any more; the work is stopped.
    pub(crate) async fn work_on(&self, granted: Granted) -> Result<Outcome, Refusal> {
        let Granted { trials, lease, job, .. } = granted;
        let job = Arc::new(job);
        let (progress, told) = watch::channel(at_first(trials));
        let (link, observer) = (self.link.clone(), self.observer.clone());
        let teller = Teller::new(link.clone(), observer.clone(), Arc::clone(&job));
        let mut heart = Heart::new(link, observer, Arc::clone(&job), told, lease);
        let lease = heart.lease();

        // The gateway has to know that the work has begun before it can be told of its end.
        let begun = tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(Ending::Closing),
            ending = ran_out(lease.clone()) => Err(ending),
            beat = heart.beat() => beat,
        };
        let ended = match begun {
            Ok(()) => self.run(&job, &teller, &progress, heart, lease.clone()).await,
            Err(ending) => Err(ending),
        };
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(ending) => conclude(&teller, ending, lease).await,
        }
    }

    /// Runs a task until its verdict is told or the work has to stop, and then stops it.
    async fn run(
        &self,
        job: &Job,
        teller: &Teller,
        progress: &watch::Sender<Progress>,
        heart: Heart,
        lease: watch::Receiver<LeaseClock>,
    ) -> Result<Outcome, Ending> {
        let mut work = self.runtime.start(job.clone());
        // Beats on its own, whatever keeps this side busy.
        let beating = AbortOnDropHandle::new(tokio::spawn(heart.beat_on()));
        let ended = tokio::select! {
            biased;
            ending = ran_out(lease) => Err(ending),
            ending = beating => Err(ending.unwrap_or_else(stopped)),
            () = self.out_of_grace() => Err(Ending::Closing),
            told = self.pass_on(teller, progress, &mut work) => told,
        };
        work.stopped().await;
        ended
    }

    /// Passes on what the work reports until its verdict is told.
    async fn pass_on(
        &self,
        teller: &Teller,
        progress: &watch::Sender<Progress>,
        work: &mut Work,
    ) -> Result<Outcome, Ending> {
        let mut batch = Batch::default();
        loop {
            let report = tokio::select! {
                report = work.next() => report,
                () = until(batch.due_at()) => {
                    teller.rows(batch.take()).await?;
                    continue;
                }
            };
            match report {
                Some(Report::Progress(now)) => {
                    let task_id = teller.task_id();
                    self.observer.tell(&Notice::Progressed { task_id, progress: now.clone() });
                    progress.send_replace(now);
                }
                Some(Report::Row(row)) => teller.rows(batch.add(row, Instant::now())).await?,
                Some(Report::Complete { best_config_ids }) => {
                    teller.rows(batch.take()).await?;
                    let progress = progress.borrow().clone();
                    return teller.complete(&best_config_ids, &progress).await;
                }
                Some(Report::Failed { error, retryable }) => {
                    teller.rows(batch.take()).await?;
                    return teller.fail(error, retryable).await;
                }
                None => {
                    teller.rows(batch.take()).await?;
                    return teller.fail("the work ended without a verdict".to_owned(), true).await;
                }
            }
        }
    }

    async fn out_of_grace(&self) {
        self.closing.cancelled().await;
        tokio::time::sleep(self.grace).await;
    }
}

fn at_first(trials: u64) -> Progress {
    let trial_progress = Some("started".to_owned());
    Progress { processed: 0, total: trials, current_config: None, trial_progress }
}

fn stopped(error: tokio::task::JoinError) -> Ending {
    Ending::Fault { error: format!("the edge's heartbeats broke off: {error}") }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// Tells the gateway, where it does not know, why the work has stopped.
async fn conclude(
    teller: &Teller,
    ending: Ending,
    lease: watch::Receiver<LeaseClock>,
) -> Result<Outcome, Refusal> {
    let (told, meant) = match ending {
        Ending::Lost { reason } => return Ok(Outcome::Lost { reason }),
        Ending::Over { status } => return Ok(Outcome::from(status)),
        Ending::Unknown(refusal) => return Err(refusal),
        Ending::Fault { error } => {
            let meant = Outcome::Failed { error: error.clone() };
            (teller.fail(error, false), meant)
        }
        Ending::Closing => {
            (teller.fail("edge is shutting down".to_owned(), true), Outcome::GivenBack)
        }
    };
    tokio::select! {
        told = told => match told {
            Ok(_) => Ok(meant),
            Err(Ending::Lost { reason }) => Ok(Outcome::Lost { reason }),
            Err(Ending::Over { status }) => Ok(Outcome::from(status)),
            Err(Ending::Unknown(refusal)) => Err(refusal),
            // A lease that nobody gives back runs out.
            Err(Ending::Fault { .. } | Ending::Closing) => Ok(meant),
        },
        _ = ran_out(lease) => Ok(meant),
        () = tokio::time::sleep(CONCLUDE_WITHIN) => Ok(meant),
    }
}

/// How long the gateway may take to hear that work has stopped.
const CONCLUDE_WITHIN: Duration = Duration::from_secs(10);
