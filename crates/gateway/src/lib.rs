//! The gateway: accepts requests, finds the tenant, dispatches to its Worker, and answers. The only
//! crate that knows all the others; the binary `switchyard`.
//!
//! In reading order: `app` builds a node; `listen` turns sockets into requests, behind `tls` where there is any; `gateway` is the life
//! of a request, through `authority`, `resolve`, `admission`, `routes` and `dispatch`; `outbound` and
//! `egress` are what a Worker can reach; `upstream` is a tenant that is an origin; `websocket` is what becomes of a request that asked for one; `error` is every way it can fail; `observe` what is recorded, and `tail` who
//! listens live.

pub mod announce;
pub mod app;
pub mod bootstrap;
pub mod cli;
pub mod config;
pub mod handover;
pub mod heap;
pub mod maybe_tls;
mod node_file;
pub mod service;

mod admin;
mod admission;
mod assets;
mod authority;
mod body;
mod cache;
mod coding;
mod context;
mod dispatch;
mod egress;
mod error;
mod gateway;
mod headers;
mod ids;
#[cfg(test)]
mod instructions;
mod listen;
mod listeners;
mod loops;
mod node_view;
mod observe;
mod outbound;
mod overload;
mod reload;
mod reserve;
mod resolve;
mod routes;
mod tail;
mod terms;
mod tls;
mod trace;
mod upstream;
mod version;
mod websocket;

pub use app::{App, AppError};
pub use config::Config;
pub use dispatch::chain;
pub use reserve::raise_descriptors;
