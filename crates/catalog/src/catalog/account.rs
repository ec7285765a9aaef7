//! Accounts: made at bootstrap, or by an admin's token.

use super::{Actor, Catalog, rules};
use crate::{Account, AccountId, CatalogError, Namespace, NamespaceName, StorageError, TokenScope};

impl Catalog {
    /// Every account of this node.
    pub async fn account_list(&self) -> Result<Vec<Account>, CatalogError> {
        Ok(self.storage.account_list().await?)
    }

    /// Makes the account, or gives it this name. Idempotent.
    pub async fn account_ensure(&self, id: &AccountId, name: &str) -> Result<Account, CatalogError> {
        let account = Account { id: id.clone(), name: name.to_owned() };
        self.storage.account_put(&account).await?;
        Ok(account)
    }

    /// Those that the actor's token is for: its own, or for an admin's all, its own first.
    pub async fn account_list_of(&self, actor: &Actor) -> Result<Vec<Account>, CatalogError> {
        let mut accounts = self.storage.account_list().await?;
        if actor.scope != TokenScope::Admin {
            accounts.retain(|account| account.id == actor.account);
        }
        accounts.sort_by_key(|account| account.id != actor.account);
        Ok(accounts)
    }

    /// # Errors
    /// [`CatalogError::AccountNotFound`].
    pub async fn account_find(&self, id: &AccountId) -> Result<Account, CatalogError> {
        let accounts = self.storage.account_list().await?;
        accounts.into_iter().find(|account| account.id == *id).ok_or(CatalogError::AccountNotFound)
    }

    /// `None`: a fresh id of 32 hex digits.
    ///
    /// # Errors
    /// [`CatalogError::OutOfScope`] unless the actor is an admin; [`CatalogError::AccountExists`];
    /// [`CatalogError::Invalid`] for a bad name.
    pub async fn account_create(
        &self,
        actor: &Actor,
        id: Option<AccountId>,
        name: &str,
    ) -> Result<Account, CatalogError> {
        if actor.scope != TokenScope::Admin {
            return Err(CatalogError::OutOfScope("account"));
        }
        rules::title("an account", name)?;
        let id = id.unwrap_or_else(AccountId::random);
        let account = Account { id, name: name.to_owned() };
        match self.storage.account_create(&account).await {
            Err(StorageError::Exists(_)) => Err(CatalogError::AccountExists),
            Err(other) => Err(other.into()),
            Ok(()) => Ok(account),
        }
    }

    /// # Errors
    /// [`CatalogError::AccountNotFound`], [`CatalogError::Invalid`] for a bad name.
    pub async fn account_rename(&self, actor: &Actor, name: &str) -> Result<Account, CatalogError> {
        actor.needs_account()?;
        rules::title("an account", name)?;
        self.account_find(&actor.account).await?;
        self.account_ensure(&actor.account, name).await
    }

    /// Makes the namespace, unless the account has one of that name. Idempotent.
    pub async fn namespace_ensure(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        match self.namespace_create(actor, name).await {
            Err(CatalogError::NamespaceExists) => self.namespace_find(actor, name).await,
            other => other,
        }
    }
}
