//! The gateway as its clients find it: a real server on a free port, a real journal, requests over
//! a socket.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod client;
mod server;

mod exchanges;

mod bulk;
mod concurrent;
mod damaged;
mod leaving;
mod malformed;
mod operating;
mod operators;
mod order;
mod repeating;
mod secrets;
mod time;
