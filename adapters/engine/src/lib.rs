//! The one writer around the pure ledger.
//!
//! [`Writer`] decides, appends, applies and only then answers, one command at a time; it is all that
//! an embedder with a loop of its own needs. [`Engine`] adds a bounded queue, a clock and the timers,
//! hands out [`Handle`]s to whoever has commands or questions, and appends in groups: one thread
//! decides and applies in memory, another appends all that was decided meanwhile, and whatever
//! rests on it is answered then: answers, refusals and looks at the ledger.
//!
//! ```
//! use edge_ledger_core::{Cause, Command, Principal, lifecycle};
//! use edge_ledger_engine::{Engine, MemoryJournal, Options, Stop, mint};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(MemoryJournal::default(), Options::default())?;
//! let cause = Cause { command: mint::command_id(), principal: Principal::System, idempotency: None };
//! let tick = Command::Ledger(lifecycle::Command::Tick);
//! let head = engine.handle().execute(cause, tick, |receipt| receipt.ledger.head()).await?;
//! assert_eq!(head.get(), 2); // the opening, and the tick
//! assert_eq!(engine.close(), Stop::Closed);
//! # Ok(())
//! # }
//! ```
mod answer;
mod clock;
mod committer;
mod decider;
mod engine;
mod error;
mod handle;
mod handover;
mod memory;
pub mod mint;
mod patience;
mod queue;
mod recorder;
mod recording;
mod shelf;
mod step;
mod upkeep;
mod writer;

pub use clock::Clock;
pub use engine::{Beginning, Engine, Options};
pub use error::{ExecuteError, Fault, OpenError};
pub use handle::{Handle, Readiness, Stop};
pub use memory::{MemoryJournal, MemoryReader};
pub use recorder::Recorder;
pub use recording::Recording;
pub use shelf::Shelf;
pub use upkeep::{Duty, Failing, Upkeep};
pub use writer::{Opening, Receipt, Writer, replay, replay_from};
