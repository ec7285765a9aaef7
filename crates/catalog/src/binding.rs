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
            Self::Service { .. } => "service",
            Self::DispatchNamespace { .. } => "dispatch_namespace",
            Self::VersionMetadata => "version_metadata",
            Self::Assets => "assets",
        }
    }
}
