//! The runtime as the gateway uses it: Workers started and called, without a socket.

mod harness;
mod requests;
