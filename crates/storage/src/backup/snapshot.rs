//! The database of a node as of one moment, in a file of its own.

use std::collections::HashSet;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use switchyard_catalog::BlobDigest;

use super::{BackupError, CATALOG};
use crate::sqlite::blobs_named;

/// Longest wait for the database's lock; a reader of a write-ahead log hardly ever waits.
const WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// A copy that no writer touches. `scratch`: the folder it is made in; it goes when it is dropped.
pub(super) async fn take(data: &Path, scratch: &Path) -> Result<tempfile::TempPath, BackupError> {
    let from = data.join(CATALOG);
    let failed = |source: sqlx::Error| BackupError::Database {
        action: "take a snapshot of",
        path: from.clone(),
        source: Box::new(source),
    };
    // An empty file, for this user alone, is what SQLite takes for one that is not there.
    let to = tempfile::Builder::new().prefix(".backup-").tempfile_in(scratch);
    let to = to.map_err(BackupError::io("write to", scratch))?.into_temp_path();
    let options = SqliteConnectOptions::new().filename(&from).create_if_missing(false).busy_timeout(WAIT);
    let mut database = options.connect().await.map_err(failed)?;
    // One transaction of a reader: the node writes on meanwhile. What was deleted is not copied.
    let vacuum = sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned());
    vacuum.execute(&mut database).await.map_err(failed)?;
    database.close().await.map_err(failed)?;
    Ok(to)
}

/// The blobs that a snapshot names, when it is sound and its secrets are of this key.
pub(super) async fn read(snapshot: &Path, key: &str) -> Result<HashSet<BlobDigest>, BackupError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| BackupError::Database {
        action: "read",
        path: snapshot.to_owned(),
        source,
    };
    let options = SqliteConnectOptions::new().filename(snapshot).read_only(true).immutable(true);
    let mut database: SqliteConnection = options.connect().await.map_err(|error| failed(Box::new(error)))?;
    let sound: Result<String, _> = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut database).await;
    let sound = sound.map_err(|error| failed(Box::new(error)))?;
    if sound != "ok" {
        return Err(failed(sound.into()));
    }
    let foreign = sqlx::query_scalar("SELECT key_id FROM secrets WHERE key_id <> ? LIMIT 1").bind(key);
    let foreign: Option<String> =
        foreign.fetch_optional(&mut database).await.map_err(|error| failed(Box::new(error)))?;
    if let Some(wanted) = foreign {
        return Err(BackupError::Key { wanted, given: format!("the key that is there is {key}") });
    }
    let named = blobs_named(&mut database).await.map_err(|error| failed(Box::new(error)))?;
    database.close().await.map_err(|error| failed(Box::new(error)))?;
    Ok(named)
}
