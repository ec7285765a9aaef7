//! A version made ready to run: everything the runtime needs to start it, secrets in the clear.

use std::sync::Arc;

use crate::{
    AccountId, BindingName, Code, DispatchOutbound, Isolation, KeyInfo, Limits, NamespaceId, NamespaceName, ScriptId,
    ScriptName, Secret, VersionId,
};

/// What the runtime starts. Built by the catalog from a version's row, its blobs and its secrets.
#[derive(Debug, Clone)]
pub struct WorkerSpec {
    pub account: AccountId,
    /// `None`: an account-level Worker.
    pub namespace: Option<(NamespaceId, NamespaceName)>,
    pub script: ScriptId,
    pub script_name: ScriptName,
    pub version: VersionId,
    pub code: Arc<Code>,
    pub bindings: Vec<(BindingName, WorkerBinding)>,
    pub compatibility_date: String,
    pub compatibility_flags: Vec<String>,
    /// The script's own limits.
    pub limits: Limits,
    pub isolation: Isolation,
}

/// A binding resolved as far as it can be before a call.
#[derive(Debug, Clone)]
pub enum WorkerBinding {
    Text(String),
    Json(serde_json::Value),
    Secret(Secret),
    /// The text of the secret is the key, as its format has it.
    SecretKey {
        key: KeyInfo,
        secret: Secret,
    },
    Service {
        service: ScriptName,
        entrypoint: Option<String>,
        props: Option<serde_json::Value>,
    },
    DispatchNamespace {
        namespace: NamespaceName,
        outbound: Option<DispatchOutbound>,
    },
    /// `{id, tag, timestamp}`.
    VersionMetadata(serde_json::Value),
    /// `fetch` answers with the static assets of this version, the Worker's own.
    Assets {
        version: VersionId,
    },
}
