//! The runtime as the gateway uses it: Workers started and called, without a socket.

mod harness;

mod bindings;
mod fetch;
mod isolation;
mod limits;
mod requests;
mod start;
mod streams;
