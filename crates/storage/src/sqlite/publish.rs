//! The transaction of an upload: script, version, secrets, deployment, pruning and one line of the
//! change feed, all or nothing.

use serde_json::Value;
use sqlx::SqliteConnection;
use switchyard_catalog::{ChangeKind, Publish, Scope, ScriptId, SecretId, StorageError, VersionId};

use super::{
    SqliteStorage, change_add, database, deployment,
    record::{self, SettingsRecord, hex_list, to_json},
    reference, refused, script, secret,
};

pub(super) async fn publish(storage: &SqliteStorage, publish: &Publish) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    let script_id = publish.script.id;
    let number = match publish.seen {
        None => {
            insert_script(&mut tx, publish).await?;
            1
        }
        Some(seen) => {
            script::unchanged(&mut tx, script_id, seen).await?;
            let number = next_number(&mut tx, script_id, publish.base).await?;
            script::write(&mut tx, &publish.script).await?;
            number
        }
    };
    for (id, value) in &publish.version.secrets {
        secret::insert(&mut tx, &storage.key, script_id, *id, value).await?;
    }
    insert_version(&mut tx, publish, number).await?;
    if let Some(deployment) = &publish.deployment {
        deployment::insert(&mut tx, deployment).await?;
    }
    prune(&mut tx, publish).await?;
    change_add(&mut tx, ChangeKind::Script(script_id)).await?;
    tx.commit().await.map_err(database("commit an upload"))
}

async fn insert_script(tx: &mut SqliteConnection, publish: &Publish) -> Result<(), StorageError> {
    let script = &publish.script;
    let namespace = match &script.scope {
        Scope::Account => None,
        Scope::Namespace(id) => Some(id.as_uuid().as_bytes().as_slice()),
    };
    let tags = script::tags_to(&script.tags)?;
    let insert = sqlx::query(
        "INSERT INTO scripts (id, account, namespace, name, tags, settings, latest, created_on, modified_on)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let insert = insert.bind(script.id.as_uuid().as_bytes().as_slice()).bind(script.account.as_str());
    let insert = insert.bind(namespace).bind(script.name.as_str()).bind(&tags);
    let insert = insert.bind(to_json("settings", &SettingsRecord::from(&script.settings))?);
    let insert = insert.bind(publish.version.version.id.as_uuid().as_bytes().as_slice());
    let insert = insert.bind(script.created_on.micros()).bind(script.modified_on.micros());
    let inserted = insert.execute(&mut *tx).await;
    inserted.map_err(refused("write a script", "the script", "the dispatch namespace")).map_err(|e| match e {
        // Someone else made one of that name.
        StorageError::Exists(_) => StorageError::Conflict,
        other => other,
    })?;
    reference::of_settings(tx, script).await?;
    script::write_tags(tx, script.id, &tags).await
}

/// One more than the newest version's, which must still be `base`.
async fn next_number(
    tx: &mut SqliteConnection,
    script: ScriptId,
    base: Option<VersionId>,
) -> Result<i64, StorageError> {
    let newest = sqlx::query_as::<_, (Vec<u8>, i64)>(
        "SELECT id, number FROM versions WHERE script = ? ORDER BY number DESC LIMIT 1",
    );
    let newest = newest.bind(script.as_uuid().as_bytes().as_slice()).fetch_optional(tx).await;
    let newest = newest.map_err(database("read the newest version"))?;
    let base = base.map(|base| base.as_uuid().as_bytes().to_vec());
    match newest {
        Some((id, number)) if Some(&id) == base.as_ref() => Ok(number + 1),
        None if base.is_none() => Ok(1),
        _ => Err(StorageError::Conflict),
    }
}

async fn insert_version(tx: &mut SqliteConnection, publish: &Publish, number: i64) -> Result<(), StorageError> {
    let version = &publish.version.version;
    let bytes = version.id.as_uuid().as_bytes().as_slice();
    let script = publish.script.id.as_uuid().as_bytes().as_slice();
    let insert = sqlx::query("INSERT INTO versions (id, script, number, body, bindings) VALUES (?, ?, ?, ?, ?)");
    let insert = insert.bind(bytes).bind(script).bind(number).bind(record::version_body(version)?);
    let insert = insert.bind(record::bindings_to(&version.bindings)?).execute(&mut *tx).await;
    insert.map_err(database("write a version"))?;

    let mut digests: Vec<String> = version.code.modules.iter().map(|module| module.digest.hex()).collect();
    if let Some(assets) = &version.assets {
        digests.extend([assets.manifest.hex(), assets.config.hex()]);
        let insert = sqlx::query("INSERT INTO version_assets (version, manifest) VALUES (?, ?)");
        let insert = insert.bind(bytes).bind(assets.manifest.0.as_slice()).execute(&mut *tx).await;
        insert.map_err(database("write a version's assets"))?;
    }
    let blobs =
        sqlx::query("INSERT INTO version_blobs (version, digest) SELECT DISTINCT ?, unhex(value) FROM json_each(?)");
    let blobs = blobs.bind(bytes).bind(Value::from(digests).to_string()).execute(&mut *tx).await;
    blobs.map_err(database("write a version's code"))?;

    let secrets: Vec<SecretId> = version.bindings.iter().filter_map(|binding| binding.kind.secret()).collect();
    if !secrets.is_empty() {
        let insert = sqlx::query(
            "INSERT INTO version_secrets (version, secret) SELECT DISTINCT ?, unhex(value) FROM json_each(?)",
        );
        let insert = insert.bind(bytes).bind(hex_list(secrets.iter().map(SecretId::as_uuid)));
        let inserted = insert.execute(&mut *tx).await;
        inserted.map_err(refused("write a version's secrets", "the secret", "the secret"))?;
    }
    let latest = sqlx::query("UPDATE scripts SET latest = ? WHERE id = ?").bind(bytes).bind(script);
    latest.execute(tx).await.map(drop).map_err(database("write a script"))
}

/// Removes old versions that are not deployed, then the secrets that no version names any more, and
/// those that are to be destroyed whoever names them.
async fn prune(tx: &mut SqliteConnection, publish: &Publish) -> Result<(), StorageError> {
    let script = publish.script.id.as_uuid().as_bytes().as_slice();
    let versions = sqlx::query(
        "DELETE FROM versions WHERE script = ?1
         AND number <= (SELECT number FROM versions WHERE script = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)
         AND id NOT IN (SELECT dv.version FROM scripts s JOIN deployment_versions dv ON dv.deployment = s.deployment
                        WHERE s.id = ?1)",
    );
    let versions = versions.bind(script).bind(i64::from(publish.keep_versions.max(1))).execute(&mut *tx).await;
    let pruned = versions.map_err(database("prune versions"))?.rows_affected();
    if !publish.destroy_secrets.is_empty() {
        let destroy =
            sqlx::query("DELETE FROM secrets WHERE script = ? AND id IN (SELECT unhex(value) FROM json_each(?))");
        let ids = hex_list(publish.destroy_secrets.iter().map(SecretId::as_uuid));
        destroy.bind(script).bind(ids).execute(&mut *tx).await.map_err(database("destroy secrets"))?;
    }
    if pruned > 0 {
        let orphans = sqlx::query(
            "DELETE FROM secrets WHERE script = ?
             AND NOT EXISTS (SELECT 1 FROM version_secrets v WHERE v.secret = secrets.id)",
        );
        orphans.bind(script).execute(tx).await.map_err(database("prune secrets"))?;
    }
    Ok(())
}
