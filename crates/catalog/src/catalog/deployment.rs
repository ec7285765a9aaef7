//! Versions and deployments: what there is, and which of it is live.

use serde_json::{Map, Value};

use super::{Actor, Catalog, rules};
use crate::{
    CatalogError, Deployment, DeploymentId, ScriptRef, StorageError, Timestamp, Version, VersionId, VersionShare,
};

/// Deployments shown of a script's history.
const HISTORY: u32 = 10;

impl Catalog {
    /// Newest first, all that are kept.
    pub async fn version_list(&self, actor: &Actor, script: &ScriptRef) -> Result<Vec<Version>, CatalogError> {
        let row = self.row_of(actor, script).await?;
        Ok(self.storage.version_list(row.script.id, u32::MAX).await?)
    }

    /// # Errors
    /// [`CatalogError::VersionNotFound`], also when it is another script's.
    pub async fn version_find(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        id: VersionId,
    ) -> Result<Version, CatalogError> {
        let row = self.row_of(actor, script).await?;
        let found = self.storage.version_find(id).await?;
        found.filter(|version| version.script == row.script.id).ok_or(CatalogError::VersionNotFound)
    }

    /// Makes one or two versions live, in these shares.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] unless there are one or two different versions whose shares add up
    /// to 100; [`CatalogError::VersionNotFound`].
    pub async fn deployment_create(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        shares: Vec<VersionShare>,
        source: String,
        mut annotations: Map<String, Value>,
    ) -> Result<Deployment, CatalogError> {
        let row = self.row_of(actor, script).await?;
        shares_check(&shares)?;
        annotations.entry("workers/triggered_by").or_insert_with(|| Value::String("deployment".to_owned()));
        rules::annotations(&annotations)?;
        let deployment = Deployment {
            id: DeploymentId::random(),
            script: row.script.id,
            versions: shares,
            source,
            author: actor.token_id.clone(),
            annotations,
            created_on: Timestamp::now(),
        };
        let wake = self.wakeup.guard();
        match self.storage.deployment_create(&deployment).await {
            Ok(()) => {}
            Err(StorageError::Gone("the script")) => return Err(CatalogError::ScriptNotFound),
            Err(StorageError::Gone(_)) => return Err(CatalogError::VersionNotFound),
            Err(other) => return Err(other.into()),
        }
        wake.done().await;
        Ok(deployment)
    }

    /// Newest first, the last ten; the first is the one in force.
    pub async fn deployment_list(&self, actor: &Actor, script: &ScriptRef) -> Result<Vec<Deployment>, CatalogError> {
        let row = self.row_of(actor, script).await?;
        Ok(self.storage.deployment_list(row.script.id, HISTORY).await?)
    }
}

fn shares_check(shares: &[VersionShare]) -> Result<(), CatalogError> {
    let rule = match shares {
        [] | [_, _, _, ..] => "a deployment has one or two versions",
        [first, second] if first.version == second.version => "a deployment names two different versions",
        _ if shares.iter().any(|share| !(0.0..=100.0).contains(&share.percentage)) => {
            "a version's percentage is within 0 to 100"
        }
        _ if (shares.iter().map(|share| share.percentage).sum::<f64>() - 100.0).abs() > 1e-6 => {
            "the percentages of a deployment add up to 100"
        }
        _ => return Ok(()),
    };
    Err(CatalogError::Invalid(rule.to_owned()))
}
