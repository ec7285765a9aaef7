//! The API in process, over real storage in a temporary folder: what a client sees of each endpoint,
//! of the clients' recorded requests, and of requests that are wrong.

mod harness;

mod coverage;

mod account;
mod auth;
mod content;
mod malformed;
mod namespaces;
mod scripts;
mod secrets;
mod settings;
mod tags;
mod uploads;
mod versions;
mod wrangler;
