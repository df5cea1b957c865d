//! The pure half of an event-sourced ledger of *edges* (machines that ask for work) and *tasks*
//! (work leased to one edge at a time).
//!
//! 1. A [`Command`] is a wish; [`Ledger::decide`] turns it, at a given `now`, into [`Event`]s, or
//!    refuses it with a [`Rejection`].
//! 2. The events of one command make one [`Commit`], appended to the [`Journal`] whole or not at
//!    all.
//! 3. Folding commits in order with [`Ledger::apply`] gives the [`Ledger`]. Nothing else changes
//!    it.
//! 4. Time, ids and randomness enter as arguments. The same commits always give the same ledger,
//!    byte for byte.
//! 5. One writer owns ledger and journal: decide, append, apply, answer, in that order.
//! 6. Everything else turns something into commands or reads a [`view`].
//!
//! This crate does no I/O, reads no clock, draws no random number and starts no thread. To serve
//! it, link `edge-ledger-engine` and a journal, or write the five lines of a writer yourself:
//!
//! ```
//! use edge_ledger_core::{
//!     Cause, Command, CommandId, Commit, Decision, Ledger, Principal, Timestamp,
//!     lifecycle::{self, Epoch},
//!     task::{Payload, Spec, Submission, Terms},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ledger = Ledger::default();
//! let mut log: Vec<Commit> = Vec::new();
//! let mut execute = |command: Command, now: Timestamp| -> Result<(), Box<dyn std::error::Error>> {
//!     let command_id = CommandId::from_uuid(uuid::Uuid::nil()); // mint a real one
//!     let cause = Cause { command: command_id, principal: Principal::System, idempotency: None };
//!     if let Decision::Events(events) = ledger.decide(command, &cause, now)? {
//!         let commit = Commit { after: ledger.head(), recorded_at: now, cause, events };
//!         log.push(commit.clone()); // append it to something that survives a power cut
//!         ledger.apply(&commit)?;
//!     }
//!     Ok(())
//! };
//!
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! execute(Command::Ledger(lifecycle::Command::Open { epoch: Epoch(0) }), now)?;
//! let spec = Spec {
//!     name: "count to ten".into(),
//!     payload: Payload::new(serde_json::value::RawValue::from_string("10".to_owned())?),
//!     dedupe_key: None,
//!     terms: Terms::default(),
//! };
//! let submission = Submission { id: "job-1".parse()?, spec: Box::new(spec), archived: None };
//! execute(Command::Submit(vec![submission]), now)?;
//!
//! let mut again = Ledger::default();
//! for commit in &log {
//!     again.apply(commit)?;
//! }
//! assert_eq!(again.digest(), ledger.digest());
//! # Ok(())
//! # }
//! ```
//!
//! The modules, in the order in which they are best read: [`ledger`] dispatches; [`command`],
//! [`event`] and [`rejection`] are the sums over the subjects [`lifecycle`], [`enrollment`],
//! [`edge`] (with [`credential`]) and [`task`]; [`cause`], [`access`] and [`idempotency`] say who
//! asks and whether they may; [`liveness`], [`view`] and [`why`] say what there is to see, [`past`]
//! as of when, [`contacts`] and [`timeline`] when it changed, [`leases`] and [`bisect`] what came of
//! it, and [`plan`] what is to follow; [`journal`], [`codec`] and [`snapshot`] are the border to
//! what lasts; [`replay`], [`golden`] and [`decisions`] show that it still means what it meant.
pub mod ledger;

pub mod command;
pub mod event;
pub mod rejection;

pub mod credential;
pub mod edge;
pub mod enrollment;
pub mod lifecycle;
pub mod task;

pub mod access;
pub mod cause;
pub mod idempotency;

pub mod bisect;
pub mod contacts;
pub mod leases;
pub mod liveness;
pub mod past;
pub mod plan;
pub mod timeline;
pub mod view;
pub mod why;

pub mod archive;
pub mod codec;
pub mod commit;
pub mod decisions;
pub mod golden;
pub mod journal;
pub mod replay;
pub mod snapshot;

pub mod digest;
pub mod id;
pub mod labels;
mod lookup;
mod minted;
#[cfg(feature = "schema")]
mod schema;
mod table;
pub mod time;

pub use archive::TaskArchive;
pub use cause::{Cause, Idempotency, Principal};
pub use command::Command;
pub use commit::{Commit, Envelope, Position};
pub use digest::Digest;
pub use event::Event;
pub use id::{CommandId, CredentialId, EdgeId, TaskId, TokenId};
pub use journal::{AppendError, Journal, JournalReader};
pub use labels::Labels;
pub use ledger::{Archived, Corruption, Decision, Ledger};
pub use liveness::{Liveness, Thresholds};
pub use rejection::{Class, Rejection};
pub use time::{Millis, Timestamp};
