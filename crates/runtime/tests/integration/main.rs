//! The runtime as the gateway uses it: Workers started and called, without a socket.
#![expect(clippy::unwrap_used, reason = "a test says so by its panic")]

mod harness;

mod bindings;
mod fairness;
mod fetch;
mod hostile;
mod isolation;
mod limits;
mod requests;
mod seams;
mod start;
mod streams;
mod tails;
mod warm;
