//! What operators and the gateway say to each other: the routes under `/v1`.
//!
//! Requests are read strictly: a field that is not known is an error, because it is a typo.
//! Answers are written and read, so that a client in Rust needs no types of its own.
mod ask;
mod cloud_event;
mod edge;
mod event;
mod ledger;
mod page;
mod results;
mod submit;
mod task;
mod token;
mod why;

pub use ask::{Adopt, Cancel, Disable, Nothing, Reassign, Revoke, Rotate, SetCapacity, SetLabels};
pub use cloud_event::CloudEvent;
#[cfg(feature = "schema")]
pub use cloud_event::cloud_event_schema;
pub use edge::{CredentialAnswer, CredentialView, Edge, EdgeStatus};
pub use event::{Cause, Data, Event, Health, Identity, Principal};
pub use ledger::LedgerView;
pub use page::{PAGE_DEFAULT, PAGE_MAX, Page};
pub use results::{LateResults, ResultRow};
pub use submit::{NewTask, SubmitAnswer, SubmitRequest, SubmittedTask};
pub use task::{FinishedView, LeaseView, LossView, ProgressView, Task};
pub use token::{CreateToken, Token, TokenAnswer, TokenStatus};
pub use why::{Reason, Why};
