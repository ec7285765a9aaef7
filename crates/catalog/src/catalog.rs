//! The operations on the catalog: every rule of contract §§1–3 is held here and nowhere else.
//!
//! Named `resource_verb`; the actor comes first. `api` parses requests into these calls and prints
//! what they return; the gateway reads routes from [`Storage`] and Workers from
//! [`Catalog::worker_spec`]. One file a resource.

mod account;
mod bindings;
mod deployment;
mod namespace;
mod publish;
mod rules;
mod script;
mod secret;
mod settings;
mod spec;
mod upload;
mod wakeup;

use std::sync::Arc;

pub use script::ScriptPage;
pub use settings::{AccountSettingsPatch, SettingsPatch};
pub use upload::{NewBinding, NewBindingKind, NewScript, Uploaded};
pub use wakeup::Follower;

use crate::{
    AccountId, Blobs, CatalogError, Isolation, Namespace, NamespaceName, Scope, ScriptRef, ScriptRow,
    Storage, StorageError, Timestamp, Validator,
};
use account::TokenCache;
use wakeup::Wakeup;

/// Who asks: one account's token, already verified by [`Catalog::token_verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    /// Written as `created_by`, `modified_by`, `author`.
    pub token_id: String,
}

/// Bounds that an operator may move. The defaults follow contract §5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// Bytes of all modules of one upload together, uncompressed.
    pub max_code_bytes: u64,
    pub max_modules: usize,
    /// Variables and secrets together.
    pub max_variables: usize,
    /// Bytes of one variable or secret.
    pub max_variable_bytes: usize,
    /// Bindings of all kinds together.
    pub max_bindings: usize,
    /// Versions kept of a script, the deployed ones besides.
    pub keep_versions: u32,
    /// How Workers share instances where nothing else is said.
    pub isolation: Isolation,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self {
            max_code_bytes: 32 << 20,
            max_modules: 200,
            max_variables: 128,
            max_variable_bytes: 5 << 10,
            max_bindings: 256,
            keep_versions: 10,
            isolation: Isolation::Auto,
        }
    }
}

/// Everything that can be asked of the catalog. Shared by reference; no operation blocks another
/// for longer than one transaction of the storage.
pub struct Catalog {
    storage: Arc<dyn Storage>,
    blobs: Arc<dyn Blobs>,
    validator: Arc<dyn Validator>,
    settings: CatalogSettings,
    wakeup: Wakeup,
    tokens: TokenCache,
}

impl Catalog {
    pub fn new(
        storage: Arc<dyn Storage>,
        blobs: Arc<dyn Blobs>,
        validator: Arc<dyn Validator>,
        settings: CatalogSettings,
    ) -> Self {
        Self { storage, blobs, validator, settings, wakeup: Wakeup::default(), tokens: TokenCache::default() }
    }

    /// The rows, for those who only read: the gateway's routes.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The address must be the actor's own; then its scope, and the namespace if it is in one.
    async fn scope_of(
        &self,
        actor: &Actor,
        script: &ScriptRef,
    ) -> Result<(Scope, Option<Namespace>), CatalogError> {
        if script.account != actor.account {
            return Err(CatalogError::AccountNotFound);
        }
        match &script.namespace {
            None => Ok((Scope::Account, None)),
            Some(name) => {
                let namespace = self.namespace_or_not_found(actor, name).await?;
                Ok((Scope::Namespace(namespace.id), Some(namespace)))
            }
        }
    }

    async fn namespace_or_not_found(
        &self,
        actor: &Actor,
        name: &NamespaceName,
    ) -> Result<Namespace, CatalogError> {
        let found = self.storage.namespace_find(&actor.account, name).await?;
        found.ok_or(CatalogError::NamespaceNotFound)
    }

    async fn row_of(&self, actor: &Actor, script: &ScriptRef) -> Result<ScriptRow, CatalogError> {
        let (scope, _) = self.scope_of(actor, script).await?;
        let found = self.storage.script_find(&actor.account, scope, &script.name).await?;
        found.ok_or(CatalogError::ScriptNotFound)
    }
}

/// How often an operation is tried again when someone else changed the same row in between.
const RETRIES: u32 = 3;

/// Now, but later than what was there: `modified_on` grows strictly, whatever the clock does, and
/// is what a change is compared with ([`StorageError::Conflict`]).
fn after(previous: Timestamp) -> Timestamp {
    Timestamp::now().max(Timestamp::from_micros(previous.micros().saturating_add(1)))
}

impl From<StorageError> for CatalogError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict => Self::Conflict,
            other => Self::Storage(other),
        }
    }
}
