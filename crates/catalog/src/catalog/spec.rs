//! From rows, blobs and secrets to what the runtime starts; and code to and from blobs.

use std::{collections::HashMap, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::Catalog;
use crate::{
    BindingKind, CatalogError, Code, CodeManifest, Module, Namespace, Script, Secret, SecretId, Version, VersionId,
    WorkerBinding, WorkerSpec,
};

/// Blobs of one script read or written at once.
const BLOBS_AT_ONCE: usize = 8;
/// Younger blobs are never swept: an upload may be about to name them, up to two hours later when it
/// is one of assets.
const SWEEP_MIN_AGE: std::time::Duration = std::time::Duration::from_secs(3 * 3_600);

impl Catalog {
    /// Everything the runtime needs to start a version again.
    ///
    /// # Errors
    /// [`CatalogError::VersionNotFound`] when it (or its script) is gone; [`CatalogError::Blobs`]
    /// when its code is missing or damaged.
    pub async fn worker_spec(&self, version: VersionId) -> Result<WorkerSpec, CatalogError> {
        let row = self.storage.version_find(version).await?.ok_or(CatalogError::VersionNotFound)?;
        let owner = self.storage.version_owner(version).await?;
        let (script, namespace) = owner.ok_or(CatalogError::VersionNotFound)?;
        let ids: Vec<SecretId> = row.bindings.iter().filter_map(|binding| binding.kind.secret()).collect();
        let secrets = if ids.is_empty() { Vec::new() } else { self.storage.secrets_load(&ids).await? };
        let code = Arc::new(self.code_load(&row.code).await?);
        let secrets = secrets.into_iter().collect();
        Ok(self.spec_of(&script, namespace.as_ref(), &row, code, &secrets))
    }

    /// Removes code and assets that no version names any more; returns how many blobs went.
    pub async fn blobs_sweep(&self) -> Result<u64, CatalogError> {
        self.assets_sweep().await?;
        let in_use = self.storage.blobs_in_use().await?;
        Ok(self.blobs.sweep(&in_use, SWEEP_MIN_AGE).await?)
    }

    /// Every version that is kept, of all accounts: what a node may keep artefacts of.
    pub async fn versions_kept(&self) -> Result<std::collections::HashSet<VersionId>, CatalogError> {
        Ok(self.storage.versions_kept().await?)
    }

    /// A secret that was destroyed is missing in the Worker's `env`.
    pub(super) fn spec_of(
        &self,
        script: &Script,
        namespace: Option<&Namespace>,
        version: &Version,
        code: Arc<Code>,
        secrets: &HashMap<SecretId, Secret>,
    ) -> WorkerSpec {
        let bindings = version.bindings.iter().filter_map(|binding| {
            let made = match &binding.kind {
                BindingKind::PlainText { text } => WorkerBinding::Text(text.clone()),
                BindingKind::Json { value } => WorkerBinding::Json(value.clone()),
                BindingKind::SecretText { secret } => WorkerBinding::Secret(secrets.get(secret)?.clone()),
                BindingKind::SecretKey { secret, key } => {
                    WorkerBinding::SecretKey { key: key.clone(), secret: secrets.get(secret)?.clone() }
                }
                BindingKind::Service { service, environment: _, entrypoint, props } => WorkerBinding::Service {
                    service: service.clone(),
                    entrypoint: entrypoint.clone(),
                    props: props.clone(),
                },
                BindingKind::DispatchNamespace { namespace, outbound } => {
                    WorkerBinding::DispatchNamespace { namespace: namespace.clone(), outbound: outbound.clone() }
                }
                BindingKind::VersionMetadata => WorkerBinding::VersionMetadata(json!({
                    "id": version.id.to_string(),
                    "tag": version.annotations.get("workers/tag").and_then(|tag| tag.as_str()).unwrap_or(""),
                    "timestamp": version.created_on.to_string(),
                })),
                BindingKind::Assets => WorkerBinding::Assets { version: version.id },
            };
            Some((binding.name.clone(), made))
        });
        WorkerSpec {
            account: script.account.clone(),
            namespace: namespace.map(|namespace| (namespace.id, namespace.name.clone())),
            script: script.id,
            script_name: script.name.clone(),
            version: version.id,
            code,
            bindings: bindings.collect(),
            compatibility_date: version.compatibility_date.clone(),
            compatibility_flags: version.compatibility_flags.clone(),
            limits: version.limits,
            isolation: namespace.and_then(|namespace| namespace.settings.isolation).unwrap_or(self.settings.isolation),
        }
    }

    pub(super) async fn code_load(&self, manifest: &CodeManifest) -> Result<Code, CatalogError> {
        let modules = stream::iter(manifest.modules.clone()).map(|entry| async move {
            let content = self.blobs.get(entry.digest).await?;
            Ok::<_, CatalogError>(Module { name: entry.name, kind: entry.kind, content })
        });
        let modules = modules.buffered(BLOBS_AT_ONCE).try_collect().await?;
        let upstream = manifest.upstream.clone();
        Ok(Code { syntax: manifest.syntax, entry: manifest.entry.clone(), modules, upstream })
    }

    /// Code that is kept already costs a look at each blob: an edit of secrets writes nothing.
    pub(super) async fn code_store(&self, code: Code) -> Result<(), CatalogError> {
        let puts = stream::iter(code.modules).map(|module| self.blobs.put(module.content));
        puts.buffer_unordered(BLOBS_AT_ONCE).try_for_each(|_| async { Ok(()) }).await?;
        Ok(())
    }
}

impl BindingKind {
    /// The secret that this binding shows, if it does.
    pub fn secret(&self) -> Option<SecretId> {
        match self {
            Self::SecretText { secret } | Self::SecretKey { secret, .. } => Some(*secret),
            _ => None,
        }
    }
}
