//! The API in process, over real storage in a temporary folder: what a client sees of each endpoint,
//! of the clients' recorded requests, and of requests that are wrong.

mod harness;

mod coverage;

mod account;
mod accounts;
mod assets;
mod auth;
mod concurrency;
mod content;
mod limits;
mod malformed;
mod namespace_settings;
mod namespaces;
mod node;
mod openapi;
mod plans;
mod preconditions;
mod references;
mod resolve;
mod scopes;
mod scripts;
mod secrets;
mod settings;
mod tags;
mod tail_consumers;
mod tails;
mod tokens;
mod uploads;
mod upstreams;
mod versions;
mod wrangler;
