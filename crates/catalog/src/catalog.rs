//! The operations on the catalog: every rule of contract §§1–3 is held here and nowhere else.
//!
//! Named `resource_verb`; the actor comes first. `api` parses requests into these calls and prints
//! what they return; the gateway reads routes from [`Storage`] and Workers from
//! [`Catalog::worker_spec`]. One file a resource.

mod account;
mod asset_rules;
mod asset_token;
mod assets;
mod bindings;
mod code_size;
mod deployment;
mod namespace;
mod publish;
mod reference;
mod rules;
mod script;
mod secret;
mod settings;
mod spec;
mod tail;
mod token;
mod upload;
mod upstream;
mod wakeup;

use std::sync::Arc;

pub use asset_token::{AssetKey, AssetToken, AssetTokenError, AssetTokenKind};
pub use assets::{AssetSession, AssetSite, NewAsset};
pub use script::ScriptPage;
pub use settings::{AccountSettingsPatch, SettingsPatch};
pub use token::{NewToken, NewTokenScope};
pub use upload::{NewAssets, NewBinding, NewBindingKind, NewScript, NewSecret, Precondition, Uploaded};
pub use wakeup::Follower;

use ipnet::IpNet;

use crate::{
    AccountId, Blobs, CatalogError, Isolation, Namespace, NamespaceName, OriginPolicy, PlanName, Scope, Script,
    ScriptRef, ScriptRow, Storage, StorageError, Timestamp, TokenScope, Validator,
};
use token::TokenCache;
use wakeup::Wakeup;

/// Who asks: one account's token, already verified by [`Catalog::token_verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    /// Written as `created_by`, `modified_by`, `author`.
    pub token_id: String,
    /// What lies outside of it is, to this actor, not there.
    pub scope: TokenScope,
    /// What it deploys is held to this plan.
    pub plan: Option<PlanName>,
}

impl Actor {
    /// One that may do everything in the account.
    pub fn of_account(account: AccountId, token_id: impl Into<String>) -> Self {
        Self { account, token_id: token_id.into(), scope: TokenScope::Account, plan: None }
    }

    /// # Errors
    /// [`CatalogError::OutOfScope`] for tokens of less than an account.
    fn needs_account(&self) -> Result<(), CatalogError> {
        match self.scope {
            TokenScope::Admin | TokenScope::Account => Ok(()),
            TokenScope::Namespace(_) => Err(CatalogError::OutOfScope("namespace")),
            TokenScope::Script(_) => Err(CatalogError::OutOfScope("script")),
        }
    }
}

/// Bounds that an operator may move. The defaults follow contract §5.2.
#[derive(Debug, Clone)]
pub struct CatalogSettings {
    /// Bytes of all modules of one upload together, uncompressed.
    pub max_code_bytes: u64,
    /// … where the main module is a wasm component, whose code is much larger for the same.
    pub max_component_bytes: u64,
    /// … compressed with gzip, source maps left out: the limit that Cloudflare has.
    pub max_compressed_code_bytes: u64,
    pub max_modules: usize,
    /// Variables and secrets together.
    pub max_variables: usize,
    /// Bytes of one variable or secret.
    pub max_variable_bytes: usize,
    /// Bindings of all kinds together.
    pub max_bindings: usize,
    /// Versions kept of a script, the deployed ones besides.
    pub keep_versions: u32,
    /// Static assets of a version.
    pub max_assets: usize,
    /// Bytes of one asset.
    pub max_asset_bytes: u64,
    /// Signs assets uploads. By default one of this process alone.
    pub asset_key: AssetKey,
    /// How Workers share instances where nothing else is said.
    pub isolation: Isolation,
    /// Networks beyond the public internet that a namespace may be granted.
    pub grantable: Vec<IpNet>,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self {
            max_code_bytes: 32 << 20,
            max_component_bytes: 64 << 20,
            max_compressed_code_bytes: 10 << 20,
            max_modules: 200,
            max_variables: 128,
            max_variable_bytes: 5 << 10,
            max_bindings: 256,
            keep_versions: 100,
            max_assets: 20_000,
            max_asset_bytes: 25 << 20,
            asset_key: AssetKey::random(),
            isolation: Isolation::Auto,
            grantable: Vec::new(),
        }
    }
}

/// Everything that can be asked of the catalog. Shared by reference; no operation blocks another
/// for longer than one transaction of the storage.
pub struct Catalog {
    storage: Arc<dyn Storage>,
    blobs: Arc<dyn Blobs>,
    validator: Arc<dyn Validator>,
    /// `None`: no script can be an upstream.
    origins: Option<Arc<dyn OriginPolicy>>,
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
        let (wakeup, tokens) = (Wakeup::default(), TokenCache::default());
        Self { storage, blobs, validator, origins: None, settings, wakeup, tokens }
    }

    /// Scripts may be upstreams, as far as this says.
    #[must_use]
    pub fn with_origins(self, origins: Arc<dyn OriginPolicy>) -> Self {
        Self { origins: Some(origins), ..self }
    }

    /// The rows, for those who only read: the gateway's routes.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The address must be the actor's own; then its scope, and the namespace if it is in one.
    async fn scope_of(&self, actor: &Actor, script: &ScriptRef) -> Result<(Scope, Option<Namespace>), CatalogError> {
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

    /// A namespace that the actor's token is not for is not there.
    async fn namespace_or_not_found(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        let found = self.storage.namespace_find(&actor.account, name).await?;
        let namespace = found.ok_or(CatalogError::NamespaceNotFound)?;
        let within = match actor.scope {
            TokenScope::Admin | TokenScope::Account => true,
            TokenScope::Namespace(id) => id == namespace.id,
            TokenScope::Script(id) => {
                let script = self.storage.script_by_id(id).await?;
                script.is_some_and(|script| script.scope == Scope::Namespace(namespace.id))
            }
        };
        if within { Ok(namespace) } else { Err(CatalogError::NamespaceNotFound) }
    }

    /// A script that the actor's token is not for is not there.
    async fn row_of(&self, actor: &Actor, script: &ScriptRef) -> Result<ScriptRow, CatalogError> {
        let (scope, _) = self.scope_of(actor, script).await?;
        let found = self.storage.script_find(&actor.account, scope, &script.name).await?;
        found.filter(|row| actor.may_see(&row.script)).ok_or(CatalogError::ScriptNotFound)
    }
}

impl Actor {
    fn sees_account(&self) -> bool {
        matches!(self.scope, TokenScope::Admin | TokenScope::Account)
    }

    fn may_see(&self, script: &Script) -> bool {
        match self.scope {
            TokenScope::Admin | TokenScope::Account => true,
            TokenScope::Namespace(id) => script.scope == Scope::Namespace(id),
            TokenScope::Script(id) => script.id == id,
        }
    }

    /// Whether it may make or replace what is (or is not) there under a name.
    ///
    /// # Errors
    /// [`CatalogError::OutOfScope`], the same whether or not there is such a script.
    fn may_upload(&self, scope: Scope, before: Option<&ScriptRow>) -> Result<(), CatalogError> {
        match self.scope {
            TokenScope::Admin | TokenScope::Account => Ok(()),
            TokenScope::Namespace(id) if scope == Scope::Namespace(id) => Ok(()),
            TokenScope::Namespace(_) => Err(CatalogError::OutOfScope("namespace")),
            TokenScope::Script(id) if before.is_some_and(|row| row.script.id == id) => Ok(()),
            TokenScope::Script(_) => Err(CatalogError::OutOfScope("script")),
        }
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
