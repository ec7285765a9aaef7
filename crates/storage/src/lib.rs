//! Keeps the catalog: rows in SQLite ([`SqliteStorage`]), code as files ([`FileBlobs`]), secrets
//! encrypted with a node's key ([`SecretKey`]), one process a data folder ([`DataLock`]); backups of it ([`backup`]).
//!
//! Implements `catalog`'s traits `Storage` and `Blobs`; `tests/integration/suite` is what every
//! implementation must pass.

mod backup;
mod error;
mod file_blobs;
mod lock;
mod secret_key;
mod sqlite;

pub use backup::{BackupError, BackupManifest, BackupSource, BackupTarget, backup, restore};
pub use error::OpenError;
pub use file_blobs::FileBlobs;
pub use lock::DataLock;
pub use secret_key::SecretKey;
pub use sqlite::SqliteStorage;
