//! API tokens: made, listed, rolled, revoked, and verified with every admin request. A token's text
//! is known to its owner alone; here is its hash.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Actor, Catalog, rules};
use crate::{
    Access, AccountId, CatalogError, NamespaceName, PlanName, ScriptId, ScriptRef, StorageError, Timestamp, Token,
    TokenHash, TokenRow, TokenScope, TokenVerdict,
};

/// Tokens of one account that are not revoked.
const MAX_TOKENS: u32 = 1_000;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: String,
    pub access: Access,
    pub scope: NewTokenScope,
    pub expires_on: Option<Timestamp>,
    /// What it deploys is held to this plan.
    pub plan: Option<PlanName>,
}

/// What a token is to be for, by names.
#[derive(Debug, Clone)]
pub enum NewTokenScope {
    Admin,
    Account,
    Namespace(NamespaceName),
    Script(ScriptRef),
}

/// Verified tokens, so that an admin request need not ask the database for its token again.
/// Only tokens that exist are kept: a flood of invented ones pushes nothing out.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    entries: HashMap<TokenHash, (Token, Instant)>,
    /// Counts revocations: what was read before one is not kept after it.
    revision: u64,
}

/// Entries, and how long one is believed: the longest that a token still works which another
/// process revoked.
const TOKEN_CACHE_ENTRIES: usize = 1_024;
const TOKEN_CACHE_TTL: Duration = Duration::from_secs(10);

impl TokenCache {
    /// The token, or the revision at which it has to be looked up.
    fn get(&self, hash: &TokenHash) -> Result<Token, u64> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match cached.entries.get(hash) {
            Some((token, since)) if since.elapsed() < TOKEN_CACHE_TTL => Ok(token.clone()),
            _ => Err(cached.revision),
        }
    }

    fn put(&self, token: Token, revision: u64) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.revision != revision {
            return;
        }
        if cached.entries.len() >= TOKEN_CACHE_ENTRIES {
            cached.entries.clear();
        }
        cached.entries.insert(token.hash, (token, Instant::now()));
    }

    /// So that what this node revokes is refused at once.
    fn forget(&self, id: &str) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.revision += 1;
        cached.entries.retain(|_, (token, _)| token.id != id);
    }
}

impl Catalog {
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
        scope: TokenScope,
    ) -> Result<Token, CatalogError> {
        if !(16..=512).contains(&text.len()) || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let rule = "an API token is 16 to 512 characters without spaces";
            return Err(CatalogError::Invalid(rule.to_owned()));
        }
        let hash = TokenHash::of(text);
        let token = Token {
            id: fresh_id(),
            hash,
            account: account.clone(),
            name: name.to_owned(),
            access,
            scope,
            created_on: Timestamp::now(),
            expires_on: None,
            revoked_on: None,
            plan: None,
        };
        match self.storage.token_put(&token).await {
            Err(StorageError::Gone(_)) => return Err(CatalogError::AccountNotFound),
            other => other?,
        }
        Ok(self.storage.token_find(&hash).await?.unwrap_or(token))
    }

    /// What the token with this text is worth now.
    pub async fn token_verify(&self, text: &str) -> Result<TokenVerdict, CatalogError> {
        self.token_verdict(TokenHash::of(text)).await
    }

    /// Whether a token that was verified before is still worth something: what goes on for long asks again.
    pub async fn token_holds(&self, hash: &TokenHash) -> Result<bool, CatalogError> {
        Ok(matches!(self.token_verdict(*hash).await?, TokenVerdict::Valid(_)))
    }

    async fn token_verdict(&self, hash: TokenHash) -> Result<TokenVerdict, CatalogError> {
        let token = match self.tokens.get(&hash) {
            Ok(token) => token,
            Err(revision) => match self.storage.token_find(&hash).await? {
                Some(token) => {
                    self.tokens.put(token.clone(), revision);
                    token
                }
                None => return Ok(TokenVerdict::Unknown),
            },
        };
        // What was looked up by an index is compared once more in constant time.
        if aws_lc_rs::constant_time::verify_slices_are_equal(&token.hash.0, &hash.0).is_err() {
            return Ok(TokenVerdict::Unknown);
        }
        if token.revoked_on.is_some() {
            return Ok(TokenVerdict::Revoked(token));
        }
        if token.expires_on.is_some_and(|at| at <= Timestamp::now()) {
            return Ok(TokenVerdict::Expired(token));
        }
        Ok(TokenVerdict::Valid(token))
    }

    /// Makes a token; its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`CatalogError::OutOfScope`] for a token wider than the actor's own; that what it is to be for is
    /// missing; [`CatalogError::Invalid`], [`CatalogError::TooManyTokens`].
    pub async fn token_create(&self, actor: &Actor, new: NewToken) -> Result<(TokenRow, String), CatalogError> {
        actor.needs_account()?;
        rules::title("a token", &new.name)?;
        let now = Timestamp::now();
        if new.expires_on.is_some_and(|at| at <= now) {
            return Err(CatalogError::Invalid("expires_on is in the past".to_owned()));
        }
        let (scope, namespace, script) = match new.scope {
            NewTokenScope::Admin if actor.scope != TokenScope::Admin => {
                return Err(CatalogError::OutOfScope("account"));
            }
            NewTokenScope::Admin => (TokenScope::Admin, None, None),
            NewTokenScope::Account => (TokenScope::Account, None, None),
            NewTokenScope::Namespace(name) => {
                let namespace = self.namespace_or_not_found(actor, &name).await?;
                (TokenScope::Namespace(namespace.id), Some(name), None)
            }
            NewTokenScope::Script(at) => {
                let row = self.row_of(actor, &at).await?;
                (TokenScope::Script(row.script.id), at.namespace, Some(at.name))
            }
        };
        if self.storage.token_list(&actor.account, MAX_TOKENS).await?.len() >= MAX_TOKENS as usize {
            return Err(CatalogError::TooManyTokens(MAX_TOKENS));
        }
        let text = fresh_text()?;
        let token = Token {
            id: fresh_id(),
            hash: TokenHash::of(&text),
            account: actor.account.clone(),
            name: new.name,
            access: new.access,
            scope,
            created_on: now,
            expires_on: new.expires_on,
            revoked_on: None,
            plan: new.plan,
        };
        match self.storage.token_put(&token).await {
            // Deleted between being found and this.
            Err(StorageError::Gone(_)) => return Err(CatalogError::Conflict),
            other => other?,
        }
        Ok((TokenRow { token, namespace, script }, text))
    }

    /// The account's tokens that are not revoked, the oldest first. Admins' are shown to admins alone.
    pub async fn token_list(&self, actor: &Actor) -> Result<Vec<TokenRow>, CatalogError> {
        actor.needs_account()?;
        let mut tokens = self.storage.token_list(&actor.account, MAX_TOKENS).await?;
        if actor.scope != TokenScope::Admin {
            tokens.retain(|row| row.token.scope != TokenScope::Admin);
        }
        Ok(tokens)
    }

    /// Gives a token another text; the old one is refused from now on.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also for an admin's token unless the actor is one.
    pub async fn token_roll(&self, actor: &Actor, id: &str) -> Result<(TokenRow, String), CatalogError> {
        let mut row = self.token_of(actor, id).await?;
        let text = fresh_text()?;
        let hash = TokenHash::of(&text);
        if !self.storage.token_roll(&actor.account, id, &hash, Timestamp::now()).await? {
            return Err(CatalogError::TokenNotFound);
        }
        self.tokens.forget(id);
        row.token.hash = hash;
        Ok((row, text))
    }

    /// # Errors
    /// As [`Catalog::token_roll`].
    pub async fn token_revoke(&self, actor: &Actor, id: &str) -> Result<(), CatalogError> {
        self.token_of(actor, id).await?;
        let revoked = self.storage.token_revoke(&actor.account, id, Timestamp::now()).await?;
        self.tokens.forget(id);
        if revoked { Ok(()) } else { Err(CatalogError::TokenNotFound) }
    }

    async fn token_of(&self, actor: &Actor, id: &str) -> Result<TokenRow, CatalogError> {
        let tokens = self.token_list(actor).await?;
        tokens.into_iter().find(|row| row.token.id == id).ok_or(CatalogError::TokenNotFound)
    }
}

/// 32 hex digits; a token's id is not an id of anything else.
fn fresh_id() -> String {
    ScriptId::random().simple()
}

/// 48 hex digits, 192 bits of the operating system.
fn fresh_text() -> Result<String, CatalogError> {
    use std::fmt::Write;
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CatalogError::Invalid("no randomness for a token".to_owned()))?;
    Ok(bytes.iter().fold(String::with_capacity(48), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
