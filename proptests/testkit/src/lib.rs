//! What a team that builds on `edge-ledger-core` tests its own service with. The ledger's own tests
//! are built of the same.
//!
//! - [`given`], then *when*, then *then*: one story of a ledger, told in commands and events.
//! - A [`scenario`] is such a story as a file, a command a line; what each made happen is a transcript
//!   to be kept as a snapshot.
//! - [`history`] has random histories of everything that can happen: of one [`action`] after the
//!   other, with every named [`invariant`] checked after each commit and a reference [`model`] asked
//!   to agree. [`history::logs`] are the logs of such, for whatever is to follow one.
//! - [`journal_contract!`] puts a journal to what every journal has to do.
//! - [`golden_logs`] are a team's own logs, which every later build has to fold to the same ledger.
//! - A [`SimulatedClock`] goes when it is told to. A [`book`] keeps a ledger and its log in memory.
//!
//! A whole file of tests to be copied is `core/examples/team.rs`. A test of one rule is short:
//!
//! ```
//! use edge_ledger_testkit::given;
//!
//! let mut story = given(
//!     "ledger open
//!      token site create
//!      rack registers D1 by site
//!      submit job lease 30s
//!      rack polls",
//! );
//!
//! story.when("task job cancel enough").happens(&["task.cancelled"]);
//! story.when("task job cancel enough").changes_nothing();
//! story.when("rack polls").changes_nothing();
//! ```
//!
//! Everything here panics where a test is to fail, with what was expected, what was found, and how it
//! came to that. `proptest` is exported so that a team's version of it is this one.
mod story;

pub mod scenario;

pub mod action;
pub mod history;
pub mod invariant;
pub mod model;

pub mod archive;
pub mod book;
pub mod journal_contract;

mod clock;
pub mod golden_logs;

pub use clock::SimulatedClock;
pub use proptest;
pub use story::{Story, Then, given};
