//! Versions: immutable rows.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{BlobDigest, Namespace, Scope, Script, ScriptId, StorageError, Version, VersionId};

use super::{
    SqliteStorage, database, namespace,
    record::{self, column, damaged, from_json, id},
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
    let Some(script) = script::of_version(storage, id).await? else { return Ok(None) };
    let Scope::Namespace(id) = script.scope else { return Ok(Some((script, None))) };
    // Deleted between the two reads: then the script is gone with it.
    let namespace = namespace::by_id(storage, id).await?;
    Ok(namespace.map(|namespace| (script, Some(namespace))))
}

pub(super) async fn list(storage: &SqliteStorage, script: ScriptId, limit: u32) -> Result<Vec<Version>, StorageError> {
    let list = sqlx::query(
        "SELECT id, script, number, body, bindings FROM versions WHERE script = ? ORDER BY number DESC LIMIT ?",
    );
    let list = list.bind(script.as_uuid().as_bytes().as_slice()).bind(i64::from(limit));
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list versions"))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn blobs_in_use(storage: &SqliteStorage) -> Result<HashSet<BlobDigest>, StorageError> {
    blobs_named(&storage.readers).await
}

/// Every blob that a database names.
pub(crate) async fn blobs_named<'a>(
    database_of: impl sqlx::SqliteExecutor<'a>,
) -> Result<HashSet<BlobDigest>, StorageError> {
    let list =
        sqlx::query("SELECT digest FROM version_blobs UNION SELECT digest FROM assets").fetch_all(database_of).await;
    let rows = list.map_err(database("list blobs in use"))?;
    let digests = rows.iter().map(|row| {
        let digest: &[u8] = column(row, "digest")?;
        Ok(BlobDigest(digest.try_into().map_err(|e| damaged("a digest", e))?))
    });
    digests.collect()
}

pub(super) async fn versions_kept(storage: &SqliteStorage) -> Result<HashSet<VersionId>, StorageError> {
    let list = sqlx::query("SELECT id FROM versions").fetch_all(&storage.readers).await;
    let rows = list.map_err(database("list versions"))?;
    rows.iter().map(|row| Ok(VersionId::from_uuid(id(row, "id")?))).collect()
}

fn from_row(row: &SqliteRow) -> Result<Version, StorageError> {
    let number = column::<i64>(row, "number")?;
    let number = u32::try_from(number).map_err(|e| damaged("a version's number", e))?;
    let record = from_json("a version", column(row, "body")?)?;
    let bindings = from_json("bindings", column(row, "bindings")?)?;
    let (id, script) = (VersionId::from_uuid(id(row, "id")?), ScriptId::from_uuid(id(row, "script")?));
    record::version(id, script, number, record, bindings)
}
