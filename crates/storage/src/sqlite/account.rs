//! Accounts and tokens.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};
use switchyard_catalog::{
    Access, Account, AccountId, NamespaceId, NamespaceName, PlanName, ScriptId, ScriptName, StorageError, Timestamp,
    Token, TokenHash, TokenRow, TokenScope,
};

use super::{
    SqliteStorage, database,
    record::{column, damaged, id, time},
    refused, script,
};

pub(super) async fn put(storage: &SqliteStorage, account: &Account) -> Result<(), StorageError> {
    let put = sqlx::query(
        "INSERT INTO accounts (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    );
    let put = put.bind(account.id.as_str()).bind(&account.name).execute(&storage.writer).await;
    put.map(drop).map_err(database("write an account"))
}

pub(super) async fn list(storage: &SqliteStorage) -> Result<Vec<Account>, StorageError> {
    let rows = sqlx::query("SELECT id, name FROM accounts ORDER BY id").fetch_all(&storage.readers).await;
    let rows = rows.map_err(database("list accounts"))?;
    rows.iter().map(|row| Ok(Account { id: account_id(row, "id")?, name: column(row, "name")? })).collect()
}

pub(super) async fn create(storage: &SqliteStorage, account: &Account) -> Result<(), StorageError> {
    let create = sqlx::query("INSERT INTO accounts (id, name) VALUES (?, ?)");
    let create = create.bind(account.id.as_str()).bind(&account.name).execute(&storage.writer).await;
    create.map(drop).map_err(refused("write an account", "the account", "the account"))
}

/// Revoked tokens kept of an account: their texts may be in some file still, and must not come back.
const KEEP_REVOKED: i64 = 1_000;
const COLUMNS: &str = "t.hash, t.id, t.account, t.name, t.access, t.scope, t.namespace, t.script,
    t.created_on, t.expires_on, t.revoked_on, t.plan";

pub(super) async fn token_put(storage: &SqliteStorage, token: &Token) -> Result<(), StorageError> {
    insert(&storage.writer, token).await
}

async fn insert<'c>(to: impl SqliteExecutor<'c>, token: &Token) -> Result<(), StorageError> {
    let put = sqlx::query(
        "INSERT INTO tokens (hash, id, account, name, access, scope, namespace, script, created_on, expires_on, revoked_on,
                             plan)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
    );
    let access = match token.access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let (scope, namespace, script) = match token.scope {
        TokenScope::Admin => ("admin", None, None),
        TokenScope::Account => ("account", None, None),
        TokenScope::Namespace(id) => ("namespace", Some(*id.as_uuid()), None),
        TokenScope::Script(id) => ("script", None, Some(*id.as_uuid())),
    };
    let bytes = |id: Option<uuid::Uuid>| id.map(|id| id.as_bytes().to_vec());
    let put = put.bind(token.hash.0.to_vec()).bind(token.id.clone()).bind(token.account.as_str().to_owned());
    let put = put.bind(token.name.clone()).bind(access).bind(scope).bind(bytes(namespace)).bind(bytes(script));
    let put = put.bind(token.created_on.micros()).bind(token.expires_on.map(Timestamp::micros));
    let put = put.bind(token.revoked_on.map(Timestamp::micros));
    let put = put.bind(token.plan.as_ref().map(|plan| plan.as_str().to_owned())).execute(to).await;
    put.map(drop).map_err(refused("write a token", "the token", "the account"))
}

pub(super) async fn token_find(storage: &SqliteStorage, hash: &TokenHash) -> Result<Option<Token>, StorageError> {
    let mut find = QueryBuilder::<Sqlite>::new("SELECT ");
    find.push(COLUMNS).push(" FROM tokens t WHERE t.hash = ").push_bind(hash.0.to_vec());
    let row = find.build().fetch_optional(&storage.readers).await.map_err(database("read a token"))?;
    row.as_ref().map(token).transpose()
}

pub(super) async fn token_list(
    storage: &SqliteStorage,
    account: &AccountId,
    limit: u32,
) -> Result<Vec<TokenRow>, StorageError> {
    let mut list = QueryBuilder::<Sqlite>::new("SELECT ");
    list.push(COLUMNS).push(
        ", n.name AS namespace_name, s.name AS script_name FROM tokens t
         LEFT JOIN scripts s ON s.id = t.script
         LEFT JOIN namespaces n ON n.id = coalesce(t.namespace, s.namespace)
         WHERE t.revoked_on IS NULL AND t.account = ",
    );
    list.push_bind(account.as_str().to_owned()).push(" ORDER BY t.created_on, t.id LIMIT ").push_bind(i64::from(limit));
    let rows = list.build().fetch_all(&storage.readers).await.map_err(database("list tokens"))?;
    let named = |row: &SqliteRow| {
        let namespace = column::<Option<String>>(row, "namespace_name")?.as_deref().map(NamespaceName::parse);
        let script = column::<Option<String>>(row, "script_name")?.as_deref().map(ScriptName::parse);
        Ok(TokenRow {
            token: token(row)?,
            namespace: namespace.transpose().map_err(|e| damaged("a namespace", e))?,
            script: script.transpose().map_err(|e| damaged("a script", e))?,
        })
    };
    rows.iter().map(named).collect()
}

pub(super) async fn token_revoke(
    storage: &SqliteStorage,
    account: &AccountId,
    id: &str,
    at: Timestamp,
) -> Result<bool, StorageError> {
    let mut tx = storage.write().await?;
    let revoke = sqlx::query("UPDATE tokens SET revoked_on = ? WHERE account = ? AND id = ? AND revoked_on IS NULL");
    let revoke = revoke.bind(at.micros()).bind(account.as_str()).bind(id).execute(&mut *tx).await;
    let revoked = revoke.map_err(database("revoke a token"))?.rows_affected() > 0;
    trim(&mut tx, account).await?;
    tx.commit().await.map_err(database("commit the revocation of a token"))?;
    Ok(revoked)
}

pub(super) async fn token_roll(
    storage: &SqliteStorage,
    account: &AccountId,
    id: &str,
    hash: &TokenHash,
    at: Timestamp,
) -> Result<bool, StorageError> {
    let mut tx = storage.write().await?;
    let mut find = QueryBuilder::<Sqlite>::new("SELECT ");
    find.push(COLUMNS).push(" FROM tokens t WHERE t.revoked_on IS NULL AND t.account = ");
    find.push_bind(account.as_str().to_owned()).push(" AND t.id = ").push_bind(id.to_owned());
    let row = find.build().fetch_optional(&mut *tx).await.map_err(database("read a token"))?;
    let Some(old) = row.as_ref().map(token).transpose()? else { return Ok(false) };
    let roll = sqlx::query("UPDATE tokens SET hash = ? WHERE id = ?").bind(hash.0.as_slice()).bind(id);
    roll.execute(&mut *tx).await.map_err(database("roll a token"))?;
    let past = Token { id: ScriptId::random().simple(), revoked_on: Some(at), ..old };
    insert(&mut *tx, &past).await?;
    trim(&mut tx, account).await?;
    tx.commit().await.map_err(database("commit a rolled token"))?;
    Ok(true)
}

async fn trim(tx: &mut SqliteConnection, account: &AccountId) -> Result<(), StorageError> {
    let trim = sqlx::query(
        "DELETE FROM tokens WHERE account = ?1 AND revoked_on IS NOT NULL AND id NOT IN
         (SELECT id FROM tokens WHERE account = ?1 AND revoked_on IS NOT NULL ORDER BY revoked_on DESC LIMIT ?2)",
    );
    let trimmed = trim.bind(account.as_str()).bind(KEEP_REVOKED).execute(tx).await;
    trimmed.map(drop).map_err(database("trim revoked tokens"))
}

fn token(row: &SqliteRow) -> Result<Token, StorageError> {
    let access = match column::<&str>(row, "access")? {
        "read" => Access::Read,
        "write" => Access::Write,
        other => return Err(damaged("a token's access", other)),
    };
    let scope = match column::<&str>(row, "scope")? {
        "admin" => TokenScope::Admin,
        "account" => TokenScope::Account,
        "namespace" => TokenScope::Namespace(NamespaceId::from_uuid(id(row, "namespace")?)),
        "script" => TokenScope::Script(ScriptId::from_uuid(id(row, "script")?)),
        other => return Err(damaged("a token's scope", other)),
    };
    let hash: &[u8] = column(row, "hash")?;
    let plan = column::<Option<&str>>(row, "plan")?.map(PlanName::parse);
    let moment = |name| Ok(column::<Option<i64>>(row, name)?.map(Timestamp::from_micros));
    Ok(Token {
        id: column(row, "id")?,
        hash: TokenHash(hash.try_into().map_err(|e| damaged("a token's hash", e))?),
        account: account_id(row, "account")?,
        name: column(row, "name")?,
        access,
        scope,
        created_on: time(row, "created_on")?,
        expires_on: moment("expires_on")?,
        revoked_on: moment("revoked_on")?,
        plan: plan.transpose().map_err(|e| damaged("a token's plan", e))?,
    })
}

pub(super) fn account_id(row: &SqliteRow, name: &'static str) -> Result<AccountId, StorageError> {
    script::account_id(column(row, name)?)
}
