//! Secret values, encrypted in their rows.

use sqlx::SqliteConnection;
use switchyard_catalog::{ScriptId, Secret, SecretId, StorageError};

use super::{
    SqliteStorage, database,
    record::{column, damaged, hex_list, id},
};
use crate::{SecretKey, secret_key::Sealed};

pub(super) async fn insert(
    tx: &mut SqliteConnection,
    key: &SecretKey,
    script: ScriptId,
    secret: SecretId,
    value: &Secret,
) -> Result<(), StorageError> {
    let sealed = key.seal(script, secret, value);
    let sealed = sealed.map_err(|_| damaged("a secret", "it could not be encrypted"))?;
    let insert = sqlx::query("INSERT INTO secrets (id, script, key_id, nonce, ciphertext) VALUES (?, ?, ?, ?, ?)");
    let insert = insert.bind(secret.as_uuid().as_bytes().as_slice()).bind(script.as_uuid().as_bytes().as_slice());
    let insert = insert.bind(key.id()).bind(sealed.nonce).bind(sealed.ciphertext);
    insert.execute(tx).await.map(drop).map_err(database("write a secret"))
}

pub(super) async fn load(storage: &SqliteStorage, ids: &[SecretId]) -> Result<Vec<(SecretId, Secret)>, StorageError> {
    let load = sqlx::query(
        "SELECT id, script, key_id, nonce, ciphertext FROM secrets
         WHERE id IN (SELECT unhex(value) FROM json_each(?))",
    );
    let rows = load.bind(hex_list(ids.iter().map(SecretId::as_uuid))).fetch_all(&storage.readers).await;
    let rows = rows.map_err(database("read secrets"))?;
    let values = rows.iter().map(|row| {
        let secret = SecretId::from_uuid(id(row, "id")?);
        let script = ScriptId::from_uuid(id(row, "script")?);
        let key_id: &str = column(row, "key_id")?;
        let what = || format!("the secret {secret}");
        if key_id != storage.key.id() {
            return Err(damaged(&what(), format!("it is encrypted with the key {key_id}, which is not this node's")));
        }
        let sealed = Sealed { nonce: column(row, "nonce")?, ciphertext: column(row, "ciphertext")? };
        let value = storage.key.open(script, secret, &sealed);
        Ok((secret, value.map_err(|_| damaged(&what(), "it does not decrypt"))?))
    });
    values.collect()
}
