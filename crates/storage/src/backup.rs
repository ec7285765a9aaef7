//! Backups of a data folder, made while a node serves from it, and what becomes a data folder again of them.
//!
//! A backup has the database as of one moment, the code and assets that this database names, and the key of the
//! tenants' secrets unless that is left out. Sealed Workers, compiled components and the engine are not in it: a node
//! makes them of the source, at first use. `node.key` is not in it either; each node has its own.
//!
//! **The order that keeps it consistent**: the database first, then the blobs that it names. A blob is written before
//! the row that names it, so the snapshot names none that is not there; one that a sweep removes meanwhile has lost
//! its last row, so a newer snapshot does not name it: then the database is taken once more, and only what it names
//! beyond what is copied is copied. Two snapshots in a row that miss the same blob mean damage.

mod restore;
mod snapshot;
mod target;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use switchyard_catalog::{BlobDigest, Timestamp};

use crate::{OpenError, SecretKey};

pub use restore::restore;
pub use target::{BackupSource, BackupTarget};

/// Names in a backup, and of the same things in a data folder.
const CATALOG: &str = "catalog.sqlite";
const KEY: &str = "secret.key";
const BLOBS: &str = "blobs";
/// What a backup says of itself; written last, so that one without it is none.
const MANIFEST: &str = "backup.json";
/// Of this module's writing.
const FORMAT: u32 = 1;
/// Snapshots of one backup, at most: sweeps are hours apart.
const SNAPSHOTS: usize = 8;

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("could not {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} has no catalog: it is not the data folder of a node", .0.display())]
    NoCatalog(PathBuf),
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    #[error("the data folder {} is not empty: a backup is restored into a new or an empty folder", .0.display())]
    NotEmpty(PathBuf),
    #[error("could not {action} the database {}", path.display())]
    Database { action: &'static str, path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the database names blob {}, which is missing: the data folder is damaged", .0.hex())]
    Missing(BlobDigest),
    #[error("{0} does not have its digest any more: it is damaged")]
    Damaged(String),
    #[error("this is no whole backup: {0}")]
    NoBackup(String),
    #[error("the backup is of format {0}; this program knows format {FORMAT}")]
    Format(u32),
    #[error("the secrets were encrypted with the key {wanted}; {given}")]
    Key { wanted: String, given: String },
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl BackupError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    pub format: u32,
    /// The program's version that made it.
    pub switchyard: String,
    pub created_on: String,
    /// Bytes of the database, and their SHA-256 in hex.
    pub catalog_bytes: u64,
    pub catalog_sha256: String,
    /// Which key the secrets are encrypted with; it tells nothing of the key.
    pub key_id: String,
    /// Whether the key is in the backup.
    pub with_key: bool,
    /// Code and assets that the database names, each under the SHA-256 of its bytes.
    pub blobs: u64,
    pub blob_bytes: u64,
}

/// Makes a backup of the data folder of a node, which may be serving. For command-line tools: it blocks its thread
/// while it copies. A file or a folder appears whole or not at all.
///
/// # Errors
/// [`BackupError`]; nothing is left at the target then.
pub async fn backup(data: &Path, to: BackupTarget, with_key: bool) -> Result<BackupManifest, BackupError> {
    if !data.join(CATALOG).is_file() {
        return Err(BackupError::NoCatalog(data.to_owned()));
    }
    let key_path = data.join(KEY);
    if !key_path.exists() {
        let absent = std::io::Error::from(ErrorKind::NotFound);
        return Err(BackupError::io("read the key of secrets,", &key_path)(absent));
    }
    let key = SecretKey::load_or_create(&key_path)?;
    let mut out = to.open(data)?;
    let mut copied: HashSet<BlobDigest> = HashSet::new();
    let mut bytes = 0;
    let mut missed: BTreeSet<[u8; 32]> = BTreeSet::new();
    for _ in 0..SNAPSHOTS {
        let taken = snapshot::take(data, out.scratch()).await?;
        let named = snapshot::read(&taken, key.id()).await?;
        let mut missing = BTreeSet::new();
        for digest in named.iter().filter(|digest| !copied.contains(digest)).copied().collect::<Vec<_>>() {
            match read_blob(data, digest)? {
                Some(content) => {
                    out.put(&blob_name(digest), &content)?;
                    bytes += content.len() as u64;
                    copied.insert(digest);
                }
                None => drop(missing.insert(digest.0)),
            }
        }
        if let Some(damaged) = missing.intersection(&missed).next() {
            return Err(BackupError::Missing(BlobDigest(*damaged)));
        }
        if !missing.is_empty() {
            missed = missing;
            continue;
        }
        let (catalog_bytes, catalog_sha256) = out.put_file(CATALOG, &taken)?;
        if with_key {
            let text = fs::read(&key_path).map_err(BackupError::io("read", &key_path))?;
            out.put(KEY, &text)?;
        }
        let manifest = BackupManifest {
            format: FORMAT,
            switchyard: env!("CARGO_PKG_VERSION").to_owned(),
            created_on: Timestamp::now().to_string(),
            catalog_bytes,
            catalog_sha256,
            key_id: key.id().to_owned(),
            with_key,
            blobs: copied.len() as u64,
            blob_bytes: bytes,
        };
        out.put(MANIFEST, &serde_json::to_vec_pretty(&manifest).unwrap_or_default())?;
        out.finish()?;
        return Ok(manifest);
    }
    Err(BackupError::Missing(BlobDigest(missed.pop_first().unwrap_or_default())))
}

/// A blob with the digest that it is named by. `None`: it is not there.
fn read_blob(data: &Path, digest: BlobDigest) -> Result<Option<Vec<u8>>, BackupError> {
    let path = data.join(blob_name(digest));
    match fs::read(&path) {
        Ok(content) if BlobDigest::of(&content) == digest => Ok(Some(content)),
        Ok(_) => Err(BackupError::Damaged(format!("blob {}", digest.hex()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::io("read", &path)(error)),
    }
}

/// As [`crate::FileBlobs`] names it, below the data folder.
fn blob_name(digest: BlobDigest) -> String {
    let hex = digest.hex();
    format!("{BLOBS}/{}/{hex}", &hex[..2])
}

/// The digest in such a name.
fn blob_of(name: &str) -> Option<BlobDigest> {
    let (shard, hex) = name.strip_prefix(BLOBS)?.strip_prefix('/')?.split_once('/')?;
    let digest = BlobDigest::parse(hex)?;
    (hex.starts_with(shard) && shard.len() == 2).then_some(digest)
}
