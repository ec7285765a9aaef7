//! Which Workers a script needs, kept beside what says so, so that asking who needs one is a look into an index.

use sqlx::SqliteConnection;
use switchyard_catalog::{BindingName, NamespaceName, Reference, ReferenceUsage, Script, ScriptName, StorageError};

use super::{
    SqliteStorage, database,
    record::{column, damaged, name},
};

/// Those of a script's deployment, which was just written.
pub(super) async fn of_deployment(tx: &mut SqliteConnection, script: &[u8]) -> Result<(), StorageError> {
    let clear = sqlx::query("DELETE FROM script_references WHERE script = ? AND usage <> 'tail'");
    clear.bind(script).execute(&mut *tx).await.map_err(database("write a script's references"))?;
    // Two versions may have the same binding.
    let insert = sqlx::query(
        "INSERT OR IGNORE INTO script_references (script, usage, binding, account, worker, namespace)
         SELECT s.id, CASE json_extract(b.value, '$.type') WHEN 'service' THEN 'service' ELSE 'outbound' END,
                json_extract(b.value, '$.name'), s.account,
                coalesce(json_extract(b.value, '$.service'), json_extract(b.value, '$.outbound.service')),
                json_extract(b.value, '$.namespace')
         FROM scripts s
         JOIN deployment_versions d ON d.deployment = s.deployment
         JOIN versions v ON v.id = d.version
         JOIN json_each(v.bindings) b
         WHERE s.id = ? AND json_extract(b.value, '$.type') IN ('service', 'dispatch_namespace')
         AND coalesce(json_extract(b.value, '$.service'), json_extract(b.value, '$.outbound.service')) IS NOT NULL",
    );
    let inserted = insert.bind(script).execute(tx).await;
    inserted.map(drop).map_err(database("write a script's references"))
}

/// Those of a script's settings, which were just written. A consumer in a dispatch namespace is none of
/// the account's own Workers.
pub(super) async fn of_settings(tx: &mut SqliteConnection, script: &Script) -> Result<(), StorageError> {
    let bytes = script.id.as_uuid().as_bytes().as_slice();
    let clear = sqlx::query("DELETE FROM script_references WHERE script = ? AND usage = 'tail'").bind(bytes);
    clear.execute(&mut *tx).await.map_err(database("write a script's references"))?;
    if script.settings.tail_consumers.is_none() {
        return Ok(());
    }
    let insert = sqlx::query(
        "INSERT OR IGNORE INTO script_references (script, usage, binding, account, worker)
         SELECT s.id, 'tail', '', s.account, json_extract(s.settings, t.fullkey || '.service')
         FROM scripts s JOIN json_each(s.settings, '$.tail_consumers') t
         WHERE s.id = ? AND json_extract(s.settings, t.fullkey || '.service') IS NOT NULL
         AND json_extract(s.settings, t.fullkey || '.namespace') IS NULL",
    );
    let inserted = insert.bind(bytes).execute(tx).await;
    inserted.map(drop).map_err(database("write a script's references"))
}

/// Who needs this Worker of the account, but for itself.
pub(super) async fn list(storage: &SqliteStorage, to: &Script, limit: u32) -> Result<Vec<Reference>, StorageError> {
    let list = sqlx::query(
        "SELECT r.usage, r.binding, r.namespace AS bound, s.name, n.name AS namespace
         FROM script_references r JOIN scripts s ON s.id = r.script LEFT JOIN namespaces n ON n.id = s.namespace
         WHERE r.account = ? AND r.worker = ? AND r.script <> ? LIMIT ?",
    );
    let list = list.bind(to.account.as_str()).bind(to.name.as_str());
    let list = list.bind(to.id.as_uuid().as_bytes().as_slice()).bind(i64::from(limit));
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list references"))?;
    let references = rows.iter().map(|row| {
        let binding = || name(row, "binding", BindingName::parse);
        let usage = match column::<&str>(row, "usage")? {
            "service" => ReferenceUsage::Service { binding: binding()? },
            "outbound" => {
                let namespace = name(row, "bound", NamespaceName::parse)?;
                ReferenceUsage::Outbound { binding: binding()?, namespace }
            }
            _ => ReferenceUsage::Tail,
        };
        let namespace = column::<Option<&str>>(row, "namespace")?.map(NamespaceName::parse).transpose();
        Ok(Reference {
            namespace: namespace.map_err(|e| damaged("a namespace", e))?,
            script: name(row, "name", ScriptName::parse)?,
            usage,
        })
    });
    let mut references = references.collect::<Result<Vec<_>, StorageError>>()?;
    references.sort();
    Ok(references)
}
