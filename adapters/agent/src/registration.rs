//! Becoming somebody: the edge's first word to a gateway.

use crate::config::Config;
use crate::identity::{Attempt, Identity, StateDir, StateError};
use crate::link::{Refusal, RefusalKind, Transport, register};
use crate::notice::{Notice, Observer};
use crate::persist::{WAIT_MOST, persist};
use crate::secret::Secret;

/// Returns who the edge is, registering it if it was not yet.
pub(crate) async fn identify(
    state: &StateDir,
    transport: &Transport,
    config: &Config,
    observer: &Observer,
) -> Result<Identity, NotRegistered> {
    if let Some(identity) = state.identity()? {
        return Ok(identity);
    }
    let source = config.enrollment.as_ref().ok_or(NotRegistered::NoToken)?;
    let token = source.read().map_err(NotRegistered::UnreadableToken)?;
    let identity = enroll(state, transport, &token, &config.name, observer).await?;
    observer.tell(&Notice::Registered {
        worker_id: identity.worker_id.clone(),
        device_number: identity.device_number.clone(),
    });
    Ok(identity)
}

/// How many device numbers are tried.
const NUMBERS: usize = 5;

async fn enroll(
    state: &StateDir,
    transport: &Transport,
    token: &Secret,
    name: &str,
    observer: &Observer,
) -> Result<Identity, NotRegistered> {
    let mut begun = state.attempt()?;
    let mut taken = Vec::new();
    while taken.len() < NUMBERS {
        let attempt = begun.take().unwrap_or_else(|| Attempt::draw(name));
        // Kept first: if the answer is lost with this process, the next one asks for it again.
        state.keep_attempt(&attempt)?;
        let registered =
            persist(observer, "register", WAIT_MOST, || register(transport, token, name, &attempt));
        match registered.await {
            Ok(identity) => {
                state.keep_identity(&identity)?;
                return Ok(identity);
            }
            Err(refusal) => taken.push(another_number(refusal)?),
        }
    }
    Err(NotRegistered::NumbersTaken { refusals: taken })
}

/// Returns why another device number is tried, unless no number would help.
fn another_number(refusal: Refusal) -> Result<String, NotRegistered> {
    let Refusal { kind, detail } = refusal;
    match kind {
        RefusalKind::Conflict => Ok(detail),
        // Asked for under the same key before an upgrade or a change of name.
        RefusalKind::Unfit if detail.ends_with("(422)") => Ok(detail),
        RefusalKind::Unauthorized => Err(NotRegistered::TokenRefused { detail }),
        RefusalKind::Forbidden
        | RefusalKind::NotFound
        | RefusalKind::TooLarge
        | RefusalKind::Unfit => Err(NotRegistered::Refused { detail }),
    }
}

/// Why an edge is nobody to the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// Nothing tells the gateway that the edge may register.
    #[error(
        "this edge is not registered: give it an enrollment token, as `edge-ledger token create` \
         makes them"
    )]
    NoToken,
    /// The file of the token cannot be read.
    #[error("cannot read the enrollment token")]
    UnreadableToken(#[source] std::io::Error),
    /// The token is none, or none any more.
    #[error("the gateway refuses the enrollment token: {detail}")]
    TokenRefused {
        /// Why, in the gateway's words.
        detail: String,
    },
    /// Every device number that was drawn is taken.
    #[error("no device number was free: {}", refusals.join("; "))]
    NumbersTaken {
        /// Why each was refused, in the gateway's words.
        refusals: Vec<String>,
    },
    /// The gateway will not have this edge.
    #[error("the gateway refuses to register this edge: {detail}")]
    Refused {
        /// Why, in the gateway's words.
        detail: String,
    },
    /// The edge cannot keep who it is.
    #[error(transparent)]
    State(#[from] StateError),
}
