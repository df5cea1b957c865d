//! The gateway as its clients find it: a real server on a free port, a real journal, requests over
//! a socket.
mod client;
mod server;

mod exchanges;
