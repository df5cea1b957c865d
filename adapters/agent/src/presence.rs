//! Telling the gateway that the edge is there, and how it is.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::backoff::about;
use crate::link::{Health, Link, Refusal, RefusalKind};
use crate::notice::{Notice, Observer};
use crate::persist::persist;

/// Reports the edge's health whenever it changes and at least so often, for ever.
///
/// Work may have a lease far longer than the silence after which an edge counts as gone.
///
/// Returns the refusal once the gateway does not know this edge any more.
pub(crate) async fn report(
    link: Link,
    observer: Observer,
    mut health: watch::Receiver<Health>,
    every: Duration,
) -> Refusal {
    let started_at = Instant::now();
    loop {
        let now = health.borrow_and_update().clone();
        let told = persist(&observer, "connectivity", every, || {
            link.connectivity(&now, started_at.elapsed())
        });
        match told.await {
            Ok(()) => {}
            Err(refusal) if refusal.is_final() => return refusal,
            Err(Refusal { detail, .. }) => {
                observer.tell(&Notice::Refused { what: "connectivity", detail });
            }
        }
        let pause = tokio::time::sleep(about(every, &mut rand::rng()));
        tokio::select! {
            () = pause => {}
            Ok(()) = health.changed() => {}
        }
    }
}

impl Refusal {
    /// Returns whether the gateway does not know this edge any more.
    pub(crate) fn is_final(&self) -> bool {
        match self.kind {
            RefusalKind::Unauthorized | RefusalKind::Forbidden => true,
            RefusalKind::NotFound
            | RefusalKind::Conflict
            | RefusalKind::TooLarge
            | RefusalKind::Unfit => false,
        }
    }
}
