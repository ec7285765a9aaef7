//! Accounts, and the API tokens that act for them.

use crate::{AccountId, Timestamp};

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

/// An API token of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// 32 hex digits; what `/user/tokens/verify` shows.
    pub id: String,
    pub hash: TokenHash,
    pub account: AccountId,
    pub name: String,
    pub access: Access,
    pub created_on: Timestamp,
}
