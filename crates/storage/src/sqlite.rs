//! `Storage` in one SQLite file: WAL, every commit synced. One connection writes, four read.

mod account;
mod asset;
mod deployment;
mod namespace;
mod publish;
mod record;
mod reference;
mod route;
mod script;
mod secret;
mod upstream;
mod version;

use std::{collections::HashSet, path::Path, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Sqlite, SqliteConnection, SqlitePool, Transaction,
    error::ErrorKind,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use switchyard_catalog::{
    Account, AccountId, Asset, AssetHash, AssetOwner, BlobDigest, Change, ChangeKind, Deployment, Namespace,
    NamespaceId, NamespaceName, Publish, Reference, RouteRow, Scope, Script, ScriptFilter, ScriptId, ScriptName,
    ScriptRow, Secret, SecretId, Storage, StorageError, Timestamp, Token, TokenHash, TokenRow, Version, VersionId,
};

use crate::{OpenError, SecretKey};

pub(crate) use version::blobs_named;

/// Under the data folder.
const FILE: &str = "catalog.sqlite";
const READERS: u32 = 4;
/// The longest wait for a connection or for the database's lock.
const WAIT: Duration = Duration::from_secs(10);
/// Rows that a connection's thread may read ahead: a whole page of a list without a hand-over a row.
const ROWS_AHEAD: usize = 1_024;
/// Of each connection, in KiB (SQLite's sign): the rows of ten thousand scripts fit.
const PAGE_CACHE: &str = "-12000";
/// Lines of the change feed that are kept.
const KEEP_CHANGES: i64 = 10_000;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::sqlx_macros::migrate!("migrations/sqlite");

/// The database of one node.
pub struct SqliteStorage {
    /// One connection: writers queue here, in order, instead of in SQLite's busy loop.
    writer: SqlitePool,
    readers: SqlitePool,
    key: SecretKey,
}

impl SqliteStorage {
    /// Opens or makes `dir/catalog.sqlite` and brings its schema up to date.
    ///
    /// # Errors
    /// [`OpenError::WrongSecretKey`] when its secrets were encrypted with another key.
    pub async fn open(dir: &Path, key: SecretKey) -> Result<Self, OpenError> {
        let path = dir.join(FILE);
        let failed = |action| {
            let path = path.clone();
            move |e: sqlx::Error| OpenError::Database { action, path, source: Box::new(e) }
        };
        std::fs::create_dir_all(dir).map_err(|source| OpenError::Io {
            action: "make the data folder",
            path: dir.to_owned(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            .row_buffer_size(ROWS_AHEAD)
            .pragma("cache_size", PAGE_CACHE)
            // A deleted secret's bytes are overwritten, not only unlinked.
            .pragma("secure_delete", "on");
        let pool = |max| {
            SqlitePoolOptions::new()
                .max_connections(max)
                .acquire_timeout(WAIT)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed("open"))?;
        MIGRATIONS.run(&writer).await.map_err(|e| failed("migrate")(e.into()))?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "on")).await;
        let storage = Self { writer, readers: readers.map_err(failed("open"))?, key };
        let foreign = sqlx::query_scalar("SELECT key_id FROM secrets WHERE key_id <> ? LIMIT 1");
        let foreign = foreign.bind(storage.key.id()).fetch_optional(&storage.readers).await;
        if let Some(found) = foreign.map_err(failed("read"))? {
            return Err(OpenError::WrongSecretKey { path, found, ours: storage.key.id().to_owned() });
        }
        Ok(storage)
    }

    /// Waits for what is under way and closes the file; the next `open` finds it checkpointed.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its first moment: what it reads stays true.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StorageError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(database("begin a transaction"))
    }
}

/// For errors that no rule of ours explains.
fn database(action: &'static str) -> impl FnOnce(sqlx::Error) -> StorageError {
    move |e| StorageError::Database { action, source: Box::new(e) }
}

/// As [`database`], for writes: a unique index says `Exists`, a foreign key `Gone`.
fn refused(action: &'static str, exists: &'static str, gone: &'static str) -> impl FnOnce(sqlx::Error) -> StorageError {
    move |e| match e.as_database_error().map(|e| e.kind()) {
        Some(ErrorKind::UniqueViolation) => StorageError::Exists(exists),
        Some(ErrorKind::ForeignKeyViolation) => StorageError::Gone(gone),
        _ => database(action)(e),
    }
}

/// One line of the change feed, in the transaction of the change itself.
async fn change_add(tx: &mut SqliteConnection, kind: ChangeKind) -> Result<(), StorageError> {
    let (kind, id) = match kind {
        ChangeKind::Script(id) => ("script", *id.as_uuid()),
        ChangeKind::Namespace(id) => ("namespace", *id.as_uuid()),
    };
    let insert = sqlx::query("INSERT INTO changes (at, kind, id) VALUES (?, ?, ?)");
    let insert = insert.bind(Timestamp::now().micros()).bind(kind).bind(id.as_bytes().as_slice());
    let done = insert.execute(&mut *tx).await.map_err(database("write the change feed"))?;
    let trim = sqlx::query("DELETE FROM changes WHERE revision <= ?");
    let trim = trim.bind(done.last_insert_rowid() - KEEP_CHANGES).execute(tx).await;
    trim.map(drop).map_err(database("trim the change feed"))
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn account_put(&self, account: &Account) -> Result<(), StorageError> {
        account::put(self, account).await
    }

    async fn account_create(&self, account: &Account) -> Result<(), StorageError> {
        account::create(self, account).await
    }

    async fn account_list(&self) -> Result<Vec<Account>, StorageError> {
        account::list(self).await
    }

    async fn token_put(&self, token: &Token) -> Result<(), StorageError> {
        account::token_put(self, token).await
    }

    async fn token_find(&self, hash: &TokenHash) -> Result<Option<Token>, StorageError> {
        account::token_find(self, hash).await
    }

    async fn token_list(&self, account: &AccountId, limit: u32) -> Result<Vec<TokenRow>, StorageError> {
        account::token_list(self, account, limit).await
    }

    async fn token_revoke(&self, account: &AccountId, id: &str, at: Timestamp) -> Result<bool, StorageError> {
        account::token_revoke(self, account, id, at).await
    }

    async fn token_roll(
        &self,
        account: &AccountId,
        id: &str,
        hash: &TokenHash,
        at: Timestamp,
    ) -> Result<bool, StorageError> {
        account::token_roll(self, account, id, hash, at).await
    }

    async fn namespace_create(&self, namespace: &Namespace) -> Result<(), StorageError> {
        namespace::create(self, namespace).await
    }

    async fn namespace_list(&self, account: &AccountId) -> Result<Vec<Namespace>, StorageError> {
        namespace::list(self, account).await
    }

    async fn namespace_find(
        &self,
        account: &AccountId,
        name: &NamespaceName,
    ) -> Result<Option<Namespace>, StorageError> {
        namespace::find(self, account, name).await
    }

    async fn namespace_update(&self, namespace: &Namespace, seen: Timestamp) -> Result<(), StorageError> {
        namespace::update(self, namespace, seen).await
    }

    async fn namespace_delete(&self, id: NamespaceId) -> Result<bool, StorageError> {
        namespace::delete(self, id).await
    }

    async fn script_list(
        &self,
        account: &AccountId,
        scope: Scope,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
        limit: u32,
    ) -> Result<Vec<ScriptRow>, StorageError> {
        script::list(self, account, scope, filter, after, limit).await
    }

    async fn script_find(
        &self,
        account: &AccountId,
        scope: Scope,
        name: &ScriptName,
    ) -> Result<Option<ScriptRow>, StorageError> {
        script::find(self, account, scope, name).await
    }

    async fn script_by_id(&self, id: ScriptId) -> Result<Option<Script>, StorageError> {
        script::by_id(self, id).await
    }

    async fn script_publish(&self, publish: &Publish) -> Result<(), StorageError> {
        publish::publish(self, publish).await
    }

    async fn script_update(&self, script: &Script, seen: Timestamp) -> Result<(), StorageError> {
        script::update(self, script, seen).await
    }

    async fn script_references(&self, to: &Script, limit: u32) -> Result<Vec<Reference>, StorageError> {
        reference::list(self, to, limit).await
    }

    async fn script_delete(&self, ids: &[ScriptId]) -> Result<Vec<ScriptId>, StorageError> {
        script::delete(self, ids).await
    }

    async fn version_find(&self, id: VersionId) -> Result<Option<Version>, StorageError> {
        version::find(self, id).await
    }

    async fn version_owner(&self, id: VersionId) -> Result<Option<(Script, Option<Namespace>)>, StorageError> {
        version::owner(self, id).await
    }

    async fn version_list(&self, script: ScriptId, limit: u32) -> Result<Vec<Version>, StorageError> {
        version::list(self, script, limit).await
    }

    async fn deployment_create(&self, deployment: &Deployment) -> Result<(), StorageError> {
        deployment::create(self, deployment).await
    }

    async fn deployment_list(&self, script: ScriptId, limit: u32) -> Result<Vec<Deployment>, StorageError> {
        deployment::list(self, script, limit).await
    }

    async fn secrets_load(&self, ids: &[SecretId]) -> Result<Vec<(SecretId, Secret)>, StorageError> {
        secret::load(self, ids).await
    }

    async fn routes_load(&self) -> Result<(u64, Vec<RouteRow>), StorageError> {
        route::load(self).await
    }

    async fn changes_after(&self, revision: u64, limit: u32) -> Result<Vec<Change>, StorageError> {
        route::changes_after(self, revision, limit).await
    }

    async fn route_find(&self, script: ScriptId) -> Result<Option<RouteRow>, StorageError> {
        route::find(self, script).await
    }

    async fn namespace_by_id(&self, id: NamespaceId) -> Result<Option<Namespace>, StorageError> {
        namespace::by_id(self, id).await
    }

    async fn assets_claim(
        &self,
        owner: &AssetOwner,
        hashes: &[AssetHash],
        at: Timestamp,
    ) -> Result<Vec<Asset>, StorageError> {
        asset::claim(self, owner, hashes, at).await
    }

    async fn asset_put(&self, owner: &AssetOwner, asset: &Asset, at: Timestamp) -> Result<(), StorageError> {
        asset::put(self, owner, asset, at).await
    }

    async fn asset_owners(&self, before: Timestamp) -> Result<Vec<AssetOwner>, StorageError> {
        asset::owners(self, before).await
    }

    async fn asset_manifests(&self, owner: &AssetOwner) -> Result<Vec<BlobDigest>, StorageError> {
        asset::manifests(self, owner).await
    }

    async fn assets_unused(&self, owner: &AssetOwner, before: Timestamp) -> Result<Vec<AssetHash>, StorageError> {
        asset::unused(self, owner, before).await
    }

    async fn assets_delete(
        &self,
        owner: &AssetOwner,
        hashes: &[AssetHash],
        before: Timestamp,
    ) -> Result<u64, StorageError> {
        asset::delete(self, owner, hashes, before).await
    }

    async fn blobs_in_use(&self) -> Result<HashSet<BlobDigest>, StorageError> {
        version::blobs_in_use(self).await
    }

    async fn versions_kept(&self) -> Result<HashSet<VersionId>, StorageError> {
        version::versions_kept(self).await
    }
}
