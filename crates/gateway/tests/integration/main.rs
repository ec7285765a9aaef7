//! What a client of a node sees: real sockets, real Workers, real uploads. One module a theme.

#![expect(clippy::unwrap_used, reason = "a test's failure is its panic")]

mod databases;
mod harness;
mod packages;

mod admin;
mod architecture;
mod assets;
mod basics;
mod clients;
mod crash;
mod curl;
mod dispatch;
mod drain;
mod egress;
mod failures;
mod fairness;
mod headers;
mod hosts;
mod limits;
mod namespace_settings;
mod node;
mod outbound;
mod process;
mod reload;
mod resolve;
mod resolvers;
mod resolvers_header;
mod resolvers_outage;
mod resolvers_servers;
mod resolvers_sql;
mod schemathesis;
mod secrets;
mod start;
mod streams;
mod tail;
mod tools;
mod version_choice;
mod wrangler;
