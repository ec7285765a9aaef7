//! Accounts and tokens.

use sqlx::sqlite::SqliteRow;
use switchyard_catalog::{Access, Account, AccountId, StorageError, Token, TokenHash};

use super::{
    SqliteStorage, database,
    record::{column, damaged, time},
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

pub(super) async fn token_put(storage: &SqliteStorage, token: &Token) -> Result<(), StorageError> {
    let put = sqlx::query(
        "INSERT INTO tokens (hash, id, account, name, access, created_on) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (hash) DO NOTHING",
    );
    let access = match token.access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let put = put.bind(token.hash.0.as_slice()).bind(&token.id).bind(token.account.as_str());
    let put = put.bind(&token.name).bind(access).bind(token.created_on.micros());
    put.execute(&storage.writer).await.map(drop).map_err(refused("write a token", "the token", "the account"))
}

pub(super) async fn token_find(storage: &SqliteStorage, hash: &TokenHash) -> Result<Option<Token>, StorageError> {
    let find = sqlx::query("SELECT hash, id, account, name, access, created_on FROM tokens WHERE hash = ?");
    let row = find.bind(hash.0.as_slice()).fetch_optional(&storage.readers).await;
    let Some(row) = row.map_err(database("read a token"))? else { return Ok(None) };
    let access = match column::<&str>(&row, "access")? {
        "read" => Access::Read,
        "write" => Access::Write,
        other => return Err(damaged("a token's access", other)),
    };
    let hash: &[u8] = column(&row, "hash")?;
    Ok(Some(Token {
        id: column(&row, "id")?,
        hash: TokenHash(hash.try_into().map_err(|e| damaged("a token's hash", e))?),
        account: account_id(&row, "account")?,
        name: column(&row, "name")?,
        access,
        created_on: time(&row, "created_on")?,
    }))
}

pub(super) fn account_id(row: &SqliteRow, name: &'static str) -> Result<AccountId, StorageError> {
    script::account_id(column(row, name)?)
}
