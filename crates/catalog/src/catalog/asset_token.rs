//! The tokens of an assets upload: JSON Web Tokens (RFC 7519, HS256), since wrangler reads `exp` from
//! the middle part when an upload fails. A session token lets its bearer put the files of one manifest;
//! a completion token lets an upload name that manifest. Neither ever reaches a tenant.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{AccountId, AssetOwner, BlobDigest, NamespaceId, Scope, ScriptName, Timestamp};

/// Contract §3.8: both live one hour.
const LIFE_SECONDS: i64 = 3_600;
/// Longer than any of ours; what is verified is bounded.
const MAX_BYTES: usize = 2_048;
/// `{"alg":"HS256","typ":"JWT"}`. Compared as a whole, so that no token chooses its own algorithm.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs the tokens of assets uploads. All nodes of one database need the same.
#[derive(Clone)]
pub struct AssetKey(hmac::Key);

impl AssetKey {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// One that nobody else has: its tokens end with the process.
    pub fn random() -> Self {
        let mut secret = [0; 32];
        // Without randomness nothing of this process is safe; aws-lc aborts rather than fail here.
        if aws_lc_rs::rand::fill(&mut secret).is_err() {
            std::process::abort();
        }
        Self::new(&secret)
    }
}

impl fmt::Debug for AssetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssetKey(…)")
    }
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetTokenKind {
    Session,
    Completion,
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetToken {
    pub kind: AssetTokenKind,
    pub owner: AssetOwner,
    pub script: ScriptName,
    /// The blob with the files announced at the session's start.
    pub manifest: BlobDigest,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    kind: AssetTokenKind,
    account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    script: String,
    manifest: String,
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
}

/// Why a token is not believed. A stranger's and a damaged one are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssetTokenError {
    #[error("the assets token is not one of this server")]
    Unknown,
    #[error("the assets token has expired: it lives one hour")]
    Expired,
}

impl AssetToken {
    pub(super) fn sign(&self, key: &AssetKey, now: Timestamp) -> String {
        let now = now.micros() / 1_000_000;
        let claims = Claims {
            kind: self.kind,
            account: self.owner.account.as_str().to_owned(),
            namespace: match self.owner.scope {
                Scope::Account => None,
                Scope::Namespace(id) => Some(id.simple()),
            },
            script: self.script.as_str().to_owned(),
            manifest: self.manifest.hex(),
            iat: now,
            exp: now + LIFE_SECONDS,
        };
        // Texts and numbers only: JSON can say all of it.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&key.0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    pub(super) fn verify(text: &str, key: &AssetKey, now: Timestamp) -> Result<Self, AssetTokenError> {
        let unknown = AssetTokenError::Unknown;
        if text.len() > MAX_BYTES {
            return Err(unknown);
        }
        let (signed, tag) = text.rsplit_once('.').ok_or(unknown)?;
        let (header, claims) = signed.split_once('.').ok_or(unknown)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| unknown)?;
        // In constant time.
        hmac::verify(&key.0, signed.as_bytes(), &tag).map_err(|_| unknown)?;
        if header != HEADER {
            return Err(unknown);
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| unknown)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| unknown)?;
        if now.micros() / 1_000_000 >= claims.exp {
            return Err(AssetTokenError::Expired);
        }
        let scope = match &claims.namespace {
            None => Scope::Account,
            Some(id) => Scope::Namespace(NamespaceId::parse(id).ok_or(unknown)?),
        };
        let account = AccountId::parse(&claims.account).ok_or(unknown)?;
        Ok(Self {
            kind: claims.kind,
            owner: AssetOwner { account, scope },
            script: ScriptName::parse(&claims.script).map_err(|_| unknown)?,
            manifest: BlobDigest::parse(&claims.manifest).ok_or(unknown)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> AssetToken {
        let account = AccountId::parse("0123").expect("an account");
        AssetToken {
            kind: AssetTokenKind::Session,
            owner: AssetOwner { account, scope: Scope::Namespace(NamespaceId::random()) },
            script: ScriptName::parse("shop").expect("a name"),
            manifest: BlobDigest::of(b"manifest"),
        }
    }

    #[test]
    fn a_token_says_what_was_signed_for_one_hour() {
        let (key, now) = (AssetKey::random(), Timestamp::now());
        let text = token().sign(&key, now);
        assert_eq!(text.split('.').count(), 3);
        let token = AssetToken::verify(&text, &key, now).expect("ours");
        assert_eq!((token.kind, token.script.as_str()), (AssetTokenKind::Session, "shop"));
        let after = |seconds: i64| Timestamp::from_micros(now.micros() + seconds * 1_000_000);
        assert!(AssetToken::verify(&text, &key, after(3_590)).is_ok());
        assert_eq!(AssetToken::verify(&text, &key, after(3_601)), Err(AssetTokenError::Expired));
    }

    #[test]
    fn strangers_and_changed_ones_are_refused() {
        let (key, now) = (AssetKey::random(), Timestamp::now());
        let text = token().sign(&key, now);
        let unknown = Err(AssetTokenError::Unknown);
        assert_eq!(AssetToken::verify(&text, &AssetKey::random(), now), unknown);
        let parts: Vec<&str> = text.split('.').collect();
        // A token that says itself that it needs no signature.
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for wrong in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.{}A", parts[0], parts[1], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            "a.b.c".to_owned(),
            String::new(),
            format!("{text}{}", "x".repeat(3_000)),
        ] {
            assert_eq!(AssetToken::verify(&wrong, &key, now), unknown, "{wrong}");
        }
    }
}
