//! Asking until there is an answer.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::link::{Refusal, Trouble};
use crate::notice::{Notice, Observer};

/// Asks again after every trouble that may pass, for as long as it is let to.
///
/// # Errors
///
/// The first refusal.
pub(crate) async fn persist<T, F>(
    observer: &Observer,
    what: &'static str,
    wait_most: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, Trouble>>,
{
    let mut backoff = Backoff::new(wait_most);
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(Trouble::Refused(refusal)) => return Err(refusal),
            Err(Trouble::Later { after, what: error }) => {
                let again_in = backoff.wait(after, &mut rand::rng());
                observer.tell(&Notice::Troubled { what, error, again_in });
                tokio::time::sleep(again_in).await;
            }
        }
    }
}

/// The longest wait between two tries where nothing is more urgent.
pub(crate) const WAIT_MOST: Duration = Duration::from_secs(15);
