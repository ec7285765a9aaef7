//! Deployments: what is live, and a bounded history of it.

use sqlx::{SqliteConnection, sqlite::SqliteRow};
use switchyard_catalog::{ChangeKind, Deployment, DeploymentId, ScriptId, StorageError, VersionId, VersionShare};

use super::{
    SqliteStorage, change_add, database,
    record::{DeploymentRecord, column, from_json, id, time, to_json},
    reference,
};

/// Deployments kept of a script.
const KEEP: i64 = 100;

pub(super) async fn create(storage: &SqliteStorage, deployment: &Deployment) -> Result<(), StorageError> {
    let mut tx = storage.write().await?;
    let script = deployment.script.as_uuid().as_bytes().as_slice();
    let touch = sqlx::query("UPDATE scripts SET modified_on = max(modified_on + 1, ?) WHERE id = ?");
    let touched = touch.bind(deployment.created_on.micros()).bind(script).execute(&mut *tx).await;
    if touched.map_err(database("write a script"))?.rows_affected() == 0 {
        return Err(StorageError::Gone("the script"));
    }
    for share in &deployment.versions {
        let known = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM versions WHERE id = ? AND script = ?");
        let known = known.bind(share.version.as_uuid().as_bytes().as_slice()).bind(script);
        if known.fetch_one(&mut *tx).await.map_err(database("read a version"))? == 0 {
            return Err(StorageError::Gone("the version"));
        }
    }
    insert(&mut tx, deployment).await?;
    change_add(&mut tx, ChangeKind::Script(deployment.script)).await?;
    tx.commit().await.map_err(database("commit a deployment"))
}

/// Writes the rows and makes it the one in force.
pub(super) async fn insert(tx: &mut SqliteConnection, deployment: &Deployment) -> Result<(), StorageError> {
    let bytes = deployment.id.as_uuid().as_bytes().as_slice();
    let script = deployment.script.as_uuid().as_bytes().as_slice();
    let record = DeploymentRecord {
        source: deployment.source.clone(),
        author: deployment.author.clone(),
        annotations: deployment.annotations.clone(),
    };
    let insert = sqlx::query(
        "INSERT INTO deployments (id, script, serial, body, created_on)
         VALUES (?1, ?2, (SELECT coalesce(max(serial), 0) + 1 FROM deployments WHERE script = ?2), ?3, ?4)",
    );
    let insert = insert.bind(bytes).bind(script).bind(to_json("a deployment", &record)?);
    let insert = insert.bind(deployment.created_on.micros()).execute(&mut *tx).await;
    insert.map_err(database("write a deployment"))?;
    let mut larger: Option<&VersionShare> = None;
    for (position, share) in (0_i64..).zip(&deployment.versions) {
        let insert = sqlx::query(
            "INSERT INTO deployment_versions (deployment, position, version, percentage) VALUES (?, ?, ?, ?)",
        );
        let insert = insert.bind(bytes).bind(position).bind(share.version.as_uuid().as_bytes().as_slice());
        let insert = insert.bind(share.percentage).execute(&mut *tx).await;
        insert.map_err(database("write a deployment"))?;
        if larger.is_none_or(|larger| share.percentage > larger.percentage) {
            larger = Some(share);
        }
    }
    let deployed = larger.map(|share| share.version.as_uuid().as_bytes().as_slice());
    let point = sqlx::query("UPDATE scripts SET deployment = ?, deployed = ? WHERE id = ?");
    let point = point.bind(bytes).bind(deployed).bind(script).execute(&mut *tx).await;
    point.map_err(database("write a script"))?;
    reference::of_deployment(tx, script).await?;
    let trim = sqlx::query(
        "DELETE FROM deployments WHERE script = ?1
         AND serial <= (SELECT max(serial) FROM deployments WHERE script = ?1) - ?2",
    );
    trim.bind(script).bind(KEEP).execute(tx).await.map(drop).map_err(database("trim deployments"))
}

pub(super) async fn list(
    storage: &SqliteStorage,
    script: ScriptId,
    limit: u32,
) -> Result<Vec<Deployment>, StorageError> {
    let list = sqlx::query(
        "SELECT d.id, d.body, d.created_on, v.version, v.percentage
         FROM (SELECT * FROM deployments WHERE script = ? ORDER BY serial DESC LIMIT ?) d
         JOIN deployment_versions v ON v.deployment = d.id ORDER BY d.serial DESC, v.position",
    );
    let list = list.bind(script.as_uuid().as_bytes().as_slice()).bind(i64::from(limit));
    let rows = list.fetch_all(&storage.readers).await.map_err(database("list deployments"))?;
    let mut deployments: Vec<Deployment> = Vec::new();
    for row in &rows {
        let deployment = DeploymentId::from_uuid(id(row, "id")?);
        match deployments.last_mut() {
            Some(last) if last.id == deployment => last.versions.push(share(row)?),
            _ => {
                let record: DeploymentRecord = from_json("a deployment", column(row, "body")?)?;
                deployments.push(Deployment {
                    id: deployment,
                    script,
                    versions: vec![share(row)?],
                    source: record.source,
                    author: record.author,
                    annotations: record.annotations,
                    created_on: time(row, "created_on")?,
                });
            }
        }
    }
    Ok(deployments)
}

fn share(row: &SqliteRow) -> Result<VersionShare, StorageError> {
    let version = VersionId::from_uuid(id(row, "version")?);
    Ok(VersionShare { version, percentage: column(row, "percentage")? })
}
