//! Format 1: commits as JSON.
//!
//! Today's types read it as they are, because all that has changed since are events that it does
//! not know. Whatever else changes gets its frozen type here, and a `From` that lifts it.
use crate::Commit;

use super::Malformed;

pub(super) fn decode(body: &[u8]) -> Result<Vec<Commit>, Malformed> {
    serde_json::from_slice(body).map_err(Malformed::Json)
}
