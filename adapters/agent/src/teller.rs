//! What the gateway is told of one task: its rows and its verdict.

use std::sync::Arc;

use edge_ledger_core::task::TaskStatus;

use crate::heart::Ending;
use crate::identity::draw_key;
use crate::link::{Link, Refusal, RefusalKind, Stored};
use crate::notice::{Notice, Observer, Outcome};
use crate::persist::{WAIT_MOST, persist};
use crate::runtime::{Job, Progress, Row};

/// Tells the gateway of one task, as often as it takes.
#[derive(Debug)]
pub(crate) struct Teller {
    link: Link,
    observer: Observer,
    job: Arc<Job>,
}

impl Teller {
    pub(crate) fn new(link: Link, observer: Observer, job: Arc<Job>) -> Self {
        Self { link, observer, job }
    }

    pub(crate) fn task_id(&self) -> String {
        self.job.task_id.clone()
    }

    /// Sends rows, in halves where the gateway takes less at once than the edge thought.
    pub(crate) async fn rows(&self, rows: Vec<Row>) -> Result<(), Ending> {
        let mut waiting = vec![rows];
        while let Some(rows) = waiting.pop().filter(|rows| !rows.is_empty()) {
            let mut request = self.link.rows(&self.job, rows);
            let sent = persist(&self.observer, "results", WAIT_MOST, || {
                self.link.results(&self.job, &request)
            });
            match sent.await {
                Ok(Stored { accepted, deduplicated }) => {
                    let task_id = self.task_id();
                    self.observer.tell(&Notice::Sent { task_id, accepted, deduplicated });
                }
                Err(Refusal { kind: RefusalKind::TooLarge, .. }) if request.results.len() > 1 => {
                    waiting.push(request.results.split_off(request.results.len() / 2));
                    waiting.push(request.results);
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(())
    }

    /// Tells that the work is done.
    pub(crate) async fn complete(
        &self,
        best_config_ids: &[String],
        progress: &Progress,
    ) -> Result<Outcome, Ending> {
        let told = persist(&self.observer, "complete", WAIT_MOST, || {
            self.link.complete(&self.job, best_config_ids, progress)
        });
        Ok(Outcome::from(told.await?))
    }

    /// Tells that the work failed.
    pub(crate) async fn fail(&self, error: String, retryable: bool) -> Result<Outcome, Ending> {
        let key = draw_key();
        let told = persist(&self.observer, "fail", WAIT_MOST, || {
            self.link.fail(&self.job, &error, retryable, &key)
        });
        match told.await? {
            TaskStatus::Done => Ok(Outcome::Done),
            TaskStatus::Cancelled => Ok(Outcome::Cancelled),
            TaskStatus::Failed
            | TaskStatus::Await
            | TaskStatus::Assigned
            | TaskStatus::Processing => Ok(Outcome::Failed { error }),
        }
    }
}
