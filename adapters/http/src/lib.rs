//! The REST gateway of an edge-ledger: the edge contract and the operators' API.
//!
//! A request becomes a command, the engine executes it, and what it came to is shown: handlers are
//! three lines. Everything before that, in the wire contract's order, is in `asked`; the one table
//! of failures and statuses is in `problem`; all routes are on one screen in `routes`.
//!
//! ```no_run
//! use edge_ledger_core::Thresholds;
//! use edge_ledger_engine::{Engine, MemoryJournal, Options, Stop};
//! use edge_ledger_http::{Gateway, Keys, Limits, Listen, listen};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(MemoryJournal::default(), Options::default())?;
//! let keys = Keys::open_or_create("data".as_ref())?;
//! let gateway = Gateway::new(engine.handle(), keys, Limits::default(), Thresholds::default());
//! let stop = async { drop(tokio::signal::ctrl_c().await) };
//! listen(gateway, &Listen::default(), stop)?.run().await?;
//! assert_eq!(engine.close(), Stop::Closed);
//! # Ok(())
//! # }
//! ```
mod routes;

mod backup;
mod edges;
mod operators;
mod probes;
mod tasks;

mod asked;
mod auth;
mod body;
mod problem;
mod query;
mod requests;

mod commits;
mod gateway;
mod keys;
mod listen;
mod secret;

pub use backup::{BackupBytes, Backups};
pub use gateway::{Gateway, Limits};
pub use keys::{Keys, KeysError, operator_token_path, secret_key_path};
pub use listen::{Listen, ListenError, Listening, TlsFiles, application, listen};
pub use secret::{Kind, Secret};
