//! Dispatch namespaces (contract §2).

use super::{Actor, Catalog, RETRIES, after, rules};
use crate::{
    CatalogError, Namespace, NamespaceId, NamespaceName, NamespaceSettings, Scope, StorageError, Timestamp, TokenScope,
};

impl Catalog {
    /// By name, bytewise; those that the actor's token is for.
    pub async fn namespace_list(&self, actor: &Actor) -> Result<Vec<Namespace>, CatalogError> {
        let mut namespaces = self.storage.namespace_list(&actor.account).await?;
        match actor.scope {
            TokenScope::Admin | TokenScope::Account => {}
            TokenScope::Namespace(id) => namespaces.retain(|namespace| namespace.id == id),
            TokenScope::Script(_) => return Err(CatalogError::OutOfScope("script")),
        }
        Ok(namespaces)
    }

    /// # Errors
    /// [`CatalogError::NamespaceExists`], [`CatalogError::AccountNotFound`].
    pub async fn namespace_create(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        actor.needs_account()?;
        let now = Timestamp::now();
        let namespace = Namespace {
            id: NamespaceId::random(),
            account: actor.account.clone(),
            name: name.clone(),
            trusted_workers: false,
            settings: NamespaceSettings::default(),
            script_count: 0,
            created_on: now,
            created_by: actor.token_id.clone(),
            modified_on: now,
            modified_by: actor.token_id.clone(),
        };
        let wake = self.wakeup.guard();
        match self.storage.namespace_create(&namespace).await {
            Ok(()) => {}
            Err(StorageError::Exists(_)) => return Err(CatalogError::NamespaceExists),
            Err(StorageError::Gone(_)) => return Err(CatalogError::AccountNotFound),
            Err(other) => return Err(other.into()),
        }
        wake.done().await;
        Ok(namespace)
    }

    /// # Errors
    /// [`CatalogError::NamespaceNotFound`].
    pub async fn namespace_find(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        self.namespace_or_not_found(actor, name).await
    }

    /// What is `None` stays. A new name moves the scripts with it; the old name is free afterwards.
    ///
    /// # Errors
    /// [`CatalogError::NamespaceNotFound`], [`CatalogError::NamespaceExists`].
    pub async fn namespace_update(
        &self,
        actor: &Actor,
        name: &NamespaceName,
        new_name: Option<&NamespaceName>,
        trusted_workers: Option<bool>,
    ) -> Result<Namespace, CatalogError> {
        let change = |namespace: &mut Namespace| {
            if let Some(new_name) = new_name {
                namespace.name = new_name.clone();
            }
            if let Some(trusted) = trusted_workers {
                namespace.trusted_workers = trusted;
            }
        };
        self.namespace_change(actor, name, change).await
    }

    /// Limits, isolation, trust, default outbound and inbound Worker, and destinations of a namespace, as a whole; they
    /// hold for the next request.
    ///
    /// # Errors
    /// [`CatalogError::NamespaceNotFound`]; [`CatalogError::Invalid`] for limits that no Worker could
    /// run under, or destinations that the node
    /// grants to nobody; [`CatalogError::BindingTarget`] for a Worker that is newly named and not there.
    pub async fn namespace_settings_put(
        &self,
        actor: &Actor,
        name: &NamespaceName,
        settings: NamespaceSettings,
        trusted_workers: bool,
    ) -> Result<Namespace, CatalogError> {
        rules::namespace_settings(&settings)?;
        rules::egress(&settings.egress, &self.settings.grantable)?;
        let before = self.namespace_or_not_found(actor, name).await?.settings;
        let named =
            [("outbound", &settings.outbound, &before.outbound), ("inbound", &settings.inbound, &before.inbound)];
        for (what, worker, before) in named {
            // What stands there already may be gone by now; that must not be in the way of other changes.
            if let Some(worker) = worker
                && Some(worker) != before.as_ref()
                && self.storage.script_find(&actor.account, Scope::Account, &worker.service).await?.is_none()
            {
                let message = format!("the {what} Worker {} does not exist", worker.service);
                return Err(CatalogError::BindingTarget(message));
            }
        }
        let change = |namespace: &mut Namespace| {
            namespace.settings = settings.clone();
            namespace.trusted_workers = trusted_workers;
        };
        self.namespace_change(actor, name, change).await
    }

    /// Changes what is there now, again if someone else was faster.
    async fn namespace_change(
        &self,
        actor: &Actor,
        name: &NamespaceName,
        change: impl Fn(&mut Namespace),
    ) -> Result<Namespace, CatalogError> {
        actor.needs_account()?;
        for _ in 0..=RETRIES {
            let mut namespace = self.namespace_or_not_found(actor, name).await?;
            let seen = namespace.modified_on;
            change(&mut namespace);
            namespace.modified_on = after(seen);
            namespace.modified_by = actor.token_id.clone();
            let wake = self.wakeup.guard();
            match self.storage.namespace_update(&namespace, seen).await {
                Ok(()) => {
                    wake.done().await;
                    return Ok(namespace);
                }
                Err(StorageError::Exists(_)) => return Err(CatalogError::NamespaceExists),
                Err(StorageError::Gone(_)) => return Err(CatalogError::NamespaceNotFound),
                Err(StorageError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(CatalogError::Conflict)
    }

    /// Its scripts go with it.
    ///
    /// # Errors
    /// [`CatalogError::NamespaceNotFound`].
    pub async fn namespace_delete(&self, actor: &Actor, name: &NamespaceName) -> Result<(), CatalogError> {
        actor.needs_account()?;
        let namespace = self.namespace_or_not_found(actor, name).await?;
        let wake = self.wakeup.guard();
        if !self.storage.namespace_delete(namespace.id).await? {
            return Err(CatalogError::NamespaceNotFound);
        }
        wake.done().await;
        Ok(())
    }
}
