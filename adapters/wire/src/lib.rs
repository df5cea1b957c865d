//! The JSON that others see: what edges and operators send, and what they are answered.
//!
//! The types of the edges' routes are in [`edge`]; they are as the wire contract has them, for
//! ever. An agent writes the requests and reads the answers; the gateway reads the requests from
//! [`Fields`], which tells whatever is wrong by the field's name. Every error, on every route, is
//! a [`Problem`].
//!
//! What operators see and ask is in [`operator`]; what a task has its edge do is [`work`].
pub mod edge;
mod fields;
mod malformed;
pub mod operator;
pub mod optimization;
mod problem;
pub mod read;
mod sound;
mod surrogates;
pub mod work;

pub use fields::Fields;
pub use malformed::Malformed;
pub use problem::Problem;
