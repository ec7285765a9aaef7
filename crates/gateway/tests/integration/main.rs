//! What a client of a node sees: real sockets, real Workers, real uploads. One module a theme.

#![expect(clippy::unwrap_used, reason = "a test's failure is its panic")]

mod databases;
mod dns;
mod harness;
mod origin;
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
mod egress_rebinding;
mod egress_rules;
mod egress_spellings;
mod failures;
mod fairness;
mod headers;
mod hostile;
mod hosts;
mod limits;
mod loops;
mod markers;
mod namespace_settings;
mod outbound;
mod overload;
mod plans;
mod process;
mod reload;
mod resolve;
mod resolvers;
mod resolvers_header;
mod resolvers_outage;
mod resolvers_servers;
mod resolvers_sql;
mod restarts;
mod schemathesis;
mod secrets;
mod series;
mod start;
mod streams;
mod tail;
mod tools;
mod trace;
mod upstream;
mod upstream_faults;
mod upstream_health;
mod upstream_limits;
mod version_choice;
mod wrangler;
