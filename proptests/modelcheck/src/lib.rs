//! Visits every state that the core can come to within [`Bounds`], and checks each.
//!
//! What is checked is the ledger that ships, its own `decide` and `apply`, not a model beside it.
//! Around it stands a small [`World`]: a few edges and tasks, a clock of whole [`TICK`]s, and a
//! network that delivers what was ever sent late, twice, in any order or never.
//!
//! - A [`Storm`] does everything to the ledger, in every order: [`Claim`]s hold whatever happens.
//! - After a storm there is [`Calm`]: a fair scheduler under which every task ends, in so many
//!   rounds, whatever the edges are like.
//!
//! Both take what decides as an argument, so that a twin of it that breaks a rule can be shown to be
//! found out.
//!
//! The states are finite without a bound on depth, because a state is told from another by what it
//! may still come to and by nothing else: times count from now, fences and positions by their order,
//! and edges and tasks that differ by their names only are the same. [`World::form`] is where.
mod bounds;
mod cast;
mod rules;
mod witness;
mod world;

mod form;

mod calm;
mod check;
mod storm;

pub use bounds::Bounds;
pub use calm::{Calm, Left, Manner, Round, Sky};
pub use cast::{Edge, Grant, Task, rows};
pub use check::{Checked, Found, check};
pub use rules::Rules;
pub use storm::{Message, Step, Storm, Word};
pub use witness::{Claim, Witness};
pub use world::{TICK, World};
