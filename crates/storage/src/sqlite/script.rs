//! Scripts: lists and single ones with their versions in one query, changes, deletion.

use std::sync::Arc;

use serde::Deserialize;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use switchyard_catalog::{
    AccountId, ChangeKind, NamespaceId, Scope, Script, ScriptFilter, ScriptId, ScriptName, ScriptRow, StorageError,
    Tag, Timestamp, Version, VersionId,
};

use super::{
    SqliteStorage, change_add, database,
    record::{self, BindingRecord, SettingsRecord, VersionRecord, damaged, from_json, hex_id, hex_list, id, to_json},
    reference,
};

const GONE: &str = "the script";

/// A whole page comes back as one JSON array, put together inside SQLite: handing over a thousand
/// rows value by value costs more than all the rest. Everything that is text in it is either JSON
/// already or of a name's few characters, so that putting together is enough. `l` is the newest
/// version only where that is not the deployed one, so that each version is read and parsed once.
const SELECT: &str = r#"SELECT '[' || coalesce(group_concat(format(
        '{"id":"%s","account":"%s","namespace":"%s","name":"%s","tags":%s,"settings":%s,"created_on":%d,"modified_on":%d,"deployed":%s,"latest":%s}',
        hex(id), account, hex(namespace), name, tags, settings, created_on, modified_on,
        CASE WHEN d_id IS NULL THEN 'null' ELSE
            format('{"id":"%s","number":%d,"body":%s,"bindings":%s}', hex(d_id), d_number, d_body, d_bindings) END,
        CASE WHEN l_id IS NULL THEN 'null' ELSE
            format('{"id":"%s","number":%d,"body":%s,"bindings":%s}', hex(l_id), l_number, l_body, l_bindings) END)), '') || ']'
    FROM (SELECT s.*, d.id AS d_id, d.number AS d_number, d.body AS d_body,
                 l.id AS l_id, l.number AS l_number, l.body AS l_body"#;
const WITH_BINDINGS: &str = ", d.bindings AS d_bindings, l.bindings AS l_bindings";
const WITHOUT_BINDINGS: &str = ", '[]' AS d_bindings, '[]' AS l_bindings";
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
    let mut query = QueryBuilder::new(SELECT);
    query.push(WITHOUT_BINDINGS).push(FROM);
    push_scope(&mut query, account, scope);
    if let Some(after) = after {
        query.push(" AND s.name > ").push_bind(after.as_str().to_owned());
    }
    push_filter(&mut query, storage, filter).await?;
    query.push(" ORDER BY s.name LIMIT ").push_bind(i64::from(limit)).push(")");
    let mut rows = fetch(storage, query, "list scripts").await?;
    // SQLite does not promise that an aggregate keeps the order of what it reads.
    rows.sort_by(|a, b| a.script.name.cmp(&b.script.name));
    Ok(rows)
}

pub(super) async fn find(
    storage: &SqliteStorage,
    account: &AccountId,
    scope: Scope,
    name: &ScriptName,
) -> Result<Option<ScriptRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(WITH_BINDINGS).push(FROM);
    push_scope(&mut query, account, scope);
    query.push(" AND s.name = ").push_bind(name.as_str().to_owned()).push(")");
    Ok(fetch(storage, query, "read a script").await?.pop())
}

/// The script that a version belongs to.
pub(super) async fn of_version(storage: &SqliteStorage, version: VersionId) -> Result<Option<Script>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(WITHOUT_BINDINGS).push(FROM).push(" WHERE s.id = (SELECT script FROM versions WHERE id = ");
    query.push_bind(version.as_uuid().as_bytes().to_vec()).push("))");
    Ok(fetch(storage, query, "read a version's script").await?.pop().map(|row| row.script))
}

pub(super) async fn by_id(storage: &SqliteStorage, id: ScriptId) -> Result<Option<Script>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(WITHOUT_BINDINGS).push(FROM).push(" WHERE s.id = ");
    query.push_bind(id.as_uuid().as_bytes().to_vec()).push(")");
    Ok(fetch(storage, query, "read a script").await?.pop().map(|row| row.script))
}

async fn fetch(
    storage: &SqliteStorage,
    mut query: QueryBuilder<Sqlite>,
    action: &'static str,
) -> Result<Vec<ScriptRow>, StorageError> {
    let json: String = query.build_query_scalar().fetch_one(&storage.readers).await.map_err(database(action))?;
    let records: Vec<RowRecord> = from_json("scripts", &json)?;
    records.into_iter().map(ScriptRow::try_from).collect()
}

fn push_scope(query: &mut QueryBuilder<Sqlite>, account: &AccountId, scope: Scope) {
    match scope {
        Scope::Account => query.push(" WHERE s.namespace IS NULL"),
        Scope::Namespace(id) => query.push(" WHERE s.namespace = ").push_bind(id.as_uuid().as_bytes().to_vec()),
    };
    query.push(" AND s.account = ").push_bind(account.as_str().to_owned());
}

async fn push_filter(
    query: &mut QueryBuilder<Sqlite>,
    storage: &SqliteStorage,
    filter: &ScriptFilter,
) -> Result<(), StorageError> {
    let mut with: Vec<&Tag> = filter.with.iter().collect();
    with.sort();
    with.dedup();
    if with.len() > Tag::MAX_PER_SCRIPT {
        query.push(" AND false");
        return Ok(());
    }
    if with.len() > 1 {
        let first = rarest(storage, &with).await?;
        with.sort_by_key(|tag| tag.as_str() != first);
    }
    for (n, tag) in with.into_iter().enumerate() {
        // The first one leads the search, the others are looked up for what it finds.
        query.push(match n {
            0 => " AND s.id IN (SELECT t.script FROM script_tags t WHERE t.tag = ",
            _ => " AND EXISTS (SELECT 1 FROM script_tags t WHERE t.script = s.id AND t.tag = ",
        });
        query.push_bind(tag.as_str().to_owned()).push(")");
    }
    if !filter.without.is_empty() {
        // As one JSON value: any number of tags is one parameter.
        query.push(" AND NOT EXISTS (SELECT 1 FROM script_tags t WHERE t.script = s.id");
        query.push(" AND t.tag IN (SELECT value FROM json_each(").push_bind(tags_to(&filter.without)?).push(")))");
    }
    Ok(())
}

/// The tag on the fewest scripts, as far as a look at a thousand tells.
async fn rarest(storage: &SqliteStorage, tags: &[&Tag]) -> Result<String, StorageError> {
    let rarest = sqlx::query_scalar(
        "SELECT value FROM json_each(?) ORDER BY
         (SELECT count(*) FROM (SELECT 1 FROM script_tags t WHERE t.tag = value LIMIT 1000)) LIMIT 1",
    );
    let tags: Vec<&str> = tags.iter().map(|tag| tag.as_str()).collect();
    let rarest = rarest.bind(to_json("tags", &tags)?).fetch_one(&storage.readers).await;
    rarest.map_err(database("count tags"))
}

pub(super) async fn update(storage: &SqliteStorage, script: &Script, seen: Timestamp) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    unchanged(&mut tx, script.id, seen).await?;
    write(&mut tx, script).await?;
    // Its plan may be another one, or its tags, or who hears of it.
    change_add(&mut tx, ChangeKind::Script(script.id)).await?;
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
    reference::of_settings(tx, script).await?;
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

/// One element of what [`SELECT`] gives.
#[derive(Deserialize)]
struct RowRecord<'a> {
    id: &'a str,
    account: &'a str,
    /// Empty: none.
    namespace: &'a str,
    name: &'a str,
    tags: Vec<String>,
    settings: SettingsRecord,
    created_on: i64,
    modified_on: i64,
    #[serde(borrow)]
    deployed: Option<VersionInRow<'a>>,
    #[serde(borrow)]
    latest: Option<VersionInRow<'a>>,
}

#[derive(Deserialize)]
struct VersionInRow<'a> {
    id: &'a str,
    number: u32,
    body: VersionRecord,
    bindings: Vec<BindingRecord>,
}

impl TryFrom<RowRecord<'_>> for ScriptRow {
    type Error = StorageError;

    fn try_from(row: RowRecord<'_>) -> Result<Self, StorageError> {
        let id = ScriptId::from_uuid(hex_id(row.id)?);
        let tags = row.tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<_, _>>();
        let version = |version: Option<VersionInRow<'_>>| -> Result<Option<Arc<Version>>, StorageError> {
            let Some(version) = version else { return Ok(None) };
            let version_id = VersionId::from_uuid(hex_id(version.id)?);
            let version = record::version(version_id, id, version.number, version.body, version.bindings)?;
            Ok(Some(Arc::new(version)))
        };
        let (deployed, latest) = (version(row.deployed)?, version(row.latest)?);
        let script = Script {
            id,
            account: account_id(row.account)?,
            scope: scope(row.namespace)?,
            name: ScriptName::parse(row.name).map_err(|e| damaged("a script", e))?,
            tags: tags.map_err(|e| damaged("a tag", e))?,
            settings: row.settings.into(),
            created_on: Timestamp::from_micros(row.created_on),
            modified_on: Timestamp::from_micros(row.modified_on),
        };
        Ok(ScriptRow { latest: latest.or_else(|| deployed.clone()), script, deployed })
    }
}

pub(super) fn account_id(text: &str) -> Result<AccountId, StorageError> {
    AccountId::parse(text).ok_or_else(|| damaged("an account id", text))
}

/// Of the namespace's id as hex, empty for none.
pub(super) fn scope(namespace: &str) -> Result<Scope, StorageError> {
    match namespace {
        "" => Ok(Scope::Account),
        id => Ok(Scope::Namespace(NamespaceId::from_uuid(hex_id(id)?))),
    }
}
