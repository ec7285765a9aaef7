//! Versions, immutable, and deployments, which say what share of requests each version gets.

use crate::{Binding, BlobDigest, CodeManifest, DeploymentId, Limits, ScriptId, Timestamp, VersionAssets, VersionId};

/// Code with its bindings, limits and compatibility settings. Never changed once written.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub id: VersionId,
    pub script: ScriptId,
    /// 1, 2, 3 … within the script.
    pub number: u32,
    /// Without modules: the version has assets alone, or is an upstream.
    pub code: CodeManifest,
    pub assets: Option<VersionAssets>,
    pub bindings: Vec<Binding>,
    /// `YYYY-MM-DD`.
    pub compatibility_date: String,
    pub compatibility_flags: Vec<String>,
    /// The script's own limits from its metadata.
    pub limits: Limits,
    /// What the default export answers: `fetch`, `scheduled` …
    pub handlers: Vec<String>,
    pub named_handlers: Vec<NamedHandlers>,
    /// How long its start took, in milliseconds, at least 1.
    pub startup_time_ms: u32,
    /// `annotations` as sent: `workers/message`, `workers/tag`, `workers/triggered_by`.
    pub annotations: serde_json::Map<String, serde_json::Value>,
    /// `usage_model` as sent, else `standard`.
    pub usage_model: String,
    /// `migrations.new_tag` as sent.
    pub migration_tag: Option<String>,
    /// `wrangler`, `api` …
    pub source: String,
    pub author: String,
    pub created_on: Timestamp,
}

impl Version {
    /// The script's `etag`: that of its code, and of its assets where it has some.
    pub fn etag(&self) -> BlobDigest {
        let code = self.code.digest();
        match &self.assets {
            None => code,
            Some(assets) => BlobDigest::of(&[code.0, assets.manifest.0, assets.config.0].concat()),
        }
    }
}

/// A named export and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHandlers {
    pub name: String,
    pub handlers: Vec<String>,
}

/// A decision what is live: one or two versions whose shares add up to 100.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub script: ScriptId,
    pub versions: Vec<VersionShare>,
    pub source: String,
    pub author: String,
    pub annotations: serde_json::Map<String, serde_json::Value>,
    pub created_on: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VersionShare {
    pub version: VersionId,
    /// 0 to 100.
    pub percentage: f64,
}
