//! Uploads of static assets (contract §3.8): a session for a manifest, the files that are missing,
//! a completion token; what a version then names of it; and the sweep of files nobody names.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::{Actor, Catalog, NewAssets, asset_rules};
use crate::{
    Asset, AssetConfig, AssetHash, AssetManifest, AssetOwner, AssetToken, AssetTokenError, AssetTokenKind, BlobContent,
    BlobDigest, CatalogError, Scope, ScriptRef, StorageError, Timestamp, Version, VersionAssets, VersionId,
};

/// Hashes of one bucket, and their files' bytes together: what a client sends with one request.
const BUCKET_FILES: usize = 500;
const BUCKET_BYTES: u64 = 16 << 20;
/// Files that no session, upload or version has asked for in this time go: more than the two tokens
/// live together, and the hour within which [`Storage::assets_claim`](crate::Storage::assets_claim)
/// does not write again.
const UNUSED: std::time::Duration = std::time::Duration::from_secs(4 * 3_600);

/// A file of a manifest as announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAsset {
    /// Where it is served: `/index.html`, not encoded.
    pub path: String,
    pub hash: AssetHash,
    /// Bytes.
    pub size: u64,
}

/// A session that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetSession {
    /// For the uploads; a completion token already where nothing is missing.
    pub token: String,
    /// What to upload, in portions for one request each. Empty: nothing is missing.
    pub buckets: Vec<Vec<AssetHash>>,
}

/// A version's assets, in memory: what a node needs to serve them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetSite {
    pub config: AssetConfig,
    pub manifest: AssetManifest,
    /// The version has code as well.
    pub has_worker: bool,
    /// A browser that opens a page gets the answer of `not_found_handling`, not the Worker's
    /// (`assets_navigation_prefers_asset_serving`, on since 2025-04-01).
    pub navigation_first: bool,
}

/// What a version is to name, and the blobs that are not kept yet.
pub(super) struct PlannedAssets {
    pub(super) assets: VersionAssets,
    pub(super) blobs: Vec<Bytes>,
}

impl Catalog {
    /// Begins an upload of assets for a script, which need not exist yet.
    ///
    /// # Errors
    /// [`CatalogError::NamespaceNotFound`]; [`CatalogError::OutOfScope`] for a token of one script alone;
    /// [`CatalogError::Invalid`] for a manifest that breaks a rule.
    pub async fn assets_session_start(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        files: Vec<NewAsset>,
    ) -> Result<AssetSession, CatalogError> {
        let (scope, _) = self.scope_of(actor, script).await?;
        // A token of one script alone may be in a tenant's hands, who could then read the files of others
        // by their hashes: files are shared within the namespace.
        actor.may_upload(scope, None)?;
        let owner = AssetOwner { account: actor.account.clone(), scope };
        let files = asset_rules::files(&self.settings, files)?;
        let mut hashes: Vec<AssetHash> = files.iter().map(|file| file.hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let there = self.storage.assets_claim(&owner, &hashes, Timestamp::now()).await?;
        let there: HashSet<AssetHash> = there.into_iter().map(|asset| asset.hash).collect();
        let buckets = buckets(&files, &there);
        let manifest = self.blobs.put(announced_to_bytes(&files).into()).await?;
        let kind = if buckets.is_empty() { AssetTokenKind::Completion } else { AssetTokenKind::Session };
        let token = AssetToken { kind, owner, script: script.name.clone(), manifest };
        Ok(AssetSession { token: token.sign(&self.settings.asset_key, Timestamp::now()), buckets })
    }

    /// The session that a bearer's token stands for.
    ///
    /// # Errors
    /// [`AssetTokenError`]; a completion token is none of a session.
    pub fn assets_session_verify(&self, text: &str) -> Result<AssetToken, AssetTokenError> {
        let token = AssetToken::verify(text, &self.settings.asset_key, Timestamp::now())?;
        if token.kind == AssetTokenKind::Session { Ok(token) } else { Err(AssetTokenError::Unknown) }
    }

    /// The hashes that a session is for.
    ///
    /// # Errors
    /// [`CatalogError::AssetToken`] when the session is too old for what it announced to be there.
    pub async fn assets_session_hashes(&self, session: &AssetToken) -> Result<HashSet<AssetHash>, CatalogError> {
        let files = self.announced(session).await?;
        Ok(files.into_iter().map(|file| file.hash).collect())
    }

    /// Bytes of one asset, at most.
    pub fn max_asset_bytes(&self) -> u64 {
        self.settings.max_asset_bytes
    }

    /// Keeps one file; its hash must be one of the session's. A hash that is kept already stays as it is.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when it is too large or has an unusable content type;
    /// [`CatalogError::NamespaceNotFound`] when the namespace was deleted meanwhile.
    pub async fn asset_put(
        &self,
        session: &AssetToken,
        hash: AssetHash,
        content_type: Option<String>,
        bytes: Bytes,
    ) -> Result<(), CatalogError> {
        asset_rules::content(&self.settings, hash, content_type.as_deref(), bytes.len() as u64)?;
        let size = bytes.len() as u64;
        // Blob first: a row never names bytes that are not there.
        let digest = self.blobs.put(bytes).await?;
        let asset = Asset { hash, digest, size, content_type };
        match self.storage.asset_put(&session.owner, &asset, Timestamp::now()).await {
            Err(StorageError::Gone(_)) => Err(CatalogError::NamespaceNotFound),
            other => Ok(other?),
        }
    }

    /// The completion token, once every file of the session is there.
    ///
    /// # Errors
    /// As [`Catalog::assets_session_hashes`].
    pub async fn assets_session_finish(&self, session: &AssetToken) -> Result<Option<String>, CatalogError> {
        let hashes: Vec<AssetHash> = self.assets_session_hashes(session).await?.into_iter().collect();
        let there = self.storage.assets_claim(&session.owner, &hashes, Timestamp::now()).await?;
        if there.len() < hashes.len() {
            return Ok(None);
        }
        let token = AssetToken { kind: AssetTokenKind::Completion, ..session.clone() };
        Ok(Some(token.sign(&self.settings.asset_key, Timestamp::now())))
    }

    /// The assets of a version, for serving. `None`: it has none.
    ///
    /// # Errors
    /// [`CatalogError::VersionNotFound`]; [`CatalogError::Blobs`] when what it names is damaged.
    pub async fn assets_site(&self, version: VersionId) -> Result<Option<AssetSite>, CatalogError> {
        let row = self.storage.version_find(version).await?.ok_or(CatalogError::VersionNotFound)?;
        let Some(assets) = row.assets else { return Ok(None) };
        let manifest = self.manifest_load(assets.manifest).await?;
        let config = self.blobs.get(assets.config).await?;
        let config = serde_json::from_slice(&config).map_err(|_| crate::BlobsError::Damaged(assets.config))?;
        let flag = |name: &str| row.compatibility_flags.iter().any(|flag| flag == name);
        let navigation_first = flag("assets_navigation_prefers_asset_serving")
            || (row.compatibility_date.as_str() >= "2025-04-01" && !flag("assets_navigation_has_no_effect"));
        Ok(Some(AssetSite { config, manifest, has_worker: !row.code.modules.is_empty(), navigation_first }))
    }

    /// Bytes `range` of a file, for reading; see [`crate::Blobs::open`].
    pub async fn asset_open(
        &self,
        digest: BlobDigest,
        range: std::ops::Range<u64>,
    ) -> Result<BlobContent, CatalogError> {
        Ok(self.blobs.open(digest, range).await?)
    }

    /// What an upload's new version has of assets: those of its token, or the previous version's.
    pub(super) async fn assets_plan(
        &self,
        at: &ScriptRef,
        scope: Scope,
        new: Option<&NewAssets>,
        keep: bool,
        previous: Option<&Version>,
    ) -> Result<Option<PlannedAssets>, CatalogError> {
        let kept = previous.and_then(|version| version.assets);
        let Some(new) = new else {
            let kept = kept.filter(|_| keep);
            return Ok(kept.map(|assets| PlannedAssets { assets, blobs: Vec::new() }));
        };
        let config = new.config.clone().unwrap_or_default();
        asset_rules::config(&config)?;
        // An enum and texts: JSON can say all of it.
        let config = Bytes::from(serde_json::to_vec(&config).unwrap_or_default());
        let config_digest = BlobDigest::of(&config);
        let Some(token) = &new.token else {
            let kept = kept.ok_or_else(|| {
                CatalogError::Invalid("assets has no jwt, and there are no assets that could stay".to_owned())
            })?;
            let assets = VersionAssets { config: config_digest, ..kept };
            return Ok(Some(PlannedAssets { assets, blobs: vec![config] }));
        };
        let refused = |why: &dyn std::fmt::Display| CatalogError::Invalid(format!("assets.jwt: {why}"));
        let token = AssetToken::verify(token, &self.settings.asset_key, Timestamp::now()).map_err(|e| refused(&e))?;
        let owner = AssetOwner { account: at.account.clone(), scope };
        if token.owner != owner || token.script != at.name {
            return Err(refused(&"the token is of another script's upload"));
        }
        if token.kind != AssetTokenKind::Completion {
            return Err(refused(&"files are still missing: this is the session's token, not the completion token"));
        }
        let files = self.announced(&token).await?;
        let hashes: HashSet<AssetHash> = files.iter().map(|file| file.hash).collect();
        let hashes: Vec<AssetHash> = hashes.into_iter().collect();
        let kept = self.storage.assets_claim(&owner, &hashes, Timestamp::now()).await?;
        let kept: HashMap<AssetHash, Asset> = kept.into_iter().map(|asset| (asset.hash, asset)).collect();
        let mut manifest = Vec::with_capacity(files.len());
        for NewAsset { path, hash, .. } in files {
            let asset = kept.get(&hash).ok_or_else(|| refused(&format!("the file {path:?} is not there")))?;
            manifest.push((path, asset.clone()));
        }
        let count = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
        let manifest = Bytes::from(AssetManifest(manifest).to_bytes());
        let assets = VersionAssets { manifest: BlobDigest::of(&manifest), config: config_digest, files: count };
        Ok(Some(PlannedAssets { assets, blobs: vec![manifest, config] }))
    }

    /// Forgets files that no version names and nobody has asked for lately; their bytes go with the
    /// next sweep of blobs. Returns how many.
    pub(super) async fn assets_sweep(&self) -> Result<u64, CatalogError> {
        let age = i64::try_from(UNUSED.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp::from_micros(Timestamp::now().micros().saturating_sub(age));
        let mut removed = 0;
        for owner in self.storage.asset_owners(before).await? {
            // Versions made from here on have asked for their files, which makes them young.
            let mut named: HashSet<AssetHash> = HashSet::new();
            for manifest in self.storage.asset_manifests(&owner).await? {
                let manifest = self.manifest_load(manifest).await?;
                named.extend(manifest.0.iter().map(|(_, asset)| asset.hash));
            }
            let mut unnamed = self.storage.assets_unused(&owner, before).await?;
            unnamed.retain(|hash| !named.contains(hash));
            removed += self.storage.assets_delete(&owner, &unnamed, before).await?;
        }
        Ok(removed)
    }

    async fn manifest_load(&self, digest: BlobDigest) -> Result<AssetManifest, CatalogError> {
        let bytes = self.blobs.get(digest).await?;
        Ok(AssetManifest::from_bytes(&bytes).ok_or(crate::BlobsError::Damaged(digest))?)
    }

    async fn announced(&self, token: &AssetToken) -> Result<Vec<NewAsset>, CatalogError> {
        let bytes = match self.blobs.get(token.manifest).await {
            Err(crate::BlobsError::Missing(_)) => return Err(AssetTokenError::Expired.into()),
            other => other?,
        };
        Ok(announced_from_bytes(&bytes).ok_or(crate::BlobsError::Damaged(token.manifest))?)
    }
}

/// What is missing, each hash once, in portions.
fn buckets(files: &[NewAsset], there: &HashSet<AssetHash>) -> Vec<Vec<AssetHash>> {
    let mut seen = HashSet::new();
    let mut buckets: Vec<Vec<AssetHash>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        if there.contains(&file.hash) || !seen.insert(file.hash) {
            continue;
        }
        match buckets.last_mut() {
            Some(last) if last.len() < BUCKET_FILES && bytes + file.size <= BUCKET_BYTES => {
                last.push(file.hash);
                bytes += file.size;
            }
            _ => {
                buckets.push(vec![file.hash]);
                bytes = file.size;
            }
        }
    }
    buckets
}

/// A line a file: hash, size, path. No path holds a line end ([`asset_rules::files`]).
fn announced_to_bytes(files: &[NewAsset]) -> Vec<u8> {
    let lines = files.iter().map(|file| format!("{} {} {}\n", file.hash, file.size, file.path));
    lines.collect::<String>().into_bytes()
}

fn announced_from_bytes(bytes: &[u8]) -> Option<Vec<NewAsset>> {
    let lines = std::str::from_utf8(bytes).ok()?.lines().map(|line| {
        let mut fields = line.splitn(3, ' ');
        let (hash, size, path) = (fields.next()?, fields.next()?, fields.next()?);
        Some(NewAsset { path: path.to_owned(), hash: AssetHash::parse(hash)?, size: size.parse().ok()? })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, byte: u8, size: u64) -> NewAsset {
        NewAsset { path: path.to_owned(), hash: AssetHash([byte; 16]), size }
    }

    #[test]
    fn what_is_announced_comes_back() {
        let files = vec![file("/a b", 1, 3), file("/ü", 2, 0)];
        assert_eq!(announced_from_bytes(&announced_to_bytes(&files)), Some(files));
        assert_eq!(announced_from_bytes(b""), Some(Vec::new()));
        assert_eq!(announced_from_bytes(b"x"), None);
    }

    #[test]
    fn portions_hold_each_missing_hash_once_and_not_too_much() {
        let files =
            vec![file("/1", 1, 10), file("/2", 1, 10), file("/3", 2, BUCKET_BYTES), file("/4", 3, 1), file("/5", 4, 1)];
        let there = HashSet::from([AssetHash([4; 16])]);
        let hash = |byte| AssetHash([byte; 16]);
        assert_eq!(buckets(&files, &there), [vec![hash(1)], vec![hash(2)], vec![hash(3)]]);
        let many: Vec<_> = (0..1_200u32)
            .map(|n| NewAsset { path: format!("/{n}"), hash: AssetHash(u128::from(n).to_le_bytes()), size: 1 })
            .collect();
        let sizes: Vec<_> = buckets(&many, &HashSet::new()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [500, 500, 200]);
    }
}
