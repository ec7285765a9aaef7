//! Dispatch namespaces (contract §2).

use super::{Actor, Catalog, RETRIES, after};
use crate::{CatalogError, Namespace, NamespaceId, NamespaceName, StorageError, Timestamp};

impl Catalog {
    /// By name, bytewise.
    pub async fn namespace_list(&self, actor: &Actor) -> Result<Vec<Namespace>, CatalogError> {
        Ok(self.storage.namespace_list(&actor.account).await?)
    }

    /// # Errors
    /// [`CatalogError::NamespaceExists`], [`CatalogError::AccountNotFound`].
    pub async fn namespace_create(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        let now = Timestamp::now();
        let namespace = Namespace {
            id: NamespaceId::random(),
            account: actor.account.clone(),
            name: name.clone(),
            trusted_workers: false,
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
        for _ in 0..=RETRIES {
            let mut namespace = self.namespace_or_not_found(actor, name).await?;
            let seen = namespace.modified_on;
            if let Some(new_name) = new_name {
                namespace.name = new_name.clone();
            }
            if let Some(trusted) = trusted_workers {
                namespace.trusted_workers = trusted;
            }
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
        let namespace = self.namespace_or_not_found(actor, name).await?;
        let wake = self.wakeup.guard();
        if !self.storage.namespace_delete(namespace.id).await? {
            return Err(CatalogError::NamespaceNotFound);
        }
        wake.done().await;
        Ok(())
    }
}
