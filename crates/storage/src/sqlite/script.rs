//! Scripts: lists and single ones with their versions in one query, changes, deletion.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};
use switchyard_catalog::{
    AccountId, ChangeKind, NamespaceId, Scope, Script, ScriptFilter, ScriptId, ScriptName, ScriptRow,
    StorageError, Tag, Timestamp, Version,
};

use super::{
    SqliteStorage,
    account::account_id,
    change_add, database,
    record::{self, SettingsRecord, column, damaged, from_json, hex_list, id, name, optional_id, time, to_json},
};

const GONE: &str = "the script";

/// `l` is the newest version only where that is not the deployed one, so that a list reads and parses
/// each version once.
const SELECT: &str = "SELECT s.id, s.account, s.namespace, s.name, s.tags, s.settings, s.created_on, s.modified_on,
    d.id AS d_id, d.number AS d_number, d.body AS d_body,
    l.id AS l_id, l.number AS l_number, l.body AS l_body";
const BINDINGS: &str = ", d.bindings AS d_bindings, l.bindings AS l_bindings";
const FROM: &str = " FROM scripts s
    LEFT JOIN versions d ON d.id = s.deployed
    LEFT JOIN versions l ON l.id = s.latest AND s.latest IS NOT s.deployed";

pub(super) async fn list(
    storage: &SqliteStorage,
    account: &AccountId,
    scope: Scope,
    filter: &ScriptFilter,
    after: Option<&ScriptName>,
    limit: u32,
) -> Result<Vec<ScriptRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push(FROM);
    push_scope(&mut query, account, scope);
    if let Some(after) = after {
        query.push(" AND s.name > ").push_bind(after.as_str().to_owned());
    }
    // Lists of tags go in as one JSON value: any number of them is one statement.
    if let Some(first) = filter.with.first() {
        query.push(" AND s.id IN (SELECT script FROM script_tags WHERE tag = ");
        query.push_bind(first.as_str().to_owned()).push(")");
    }
    if filter.with.len() > 1 {
        query.push(" AND NOT EXISTS (SELECT 1 FROM json_each(").push_bind(tags_to(&filter.with)?);
        query.push(") j WHERE NOT EXISTS (SELECT 1 FROM script_tags t WHERE t.script = s.id AND t.tag = j.value))");
    }
    if !filter.without.is_empty() {
        query.push(" AND NOT EXISTS (SELECT 1 FROM script_tags t WHERE t.script = s.id AND t.tag IN (SELECT value FROM json_each(");
        query.push_bind(tags_to(&filter.without)?).push(")))");
    }
    query.push(" ORDER BY s.name LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(&storage.readers).await.map_err(database("list scripts"))?;
    rows.iter().map(|row| from_row(row, false)).collect()
}

pub(super) async fn find(
    storage: &SqliteStorage,
    account: &AccountId,
    scope: Scope,
    name: &ScriptName,
) -> Result<Option<ScriptRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push(BINDINGS).push(FROM);
    push_scope(&mut query, account, scope);
    query.push(" AND s.name = ").push_bind(name.as_str().to_owned());
    let row = query.build().fetch_optional(&storage.readers).await.map_err(database("read a script"))?;
    row.as_ref().map(|row| from_row(row, true)).transpose()
}

fn push_scope(query: &mut QueryBuilder<Sqlite>, account: &AccountId, scope: Scope) {
    match scope {
        Scope::Account => query.push(" WHERE s.namespace IS NULL"),
        Scope::Namespace(id) => {
            query.push(" WHERE s.namespace = ").push_bind(id.as_uuid().as_bytes().to_vec())
        }
    };
    query.push(" AND s.account = ").push_bind(account.as_str().to_owned());
}

pub(super) async fn update(storage: &SqliteStorage, script: &Script, seen: Timestamp) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    unchanged(&mut tx, script.id, seen).await?;
    write(&mut tx, script).await?;
    tx.commit().await.map_err(database("commit a script"))
}

/// Nobody changed the script since: its `modified_on` is what was seen.
pub(super) async fn unchanged(tx: &mut SqliteConnection, id: ScriptId, seen: Timestamp) -> Result<(), StorageError> {
    let current = sqlx::query_scalar::<_, i64>("SELECT modified_on FROM scripts WHERE id = ?");
    let current = current.bind(id.as_uuid().as_bytes().as_slice()).fetch_optional(tx).await;
    match current.map_err(database("read a script"))? {
        None => Err(StorageError::Gone(GONE)),
        Some(at) if at != seen.micros() => Err(StorageError::Conflict),
        Some(_) => Ok(()),
    }
}

/// Tags, settings and time of a script that is there.
pub(super) async fn write(tx: &mut SqliteConnection, script: &Script) -> Result<(), StorageError> {
    let bytes = script.id.as_uuid().as_bytes().as_slice();
    let tags = tags_to(&script.tags)?;
    let update = sqlx::query("UPDATE scripts SET settings = ?, modified_on = ? WHERE id = ?");
    let update = update.bind(to_json("settings", &SettingsRecord::from(&script.settings))?);
    let update = update.bind(script.modified_on.micros()).bind(bytes).execute(&mut *tx).await;
    update.map_err(database("write a script"))?;
    let retag = sqlx::query("UPDATE scripts SET tags = ?1 WHERE id = ?2 AND tags <> ?1").bind(&tags).bind(bytes);
    let retagged = retag.execute(&mut *tx).await.map_err(database("write a script's tags"))?;
    if retagged.rows_affected() == 0 {
        return Ok(());
    }
    let clear = sqlx::query("DELETE FROM script_tags WHERE script = ?").bind(bytes).execute(&mut *tx).await;
    clear.map_err(database("write a script's tags"))?;
    write_tags(tx, script.id, &tags).await
}

/// For a script that has none in the table yet.
pub(super) async fn write_tags(tx: &mut SqliteConnection, id: ScriptId, tags: &str) -> Result<(), StorageError> {
    let insert = sqlx::query("INSERT INTO script_tags (script, tag) SELECT ?, value FROM json_each(?)");
    let insert = insert.bind(id.as_uuid().as_bytes().as_slice()).bind(tags).execute(tx).await;
    insert.map(drop).map_err(database("write a script's tags"))
}

pub(super) async fn delete(storage: &SqliteStorage, ids: &[ScriptId]) -> Result<Vec<ScriptId>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = storage.write().await?;
    let delete = sqlx::query("DELETE FROM scripts WHERE id IN (SELECT unhex(value) FROM json_each(?)) RETURNING id");
    let rows = delete.bind(hex_list(ids.iter().map(ScriptId::as_uuid))).fetch_all(&mut *tx).await;
    let rows = rows.map_err(database("delete scripts"))?;
    let gone: std::collections::HashSet<_> =
        rows.iter().map(|row| id(row, "id").map(ScriptId::from_uuid)).collect::<Result<_, _>>()?;
    let deleted: Vec<_> = ids.iter().copied().filter(|id| gone.contains(id)).collect();
    for id in &deleted {
        change_add(&mut tx, ChangeKind::Script(*id)).await?;
    }
    tx.commit().await.map_err(database("commit the deletion of scripts"))?;
    Ok(deleted)
}

pub(super) fn tags_to(tags: &[Tag]) -> Result<String, StorageError> {
    to_json("tags", &tags.iter().map(Tag::as_str).collect::<Vec<_>>())
}

/// The columns of `scripts` alone.
pub(super) fn script_from_row(row: &SqliteRow) -> Result<Script, StorageError> {
    let tags: Vec<String> = from_json("tags", column(row, "tags")?)?;
    let tags = tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<_, _>>();
    let settings: SettingsRecord = from_json("settings", column(row, "settings")?)?;
    Ok(Script {
        id: ScriptId::from_uuid(id(row, "id")?),
        account: account_id(row, "account")?,
        scope: scope(row, "namespace")?,
        name: name(row, "name", ScriptName::parse)?,
        tags: tags.map_err(|e| damaged("a tag", e))?,
        settings: settings.into(),
        created_on: time(row, "created_on")?,
        modified_on: time(row, "modified_on")?,
    })
}

pub(super) fn scope(row: &SqliteRow, name: &'static str) -> Result<Scope, StorageError> {
    let namespace = optional_id(row, name)?;
    Ok(namespace.map_or(Scope::Account, |id| Scope::Namespace(NamespaceId::from_uuid(id))))
}

fn from_row(row: &SqliteRow, bindings: bool) -> Result<ScriptRow, StorageError> {
    let script = script_from_row(row)?;
    let d_bindings = if bindings { column(row, "d_bindings")? } else { None };
    let l_bindings = if bindings { column(row, "l_bindings")? } else { None };
    let deployed = version(row, &script, ["d_id", "d_number", "d_body"], d_bindings)?;
    let latest = version(row, &script, ["l_id", "l_number", "l_body"], l_bindings)?;
    Ok(ScriptRow { latest: latest.or_else(|| deployed.clone()), script, deployed })
}

fn version(
    row: &SqliteRow,
    script: &Script,
    [id, number, body]: [&'static str; 3],
    bindings: Option<&str>,
) -> Result<Option<Version>, StorageError> {
    let Some(id) = optional_id(row, id)? else { return Ok(None) };
    let version = record::version(id, *script.id.as_uuid(), column(row, number)?, column(row, body)?, bindings)?;
    Ok(Some(version))
}
