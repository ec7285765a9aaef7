//! Secrets (contract §3.6). Each change makes a version with the same code and deploys it, so that
//! the Worker sees it without an upload; a deleted value is destroyed in every version.

use super::{
    Actor, Catalog,
    bindings::Planned,
    publish::{Edit, Plan},
};
use crate::{Binding, BindingName, CatalogError, NewSecret, ScriptRef, Version};

impl Catalog {
    /// The newest version's secrets, in its order.
    pub async fn secret_list(&self, actor: &Actor, script: &ScriptRef) -> Result<Vec<Binding>, CatalogError> {
        let row = self.row_of(actor, script).await?;
        let bindings = row.latest.as_ref().map_or(&[][..], |version| &version.bindings);
        Ok(bindings.iter().filter(|binding| binding.kind.secret().is_some()).cloned().collect())
    }

    /// Sets a secret.
    ///
    /// # Errors
    /// [`CatalogError::BindingExists`] when a binding of another kind has the name;
    /// [`CatalogError::LatestNotDeployed`]; the limits of variables.
    pub async fn secret_put(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        name: &BindingName,
        value: impl Into<NewSecret>,
        source: String,
    ) -> Result<(), CatalogError> {
        self.secrets_change(actor, script, vec![(name.clone(), Some(value.into()))], source).await
    }

    /// # Errors
    /// [`CatalogError::SecretNotFound`]; [`CatalogError::LatestNotDeployed`].
    pub async fn secret_delete(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        name: &BindingName,
        source: String,
    ) -> Result<(), CatalogError> {
        self.secrets_change(actor, script, vec![(name.clone(), None)], source).await
    }

    /// Sets (`Some`) and deletes (`None`) several at once: all of it or none.
    ///
    /// # Errors
    /// As [`Catalog::secret_put`] and [`Catalog::secret_delete`].
    pub async fn secrets_change(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        changes: Vec<(BindingName, Option<NewSecret>)>,
        source: String,
    ) -> Result<(), CatalogError> {
        self.publish(actor, script, Edit::Secrets(changes), source).await.map(drop)
    }

    pub(super) async fn secrets_plan(
        &self,
        plan: &mut Plan,
        latest: &Version,
        changes: &[(BindingName, Option<NewSecret>)],
    ) -> Result<(), CatalogError> {
        let mut deleted = Vec::new();
        for (name, value) in changes {
            match latest.bindings.iter().find(|binding| binding.name == *name) {
                Some(binding) if binding.kind.secret().is_none() => match value {
                    Some(_) => return Err(CatalogError::BindingExists(name.as_str().to_owned())),
                    None => return Err(CatalogError::SecretNotFound),
                },
                None if value.is_none() => return Err(CatalogError::SecretNotFound),
                _ => {}
            }
            match value {
                Some(value) => {
                    let secret = Planned::secret(name.clone(), value.clone());
                    match plan.bindings.iter_mut().find(|planned| planned.name == *name) {
                        Some(planned) => *planned = secret,
                        None => plan.bindings.push(secret),
                    }
                }
                None => {
                    plan.bindings.retain(|planned| planned.name != *name);
                    deleted.push(name);
                }
            }
        }
        if deleted.is_empty() {
            return Ok(());
        }
        // Every value that this name ever had and that some version could still show.
        for version in self.storage.version_list(latest.script, u32::MAX).await? {
            for binding in &version.bindings {
                if let Some(secret) = binding.kind.secret()
                    && deleted.contains(&&binding.name)
                {
                    plan.destroy_secrets.push(secret);
                }
            }
        }
        Ok(())
    }
}
