//! What nodes need: the routes as a whole, one of them, and the change feed.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use switchyard_catalog::{
    Change, ChangeKind, NamespaceId, NamespaceName, PlanName, RouteRow, ScriptId, ScriptName, StorageError, Tag,
    TailConsumer, Upstream, VersionId, VersionShare,
};

use super::{
    SqliteStorage, database,
    record::{column, damaged, from_json, hex_id, id, time},
    script::{account_id, scope},
    upstream::UpstreamRecord,
};

/// One JSON array, as for lists of scripts: a node with 100,000 scripts starts with this.
macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT json_group_array(json_array(hex(id), account, hex(namespace), name, namespace_name, hex(version), percentage, assets, tag,
              json(upstream), plan, json(tags), json(consumers)))
             FROM (SELECT s.id, s.account, s.namespace, s.name, n.name AS namespace_name, v.version, v.percentage, s.tags,
                   CASE WHEN instr(s.settings, '\"tail_consumers\"') > 0 THEN json_extract(s.settings, '$.tail_consumers') END
                   AS consumers,
                   EXISTS (SELECT 1 FROM version_assets a WHERE a.version = v.version) AS assets,
                   CASE WHEN instr(x.body, '\"workers/tag\"') > 0
                   THEN json_extract(x.body, '$.annotations.\"workers/tag\"') END AS tag,
                   CASE WHEN instr(x.body, '\"upstream\":') > 0 THEN json_extract(x.body, '$.upstream') END AS upstream,
                   CASE WHEN instr(s.settings, '\"plan\"') > 0 THEN json_extract(s.settings, '$.plan') END AS plan
                   FROM scripts s JOIN deployment_versions v ON v.deployment = s.deployment
                   LEFT JOIN versions x ON x.id = v.version
                   LEFT JOIN namespaces n ON n.id = s.namespace ",
            $where,
            " ORDER BY s.rowid, v.position)"
        )
    };
}

/// Of the connection that reads all routes, in KiB (SQLite's sign): what it reads it reads once.
const LOAD_CACHE: &str = "-2000";

/// In one read transaction, so that the revision is exactly the rows'. On a connection of its own, which takes all
/// that it needed along when it goes: no other query is as large.
pub(super) async fn load(storage: &SqliteStorage) -> Result<(u64, Vec<RouteRow>), StorageError> {
    let options = SqliteConnectOptions::clone(&storage.readers.connect_options()).pragma("cache_size", LOAD_CACHE);
    let mut connection = options.connect().await.map_err(database("open to read"))?;
    let mut tx = connection.begin().await.map_err(database("begin to read"))?;
    let revision = sqlx::query_scalar::<_, i64>("SELECT coalesce(max(revision), 0) FROM changes");
    let revision = revision.fetch_one(&mut *tx).await.map_err(database("read the change feed"))?;
    let json: String =
        sqlx::query_scalar(select!("")).fetch_one(&mut *tx).await.map_err(database("load the routes"))?;
    tx.commit().await.map_err(database("end to read"))?;
    connection.close().await.map_err(database("end to read"))?;
    Ok((revision.unsigned_abs(), routes(&json)?))
}

pub(super) async fn find(storage: &SqliteStorage, script: ScriptId) -> Result<Option<RouteRow>, StorageError> {
    let find = sqlx::query_scalar(select!("WHERE s.id = ?")).bind(script.as_uuid().as_bytes().as_slice());
    let json: String = find.fetch_one(&storage.readers).await.map_err(database("read a route"))?;
    Ok(routes(&json)?.pop())
}

/// One element: a script with one of its deployed versions. None of these strings needs escapes, but the tag
/// of the version, which is as it was sent. The last two are the script's tags and its `tail_consumers`.
#[derive(Deserialize)]
struct RouteRecord<'a>(
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    Option<&'a str>,
    &'a str,
    f64,
    u8,
    Value,
    Option<UpstreamRecord>,
    Option<&'a str>,
    Vec<String>,
    Value,
);

/// Those of one script follow each other.
fn routes(json: &str) -> Result<Vec<RouteRow>, StorageError> {
    let records: Vec<RouteRecord<'_>> = from_json("the routes", json)?;
    let mut routes: Vec<RouteRow> = Vec::with_capacity(records.len());
    for record in records {
        let RouteRecord(
            script,
            account,
            namespace,
            name,
            namespace_name,
            version,
            percentage,
            assets,
            tag,
            upstream,
            plan,
            tags,
            tails,
        ) = record;
        let script = ScriptId::from_uuid(hex_id(script)?);
        let share = VersionShare { version: VersionId::from_uuid(hex_id(version)?), percentage };
        let tag = tag.as_str().map(|tag| (share.version, tag.to_owned()));
        let upstream = upstream.map(Upstream::try_from).transpose()?;
        let upstream = upstream.map(|upstream| (share.version, Arc::new(upstream)));
        match routes.last_mut() {
            Some(last) if last.script == script => {
                last.versions.push(share);
                last.version_tags.extend(tag);
                last.upstreams.extend(upstream);
                last.with_assets.extend((assets > 0).then_some(share.version));
            }
            _ => {
                let namespace_name = namespace_name.map(NamespaceName::parse).transpose();
                routes.push(RouteRow {
                    account: account_id(account)?,
                    scope: scope(namespace)?,
                    namespace: namespace_name.map_err(|e| damaged("a namespace", e))?,
                    script,
                    name: ScriptName::parse(name).map_err(|e| damaged("a script", e))?,
                    versions: vec![share],
                    with_assets: if assets > 0 { vec![share.version] } else { Vec::new() },
                    version_tags: tag.into_iter().collect(),
                    upstreams: upstream.into_iter().collect(),
                    plan: plan.map(PlanName::parse).transpose().map_err(|e| damaged("a script's plan", e))?,
                    tags: tags.iter().filter_map(|tag| Tag::parse(tag).ok()).collect(),
                    // One that an older release let in hears nothing.
                    tail_consumers: TailConsumer::read(&tails).unwrap_or_default(),
                });
            }
        }
    }
    Ok(routes)
}

pub(super) async fn changes_after(
    storage: &SqliteStorage,
    revision: u64,
    limit: u32,
) -> Result<Vec<Change>, StorageError> {
    let gone = || StorageError::Gone("the change feed after this revision");
    let after = i64::try_from(revision).map_err(|_| gone())?;
    let mut tx = storage.readers.begin().await.map_err(database("begin to read"))?;
    // As two queries: SQLite looks an end up only where it is asked for one alone, else it reads all.
    let ends = sqlx::query_as::<_, (Option<i64>, Option<i64>)>(
        "SELECT (SELECT min(revision) FROM changes), (SELECT max(revision) FROM changes)",
    );
    let (first, last) = ends.fetch_one(&mut *tx).await.map_err(database("read the change feed"))?;
    // Behind what is kept, or ahead of a database that was put back from a copy.
    if after < first.map_or(0, |first| first - 1) || after > last.unwrap_or(0) {
        return Err(gone());
    }
    let list = sqlx::query("SELECT revision, at, kind, id FROM changes WHERE revision > ? ORDER BY revision LIMIT ?");
    let rows = list.bind(after).bind(i64::from(limit)).fetch_all(&mut *tx).await;
    let rows = rows.map_err(database("read the change feed"))?;
    tx.commit().await.map_err(database("end to read"))?;
    let changes = rows.iter().map(|row| {
        let id = id(row, "id")?;
        let kind = match column::<&str>(row, "kind")? {
            "script" => ChangeKind::Script(ScriptId::from_uuid(id)),
            "namespace" => ChangeKind::Namespace(NamespaceId::from_uuid(id)),
            other => return Err(damaged("a change", other)),
        };
        Ok(Change { revision: column::<i64>(row, "revision")?.unsigned_abs(), at: time(row, "at")?, kind })
    });
    changes.collect()
}
