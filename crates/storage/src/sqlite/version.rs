//! Versions: immutable rows.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{
    BlobDigest, Namespace, Scope, Script, ScriptId, StorageError, Version, VersionId,
};

use super::{
    SqliteStorage, database, namespace,
    record::{self, column, damaged, id},
    script,
};

pub(super) async fn find(storage: &SqliteStorage, id: VersionId) -> Result<Option<Version>, StorageError> {
    let find = sqlx::query("SELECT id, script, number, body, bindings FROM versions WHERE id = ?");
    let row = find.bind(id.as_uuid().as_bytes().as_slice()).fetch_optional(&storage.readers).await;
    row.map_err(database("read a version"))?.as_ref().map(from_row).transpose()
}

pub(super) async fn owner(
    storage: &SqliteStorage,
    id: VersionId,
) -> Result<Option<(Script, Option<Namespace>)>, StorageError> {
    let find = sqlx::query("SELECT s.* FROM versions v JOIN scripts s ON s.id = v.script WHERE v.id = ?");
    let row = find.bind(id.as_uuid().as_bytes().as_slice()).fetch_optional(&storage.readers).await;
    let Some(row) = row.map_err(database("read a version's script"))? else { return Ok(None) };
    let script = script::script_from_row(&row)?;
    let Scope::Namespace(id) = script.scope else { return Ok(Some((script, None))) };
    // Deleted between the two reads: then the script is gone with it.
    let namespace = namespace::by_id(storage, id).await?;
    Ok(namespace.map(|namespace| (script, Some(namespace))))
}

pub(super) async fn list(
    storage: &SqliteStorage,
    script: ScriptId,
    limit: u32,
) -> Result<Vec<Version>, StorageError> {
    let list = sqlx::query(
        "SELECT id, script, number, body, bindings FROM versions WHERE script = ? ORDER BY number DESC LIMIT ?",
    );
    let list = list.bind(script.as_uuid().as_bytes().as_slice()).bind(i64::from(limit));
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list versions"))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn blobs_in_use(storage: &SqliteStorage) -> Result<HashSet<BlobDigest>, StorageError> {
    let list = sqlx::query("SELECT DISTINCT digest FROM version_blobs").fetch_all(&storage.readers).await;
    let rows = list.map_err(database("list blobs in use"))?;
    let digests = rows.iter().map(|row| {
        let digest: &[u8] = column(row, "digest")?;
        Ok(BlobDigest(digest.try_into().map_err(|e| damaged("a digest", e))?))
    });
    digests.collect()
}

fn from_row(row: &SqliteRow) -> Result<Version, StorageError> {
    let (body, bindings) = (column(row, "body")?, column::<&str>(row, "bindings")?);
    record::version(id(row, "id")?, id(row, "script")?, column(row, "number")?, body, Some(bindings))
}
