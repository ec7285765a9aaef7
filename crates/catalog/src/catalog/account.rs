//! Accounts and tokens: made at bootstrap, verified with every admin request.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Actor, Catalog};
use crate::{
    Access, Account, AccountId, CatalogError, Namespace, NamespaceName, ScriptId, StorageError, Timestamp,
    Token, TokenHash,
};

/// Verified tokens, so that an admin request need not ask the database for its token again.
/// Only tokens that exist are kept: a flood of invented ones pushes nothing out.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<HashMap<TokenHash, (Token, Instant)>>);

/// Entries, and how long one is believed: the longest that a deleted token still works.
const TOKEN_CACHE_ENTRIES: usize = 1_024;
const TOKEN_CACHE_TTL: Duration = Duration::from_secs(10);

impl TokenCache {
    fn get(&self, hash: &TokenHash) -> Option<Token> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, since) = entries.get(hash)?;
        (since.elapsed() < TOKEN_CACHE_TTL).then(|| token.clone())
    }

    fn put(&self, token: Token) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= TOKEN_CACHE_ENTRIES {
            entries.clear();
        }
        entries.insert(token.hash, (token, Instant::now()));
    }
}

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

    /// Makes the token, unless there is one with this text already. Idempotent.
    ///
    /// # Errors
    /// [`CatalogError::AccountNotFound`]; [`CatalogError::Invalid`] for a text shorter than 16
    /// characters or longer than 512.
    pub async fn token_ensure(
        &self,
        account: &AccountId,
        text: &str,
        name: &str,
        access: Access,
    ) -> Result<Token, CatalogError> {
        if !(16..=512).contains(&text.len()) || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let rule = "an API token is 16 to 512 characters without spaces";
            return Err(CatalogError::Invalid(rule.to_owned()));
        }
        let hash = TokenHash::of(text);
        let token = Token {
            // Any fresh 32 hex digits do; a token's id is not an id of anything else.
            id: ScriptId::random().simple(),
            hash,
            account: account.clone(),
            name: name.to_owned(),
            access,
            created_on: Timestamp::now(),
        };
        match self.storage.token_put(&token).await {
            Err(StorageError::Gone(_)) => return Err(CatalogError::AccountNotFound),
            other => other?,
        }
        Ok(self.storage.token_find(&hash).await?.unwrap_or(token))
    }

    /// The token with this text, or `None`.
    pub async fn token_verify(&self, text: &str) -> Result<Option<Token>, CatalogError> {
        let hash = TokenHash::of(text);
        let token = match self.tokens.get(&hash) {
            Some(token) => token,
            None => match self.storage.token_find(&hash).await? {
                Some(token) => token,
                None => return Ok(None),
            },
        };
        // What was looked up by an index is compared once more in constant time.
        if aws_lc_rs::constant_time::verify_slices_are_equal(&token.hash.0, &hash.0).is_err() {
            return Ok(None);
        }
        self.tokens.put(token.clone());
        Ok(Some(token))
    }

    /// Makes the namespace, unless the account has one of that name. Idempotent.
    pub async fn namespace_ensure(&self, actor: &Actor, name: &NamespaceName) -> Result<Namespace, CatalogError> {
        match self.namespace_create(actor, name).await {
            Err(CatalogError::NamespaceExists) => self.namespace_find(actor, name).await,
            other => other,
        }
    }
}
