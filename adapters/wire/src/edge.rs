//! What edges and the gateway say to each other: the seven routes under `/internal/edges`.
//!
//! Requests are written by agents (they serialize) and read from [`Fields`] by the
//! gateway, field by field, in the contract's order. Answers go the other way.
mod connectivity;
mod next;
mod register;
mod report;

use crate::{Fields, Malformed, read};

pub use connectivity::{ConnectivityAnswer, ConnectivityRequest, OfferedStatus, Release};
pub use next::{Granted, LeasedTask, NextAnswer, NextRequest};
pub use register::{RegisterAnswer, RegisterRequest};
pub use report::{
    CompleteRequest, FailRequest, HeartbeatAnswer, HeartbeatRequest, ResultsAnswer, ResultsRequest,
    Row, StatusAnswer,
};

/// Reads who speaks: the first field the gateway looks at on every route but `register`. It may be
/// any text; whether it is the credential's edge is for the caller to say.
///
/// # Errors
///
/// Returns that it is missing, or no text.
pub fn worker_id(fields: &Fields<'_>) -> Result<Box<str>, Malformed> {
    fields.required("workerId", read::text(0..=usize::MAX))
}
