//! The rows the catalog needs kept. One suite runs against every implementation.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;

use crate::{
    Account, AccountId, Asset, AssetHash, AssetOwner, BlobDigest, Deployment, Namespace, NamespaceId, NamespaceName,
    PlanName, Reference, Scope, Script, ScriptId, ScriptName, Secret, SecretId, Tag, TailConsumer, Timestamp, Token,
    TokenHash, TokenRow, Upstream, Version, VersionId, VersionShare,
};

/// Rows, in transactions. Every method is one transaction: all of it or none, durable when it returns.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    // Accounts and tokens
    /// Inserts, or renames what is there.
    async fn account_put(&self, account: &Account) -> Result<(), StorageError>;
    /// # Errors
    /// [`StorageError::Exists`] when there is one with that id.
    async fn account_create(&self, account: &Account) -> Result<(), StorageError>;
    async fn account_list(&self) -> Result<Vec<Account>, StorageError>;
    /// Inserts; one with the same hash is left as it is.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when there is no such account; so for namespaces.
    async fn token_put(&self, token: &Token) -> Result<(), StorageError>;
    async fn token_find(&self, hash: &TokenHash) -> Result<Option<Token>, StorageError>;
    /// Those that are not revoked, the oldest first, at most `limit`.
    async fn token_list(&self, account: &AccountId, limit: u32) -> Result<Vec<TokenRow>, StorageError>;
    /// Revokes it, whatever its hash. False: there is none, or it is revoked already.
    async fn token_revoke(&self, account: &AccountId, id: &str, at: Timestamp) -> Result<bool, StorageError>;
    /// Gives it another hash; the old one is kept as revoked. False: there is none, or it is revoked.
    async fn token_roll(
        &self,
        account: &AccountId,
        id: &str,
        hash: &TokenHash,
        at: Timestamp,
    ) -> Result<bool, StorageError>;

    // Namespaces
    /// # Errors
    /// [`StorageError::Exists`] when the account has one of that name.
    async fn namespace_create(&self, namespace: &Namespace) -> Result<(), StorageError>;
    /// By name, bytewise.
    async fn namespace_list(&self, account: &AccountId) -> Result<Vec<Namespace>, StorageError>;
    async fn namespace_find(
        &self,
        account: &AccountId,
        name: &NamespaceName,
    ) -> Result<Option<Namespace>, StorageError>;
    /// Writes name, `trusted_workers`, settings and `modified_*`.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when another has that name, [`StorageError::Gone`] when it was deleted,
    /// [`StorageError::Conflict`] when its `modified_on` is not `seen` any more.
    async fn namespace_update(&self, namespace: &Namespace, seen: Timestamp) -> Result<(), StorageError>;
    /// Its scripts, versions and secrets go with it. False: there was none.
    async fn namespace_delete(&self, id: NamespaceId) -> Result<bool, StorageError>;

    // Scripts
    /// By name, bytewise, those after `after`, at most `limit`. The versions come **without their
    /// bindings**: a page of 1,000 scripts must not load their variables, up to 640 KB each.
    async fn script_list(
        &self,
        account: &AccountId,
        scope: Scope,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
        limit: u32,
    ) -> Result<Vec<ScriptRow>, StorageError>;
    async fn script_find(
        &self,
        account: &AccountId,
        scope: Scope,
        name: &ScriptName,
    ) -> Result<Option<ScriptRow>, StorageError>;
    /// For those who know only its id.
    async fn script_by_id(&self, id: ScriptId) -> Result<Option<Script>, StorageError>;
    /// Makes a version and, unless `deployment` is `None`, deploys it; makes the script if it is new.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when `base` is not the script's newest version any more, or the
    /// script was changed since `seen`; [`StorageError::Gone`] when script or namespace were deleted
    /// meanwhile, or a secret that a binding names.
    async fn script_publish(&self, publish: &Publish) -> Result<(), StorageError>;
    /// Writes tags and settings (not the code), with `modified_on`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its `modified_on` is not `seen` any more,
    /// [`StorageError::Gone`] when it was deleted.
    async fn script_update(&self, script: &Script, seen: Timestamp) -> Result<(), StorageError>;
    /// Who needs this Worker of the account: by bindings of what is deployed, or by `tail_consumers`. Not
    /// the Worker itself. At most `limit`, these by name.
    async fn script_references(&self, to: &Script, limit: u32) -> Result<Vec<Reference>, StorageError>;
    /// Versions, deployments and secrets go with them. Returns those that were there, in order.
    async fn script_delete(&self, ids: &[ScriptId]) -> Result<Vec<ScriptId>, StorageError>;

    // Versions, deployments, secrets
    async fn version_find(&self, id: VersionId) -> Result<Option<Version>, StorageError>;
    /// The script that a version belongs to, with its namespace, for those who know only the version.
    async fn version_owner(&self, id: VersionId) -> Result<Option<(Script, Option<Namespace>)>, StorageError>;
    /// Newest first.
    async fn version_list(&self, script: ScriptId, limit: u32) -> Result<Vec<Version>, StorageError>;
    /// Also raises the script's `modified_on`.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when the script ("the script") or one of the versions is not there.
    async fn deployment_create(&self, deployment: &Deployment) -> Result<(), StorageError>;
    /// Newest first; the first is the one in force.
    async fn deployment_list(&self, script: ScriptId, limit: u32) -> Result<Vec<Deployment>, StorageError>;
    /// The values of these secrets, decrypted; missing ones are left out.
    async fn secrets_load(&self, ids: &[SecretId]) -> Result<Vec<(SecretId, Secret)>, StorageError>;

    // For the node
    /// Every deployed script: what the gateway's routes table is filled from. With the revision it is of.
    async fn routes_load(&self) -> Result<(u64, Vec<RouteRow>), StorageError>;
    /// What changed after that revision, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when lines after that revision were trimmed: load the routes anew.
    async fn changes_after(&self, revision: u64, limit: u32) -> Result<Vec<Change>, StorageError>;
    /// The route of one script now; `None` when it is gone or nothing is deployed.
    async fn route_find(&self, script: ScriptId) -> Result<Option<RouteRow>, StorageError>;
    /// A namespace by its id: its name now, for changes that touch a namespace.
    async fn namespace_by_id(&self, id: NamespaceId) -> Result<Option<Namespace>, StorageError>;
    // Static assets
    /// Those of these hashes that are kept, with the time of asking, so that no sweep takes them soon.
    /// A time less than an hour old is not written again.
    async fn assets_claim(
        &self,
        owner: &AssetOwner,
        hashes: &[AssetHash],
        at: Timestamp,
    ) -> Result<Vec<Asset>, StorageError>;
    /// Keeps a file; one with the same hash is left as it is, but for its time.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when there is no such account or namespace.
    async fn asset_put(&self, owner: &AssetOwner, asset: &Asset, at: Timestamp) -> Result<(), StorageError>;
    /// Those who have files that nobody has asked for since.
    async fn asset_owners(&self, before: Timestamp) -> Result<Vec<AssetOwner>, StorageError>;
    /// The manifests that versions of this owner's scripts name.
    async fn asset_manifests(&self, owner: &AssetOwner) -> Result<Vec<BlobDigest>, StorageError>;
    /// The files that nobody has asked for since.
    async fn assets_unused(&self, owner: &AssetOwner, before: Timestamp) -> Result<Vec<AssetHash>, StorageError>;
    /// Removes those of these that still nobody has asked for since; returns how many.
    async fn assets_delete(
        &self,
        owner: &AssetOwner,
        hashes: &[AssetHash],
        before: Timestamp,
    ) -> Result<u64, StorageError>;

    /// Every blob that some version or asset names.
    async fn blobs_in_use(&self) -> Result<HashSet<BlobDigest>, StorageError>;
    /// Every version that is kept, of all accounts.
    async fn versions_kept(&self) -> Result<HashSet<VersionId>, StorageError>;
}

/// Which scripts a list wants: all of `with` and none of `without` (contract §3.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptFilter {
    pub with: Vec<Tag>,
    pub without: Vec<Tag>,
}

/// A script, with what is deployed of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptRow {
    pub script: Script,
    /// The version in force: of a split deployment, the one with the larger share. `None`: nothing deployed.
    pub deployed: Option<Arc<Version>>,
    /// The newest version, deployed or not; mostly the same.
    pub latest: Option<Arc<Version>>,
}

/// One transaction of an upload.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Inserted when new; else tags, settings and `modified_on` are written.
    pub script: Script,
    /// The newest version when this upload was prepared; `None` for a new script.
    pub base: Option<VersionId>,
    /// The script's `modified_on` then; `None` for a new script.
    pub seen: Option<Timestamp>,
    pub version: NewVersion,
    /// `None`: the version is kept but not deployed.
    pub deployment: Option<Deployment>,
    /// Values destroyed in this transaction, whatever versions name them.
    pub destroy_secrets: Vec<SecretId>,
    /// Versions kept a script, the deployed ones besides; older ones go in this transaction.
    pub keep_versions: u32,
}

/// A version with the values of those secrets that are new with it. Its `number` is given by storage.
#[derive(Debug, Clone)]
pub struct NewVersion {
    pub version: Version,
    pub secrets: Vec<(SecretId, Secret)>,
}

/// One line of the routes table.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteRow {
    pub account: AccountId,
    pub scope: Scope,
    /// The namespace's name now.
    pub namespace: Option<NamespaceName>,
    pub script: ScriptId,
    pub name: ScriptName,
    pub versions: Vec<VersionShare>,
    /// Those of the versions that have static assets.
    pub with_assets: Vec<VersionId>,
    /// Those of the versions that have a tag (their annotation `workers/tag`), with it.
    pub version_tags: Vec<(VersionId, String)>,
    /// Those of the versions that are origins instead of code.
    pub upstreams: Vec<(VersionId, Arc<Upstream>)>,
    /// The script's own; the namespace's is in its settings.
    pub plan: Option<PlanName>,
    pub tags: Vec<Tag>,
    pub tail_consumers: Vec<TailConsumer>,
}

/// One line of the change feed. A notification is only a wake-up; this is the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub revision: u64,
    pub at: Timestamp,
    pub kind: ChangeKind,
}

/// What moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A script was made, changed, deployed, or deleted.
    Script(ScriptId),
    /// A namespace was made, renamed, changed, or deleted.
    Namespace(NamespaceId),
}

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("{0} exists already")]
    Exists(&'static str),
    #[error("{0} is not there any more")]
    Gone(&'static str),
    #[error("the script was changed at the same time")]
    Conflict,
    #[error("the database could not {action}")]
    Database { action: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
}
