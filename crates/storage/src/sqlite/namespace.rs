//! Dispatch namespaces.

use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{AccountId, ChangeKind, Namespace, NamespaceId, NamespaceName, StorageError, Timestamp};

use super::{
    SqliteStorage,
    account::account_id,
    change_add, database,
    record::{column, from_json, id, name, time, to_json},
    refused,
};

const GONE: &str = "the dispatch namespace";

pub(super) async fn create(storage: &SqliteStorage, namespace: &Namespace) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    let insert = sqlx::query(
        "INSERT INTO namespaces (id, account, name, trusted_workers, created_on, created_by, modified_on, modified_by,
                                 settings)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let insert = insert.bind(namespace.id.as_uuid().as_bytes().as_slice()).bind(namespace.account.as_str());
    let insert = insert.bind(namespace.name.as_str()).bind(namespace.trusted_workers);
    let insert = insert.bind(namespace.created_on.micros()).bind(&namespace.created_by);
    let insert = insert.bind(namespace.modified_on.micros()).bind(&namespace.modified_by);
    let insert = insert.bind(to_json("a namespace's settings", &namespace.settings)?);
    let inserted = insert.execute(&mut *tx).await;
    inserted.map_err(refused("write a namespace", GONE, "the account"))?;
    change_add(&mut tx, ChangeKind::Namespace(namespace.id)).await?;
    tx.commit().await.map_err(database("commit a namespace"))
}

pub(super) async fn list(storage: &SqliteStorage, account: &AccountId) -> Result<Vec<Namespace>, StorageError> {
    let list = sqlx::query("SELECT * FROM namespaces WHERE account = ? ORDER BY name").bind(account.as_str());
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list namespaces"))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn find(
    storage: &SqliteStorage,
    account: &AccountId,
    name: &NamespaceName,
) -> Result<Option<Namespace>, StorageError> {
    let find = sqlx::query("SELECT * FROM namespaces WHERE account = ? AND name = ?").bind(account.as_str());
    let row = find.bind(name.as_str()).fetch_optional(&storage.readers).await;
    row.map_err(database("read a namespace"))?.as_ref().map(from_row).transpose()
}

pub(super) async fn by_id(storage: &SqliteStorage, id: NamespaceId) -> Result<Option<Namespace>, StorageError> {
    let find = sqlx::query("SELECT * FROM namespaces WHERE id = ?").bind(id.as_uuid().as_bytes().as_slice());
    let row = find.fetch_optional(&storage.readers).await;
    row.map_err(database("read a namespace"))?.as_ref().map(from_row).transpose()
}

pub(super) async fn update(
    storage: &SqliteStorage,
    namespace: &Namespace,
    seen: Timestamp,
) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    let bytes = namespace.id.as_uuid().as_bytes().as_slice();
    let current = sqlx::query_scalar::<_, i64>("SELECT modified_on FROM namespaces WHERE id = ?").bind(bytes);
    match current.fetch_optional(&mut *tx).await.map_err(database("read a namespace"))? {
        None => return Err(StorageError::Gone(GONE)),
        Some(at) if at != seen.micros() => return Err(StorageError::Conflict),
        Some(_) => {}
    }
    let update = sqlx::query(
        "UPDATE namespaces SET name = ?, trusted_workers = ?, modified_on = ?, modified_by = ?, settings = ?
         WHERE id = ?",
    );
    let update = update.bind(namespace.name.as_str()).bind(namespace.trusted_workers);
    let update = update.bind(namespace.modified_on.micros()).bind(&namespace.modified_by);
    let update = update.bind(to_json("a namespace's settings", &namespace.settings)?).bind(bytes);
    update.execute(&mut *tx).await.map_err(refused("write a namespace", GONE, "the account"))?;
    change_add(&mut tx, ChangeKind::Namespace(namespace.id)).await?;
    tx.commit().await.map_err(database("commit a namespace"))
}

pub(super) async fn delete(storage: &SqliteStorage, id: NamespaceId) -> Result<bool, StorageError> {
    let mut tx = storage.write().await?;
    let delete = sqlx::query("DELETE FROM namespaces WHERE id = ?").bind(id.as_uuid().as_bytes().as_slice());
    let deleted = delete.execute(&mut *tx).await.map_err(database("delete a namespace"))?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    change_add(&mut tx, ChangeKind::Namespace(id)).await?;
    tx.commit().await.map_err(database("commit the deletion of a namespace"))?;
    Ok(true)
}

pub(super) fn from_row(row: &SqliteRow) -> Result<Namespace, StorageError> {
    let count: i64 = column(row, "script_count")?;
    Ok(Namespace {
        id: NamespaceId::from_uuid(id(row, "id")?),
        account: account_id(row, "account")?,
        name: name(row, "name", NamespaceName::parse)?,
        trusted_workers: column(row, "trusted_workers")?,
        settings: from_json("a namespace's settings", column(row, "settings")?)?,
        script_count: count.unsigned_abs(),
        created_on: time(row, "created_on")?,
        created_by: column(row, "created_by")?,
        modified_on: time(row, "modified_on")?,
        modified_by: column(row, "modified_by")?,
    })
}
