//! The edge daemon of an edge-ledger: asks for work, runs it, keeps its lease, reports.
//!
//! [`run`] is the whole of it: an edge that registers under an enrollment token, polls a gateway
//! for tasks, works on one at a time and tells what came of it. What the work *is* lies behind
//! [`Runtime`](runtime::Runtime): the built-in back-tests, or any program.
//!
//! Three rules hold everywhere:
//!
//! - An error is never taken for "nothing to do": what may pass is asked again, what may not is
//!   said aloud.
//! - Work never outlives its lease. Heartbeats have a task of their own, and the lease is counted
//!   on this machine's monotonic clock from the request that asked for it.
//! - No secret is printed, logged or given to the programs that do the work.

mod agent;
mod backoff;
mod batch;
mod config;
mod heart;
mod identity;
mod lease;
mod link;
mod notice;
mod persist;
mod presence;
mod registration;
pub mod runtime;
mod secret;
mod signals;
mod teller;
mod work;

pub use agent::{AgentError, run};
pub use config::{BadAddress, Config, Gateway, TokenSource};
pub use identity::StateError;
pub use link::TransportError;
pub use notice::{Notice, Observer, Outcome};
pub use registration::NotRegistered;
pub use secret::Secret;
pub use signals::run_until_signalled;
