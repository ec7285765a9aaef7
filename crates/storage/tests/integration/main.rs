//! Storage and blobs against their suites, what only SQLite has to hold, and the catalog's
//! operations on top of them.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod backup;
mod blobs;
mod catalog;
mod crash;
mod crash_mixed;
mod folder;
mod sample;
mod sqlite;
mod suite;
