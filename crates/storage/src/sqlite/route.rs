//! What nodes need: the routes as a whole, one of them, and the change feed.

use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{
    Change, ChangeKind, NamespaceId, NamespaceName, RouteRow, ScriptId, ScriptName, StorageError,
};

use super::{
    SqliteStorage,
    account::account_id,
    database,
    deployment::share,
    record::{column, damaged, id, time},
    script::scope,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.account, s.namespace, s.name, n.name AS namespace_name, v.version, v.percentage
             FROM scripts s JOIN deployment_versions v ON v.deployment = s.deployment
             LEFT JOIN namespaces n ON n.id = s.namespace ",
            $rest
        )
    };
}

/// In one read transaction, so that the revision is exactly the rows'.
pub(super) async fn load(storage: &SqliteStorage) -> Result<(u64, Vec<RouteRow>), StorageError> {
    let mut tx = storage.readers.begin().await.map_err(database("begin to read"))?;
    let revision = sqlx::query_scalar::<_, i64>("SELECT coalesce(max(revision), 0) FROM changes");
    let revision = revision.fetch_one(&mut *tx).await.map_err(database("read the change feed"))?;
    let rows = sqlx::query(select!("ORDER BY s.rowid, v.position")).fetch_all(&mut *tx).await;
    let routes = collect(&rows.map_err(database("load the routes"))?)?;
    tx.commit().await.map_err(database("end to read"))?;
    Ok((revision.unsigned_abs(), routes))
}

pub(super) async fn find(storage: &SqliteStorage, script: ScriptId) -> Result<Option<RouteRow>, StorageError> {
    let find = sqlx::query(select!("WHERE s.id = ? ORDER BY v.position"));
    let rows = find.bind(script.as_uuid().as_bytes().as_slice()).fetch_all(&storage.readers).await;
    Ok(collect(&rows.map_err(database("read a route"))?)?.pop())
}

/// A route is one row a version; those of one script follow each other.
fn collect(rows: &[SqliteRow]) -> Result<Vec<RouteRow>, StorageError> {
    let mut routes: Vec<RouteRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let script = ScriptId::from_uuid(id(row, "id")?);
        match routes.last_mut() {
            Some(last) if last.script == script => last.versions.push(share(row)?),
            _ => {
                let namespace = column::<Option<&str>>(row, "namespace_name")?;
                let namespace = namespace.map(NamespaceName::parse).transpose();
                let name = ScriptName::parse(column(row, "name")?);
                routes.push(RouteRow {
                    account: account_id(row, "account")?,
                    scope: scope(row, "namespace")?,
                    namespace: namespace.map_err(|e| damaged("a namespace", e))?,
                    script,
                    name: name.map_err(|e| damaged("a script", e))?,
                    versions: vec![share(row)?],
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
    let ends = sqlx::query_as::<_, (Option<i64>, Option<i64>)>("SELECT min(revision), max(revision) FROM changes");
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
