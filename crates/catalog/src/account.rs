//! Accounts, and the API tokens that act for them.

use crate::{AccountId, NamespaceId, NamespaceName, PlanName, ScriptId, ScriptName, Timestamp};

/// The owner of namespaces and scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// For people; may change.
    pub name: String,
}

/// SHA-256 of a token's text. The text itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// What a token may do (contract §1.1: read permission, write permission).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Read,
    /// Includes reading.
    Write,
}

/// How far a token reaches. By ids: a thing that is deleted and made again under its name is not
/// the token's any more. Ordered from the narrowest to the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenScope {
    Script(ScriptId),
    Namespace(NamespaceId),
    /// All of its account, its tokens included.
    Account,
    /// The node: every account, and the accounts themselves.
    Admin,
}

/// An API token of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// 32 hex digits; what `/user/tokens/verify` shows.
    pub id: String,
    pub hash: TokenHash,
    pub account: AccountId,
    pub name: String,
    pub access: Access,
    pub scope: TokenScope,
    pub created_on: Timestamp,
    /// From then on it is refused. `None`: never.
    pub expires_on: Option<Timestamp>,
    /// Refused since. The row stays, so that a text that is still in some file does not come back to life.
    pub revoked_on: Option<Timestamp>,
    /// What it deploys is held to this plan.
    pub plan: Option<PlanName>,
}

/// A token with the names, as they are now, of what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub token: Token,
    /// The namespace of a namespace's token, or of a script's that is in one.
    pub namespace: Option<NamespaceName>,
    pub script: Option<ScriptName>,
}

/// What became of a token's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenVerdict {
    Valid(Token),
    Expired(Token),
    Revoked(Token),
    Unknown,
}
