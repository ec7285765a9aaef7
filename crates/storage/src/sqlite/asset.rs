//! Static assets: which files are kept, by owner and hash. Their bytes are blobs.

use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{
    AccountId, Asset, AssetHash, AssetOwner, BlobDigest, NamespaceId, Scope, StorageError, Timestamp,
};

use super::{
    SqliteStorage, database,
    record::{column, damaged},
    refused,
};

/// A claim younger than this is not written again: a session asks for every file at each upload.
const CLAIM_MICROS: i64 = 3_600 * 1_000_000;

/// The `owner` column. Namespaces' ids have 16 bytes of no text, so that the two never meet.
fn key(owner: &AssetOwner) -> Vec<u8> {
    match owner.scope {
        Scope::Account => [b"account ", owner.account.as_str().as_bytes()].concat(),
        Scope::Namespace(id) => id.as_uuid().as_bytes().to_vec(),
    }
}

fn namespace(owner: &AssetOwner) -> Option<Vec<u8>> {
    match owner.scope {
        Scope::Account => None,
        Scope::Namespace(id) => Some(id.as_uuid().as_bytes().to_vec()),
    }
}

/// Hashes for `json_each`.
fn hashes_to(hashes: &[AssetHash]) -> String {
    Value::from_iter(hashes.iter().map(ToString::to_string)).to_string()
}

pub(super) async fn claim(
    storage: &SqliteStorage,
    owner: &AssetOwner,
    hashes: &[AssetHash],
    at: Timestamp,
) -> Result<Vec<Asset>, StorageError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let hashes = hashes_to(hashes);
    let mut tx = storage.write().await?;
    let find = sqlx::query(
        "SELECT hash, digest, size, content_type, asked_on FROM assets
         WHERE owner = ? AND hash IN (SELECT unhex(value) FROM json_each(?))",
    );
    let rows = find.bind(key(owner)).bind(&hashes).fetch_all(&mut *tx).await.map_err(database("find assets"))?;
    let old = at.micros().saturating_sub(CLAIM_MICROS);
    let mut stale = false;
    for row in &rows {
        stale |= column::<i64>(row, "asked_on")? <= old;
    }
    if stale {
        let touch = sqlx::query(
            "UPDATE assets SET asked_on = ? WHERE owner = ? AND asked_on <= ?
             AND hash IN (SELECT unhex(value) FROM json_each(?))",
        );
        let touch = touch.bind(at.micros()).bind(key(owner)).bind(old).bind(&hashes).execute(&mut *tx).await;
        touch.map_err(database("claim assets"))?;
    }
    tx.commit().await.map_err(database("commit a claim of assets"))?;
    rows.iter().map(asset).collect()
}

fn asset(row: &SqliteRow) -> Result<Asset, StorageError> {
    let digest: &[u8] = column(row, "digest")?;
    Ok(Asset {
        hash: hash(row)?,
        digest: BlobDigest(digest.try_into().map_err(|e| damaged("an asset's digest", e))?),
        size: column::<i64>(row, "size")?.unsigned_abs(),
        content_type: column(row, "content_type")?,
    })
}

fn hash(row: &SqliteRow) -> Result<AssetHash, StorageError> {
    let hash: &[u8] = column(row, "hash")?;
    Ok(AssetHash(hash.try_into().map_err(|e| damaged("an asset's hash", e))?))
}

pub(super) async fn put(
    storage: &SqliteStorage,
    owner: &AssetOwner,
    asset: &Asset,
    at: Timestamp,
) -> Result<(), StorageError> {
    let put = sqlx::query(
        "INSERT INTO assets (owner, hash, account, namespace, digest, size, content_type, asked_on)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, hash) DO UPDATE SET asked_on = excluded.asked_on",
    );
    let put = put.bind(key(owner)).bind(asset.hash.0.as_slice()).bind(owner.account.as_str());
    let put = put.bind(namespace(owner)).bind(asset.digest.0.as_slice());
    let put = put.bind(i64::try_from(asset.size).unwrap_or(i64::MAX)).bind(&asset.content_type);
    let put = put.bind(at.micros()).execute(&storage.writer).await;
    put.map(drop).map_err(refused("write an asset", "the asset", "the dispatch namespace"))
}

pub(super) async fn owners(storage: &SqliteStorage, before: Timestamp) -> Result<Vec<AssetOwner>, StorageError> {
    let list = sqlx::query("SELECT DISTINCT account, namespace FROM assets WHERE asked_on < ?").bind(before.micros());
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list owners of assets"))?;
    let owners = rows.iter().map(|row| {
        let account: &str = column(row, "account")?;
        let account = AccountId::parse(account).ok_or_else(|| damaged("an account id", account))?;
        let scope = match column::<Option<&[u8]>>(row, "namespace")? {
            None => Scope::Account,
            Some(id) => {
                let id = uuid::Uuid::from_slice(id).map_err(|e| damaged("a namespace's id", e))?;
                Scope::Namespace(NamespaceId::from_uuid(id))
            }
        };
        Ok(AssetOwner { account, scope })
    });
    owners.collect()
}

pub(super) async fn manifests(storage: &SqliteStorage, owner: &AssetOwner) -> Result<Vec<BlobDigest>, StorageError> {
    let list = sqlx::query(
        "SELECT DISTINCT a.manifest FROM version_assets a JOIN versions v ON v.id = a.version
         JOIN scripts s ON s.id = v.script WHERE s.account = ? AND s.namespace IS ?",
    );
    let rows = list.bind(owner.account.as_str()).bind(namespace(owner)).fetch_all(&storage.readers).await;
    let rows = rows.map_err(database("list manifests"))?;
    let digests = rows.iter().map(|row| {
        let digest: &[u8] = column(row, "manifest")?;
        Ok(BlobDigest(digest.try_into().map_err(|e| damaged("a manifest's digest", e))?))
    });
    digests.collect()
}

pub(super) async fn unused(
    storage: &SqliteStorage,
    owner: &AssetOwner,
    before: Timestamp,
) -> Result<Vec<AssetHash>, StorageError> {
    let list = sqlx::query("SELECT hash FROM assets WHERE owner = ? AND asked_on < ?");
    let rows = list.bind(key(owner)).bind(before.micros()).fetch_all(&storage.readers).await;
    rows.map_err(database("list assets"))?.iter().map(hash).collect()
}

pub(super) async fn delete(
    storage: &SqliteStorage,
    owner: &AssetOwner,
    hashes: &[AssetHash],
    before: Timestamp,
) -> Result<u64, StorageError> {
    /// Of one transaction, so that writers wait only shortly.
    const AT_ONCE: usize = 1_000;
    let mut removed = 0;
    for hashes in hashes.chunks(AT_ONCE) {
        let delete = sqlx::query(
            "DELETE FROM assets WHERE owner = ? AND asked_on < ? AND hash IN (SELECT unhex(value) FROM json_each(?))",
        );
        let delete = delete.bind(key(owner)).bind(before.micros()).bind(hashes_to(hashes));
        let done = delete.execute(&storage.writer).await.map_err(database("delete assets"))?;
        removed += done.rows_affected();
    }
    Ok(removed)
}
