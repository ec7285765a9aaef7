//! Bindings: what a Worker finds in its `env`. A closed set, so that the compiler lists every place
//! a new kind must visit. Kinds that are not built are refused by name at upload (contract §3.5).

use crate::{BindingName, NamespaceName, ScriptName, SecretId};

/// One entry of `env`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    pub name: BindingName,
    pub kind: BindingKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum BindingKind {
    PlainText {
        text: String,
    },
    Json {
        value: serde_json::Value,
    },
    /// The value is a row of its own, encrypted.
    SecretText {
        secret: SecretId,
    },
    /// A key for `crypto.subtle`, of which a script sees a CryptoKey that cannot be exported. The key itself is a
    /// row of its own, encrypted.
    SecretKey {
        secret: SecretId,
        key: KeyInfo,
    },
    /// Another Worker of the account, by name, looked up at each call.
    Service {
        service: ScriptName,
        environment: Option<String>,
        entrypoint: Option<String>,
        props: Option<serde_json::Value>,
    },
    DispatchNamespace {
        namespace: NamespaceName,
        outbound: Option<DispatchOutbound>,
    },
    VersionMetadata,
    /// The version's own static assets.
    Assets,
}

/// What is told of a key beside the key: `crypto.subtle.importKey` takes the same.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyInfo {
    pub format: KeyFormat,
    /// A name, or an object with one.
    pub algorithm: serde_json::Value,
    pub usages: Vec<String>,
}

/// How a key is given: as bytes in base64, or as a JSON Web Key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFormat {
    Raw,
    Pkcs8,
    Spki,
    Jwk,
}

impl KeyFormat {
    pub const ALL: [Self; 4] = [Self::Raw, Self::Pkcs8, Self::Spki, Self::Jwk];

    /// Web Crypto's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Pkcs8 => "pkcs8",
            Self::Spki => "spki",
            Self::Jwk => "jwk",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What a key may be used for, as Web Crypto names it.
pub const KEY_USAGES: [&str; 8] =
    ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

/// The `outbound` of a dispatch-namespace binding (contract §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchOutbound {
    pub service: ScriptName,
    pub environment: Option<String>,
    pub entrypoint: Option<String>,
    pub params: Vec<String>,
}

impl BindingKind {
    /// Cloudflare's `type`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::PlainText { .. } => "plain_text",
            Self::Json { .. } => "json",
            Self::SecretText { .. } => "secret_text",
            Self::SecretKey { .. } => "secret_key",
            Self::Service { .. } => "service",
            Self::DispatchNamespace { .. } => "dispatch_namespace",
            Self::VersionMetadata => "version_metadata",
            Self::Assets => "assets",
        }
    }
}
