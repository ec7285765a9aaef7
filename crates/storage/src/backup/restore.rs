//! A data folder of a backup. Into a new or an empty folder, which may be a volume's root; until all is there, checked
//! and durable, a marker lies in it, and no node starts on it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use switchyard_catalog::BlobDigest;

use super::target::{Hashed, sync_file_system, sync_parent, write_whole};
use super::{
    BLOBS, BackupError, BackupManifest, BackupSource, CATALOG, FORMAT, KEY, MANIFEST, blob_name, blob_of, snapshot,
};
use crate::SecretKey;
use crate::lock::{DataLock, RESTORING};

/// What a manifest may have in bytes.
const MAX_MANIFEST: u64 = 64 << 10;
/// What a new file system has in its root.
const NOT_OURS: &str = "lost+found";

/// Restores a backup into `data`. `key`: the file with the key of secrets, for a backup without it. For command-line
/// tools: it blocks its thread.
///
/// # Errors
/// [`BackupError`]; the folder is then as it was.
pub async fn restore(from: BackupSource, data: &Path, key: Option<&Path>) -> Result<BackupManifest, BackupError> {
    let made = !data.exists();
    if made {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(BackupError::io("make", data))?;
    }
    let empty = || match occupied(data) {
        Ok(false) => Ok(()),
        Ok(true) => Err(BackupError::NotEmpty(data.to_owned())),
        Err(source) => Err(BackupError::io("read", data)(source)),
    };
    // Before the lock, so that not even that is left in a folder of somebody else's; and under it.
    empty()?;
    let lock = DataLock::take(data)?;
    empty()?;
    let done = async {
        clear(data).map_err(BackupError::io("clear", data))?;
        // Before anything is written, so that it is told of what cannot be.
        let opened = File::open(data).map_err(BackupError::io("read", data))?;
        let marker = data.join(RESTORING);
        File::create(&marker).and_then(|file| file.sync_all()).map_err(BackupError::io("write", &marker))?;
        sync_parent(&marker).map_err(BackupError::io("write", &marker))?;
        let manifest = unpack(from, data)?;
        check(&manifest, data, key).await?;
        settle(data, &opened)?;
        Ok(manifest)
    }
    .await;
    let remove_marker = || {
        let marker = data.join(RESTORING);
        fs::remove_file(&marker).and_then(|()| sync_parent(&marker)).map_err(BackupError::io("write", &marker))
    };
    let done = match done {
        Ok(manifest) => remove_marker().map(|()| manifest),
        Err(error) => {
            // The marker is the last to go, so that a folder that cannot be cleared is never served from.
            if clear(data).is_ok() {
                let _ = remove_marker();
            }
            if made {
                let _ = fs::remove_file(data.join(DataLock::FILE));
                let _ = fs::remove_dir(data);
            }
            Err(error)
        }
    };
    drop(lock);
    done
}

/// Whether a folder has anything that a restore must not touch. What lies beside a marker is left of a restore that was
/// ended: nobody has served from it.
fn occupied(data: &Path) -> io::Result<bool> {
    if data.join(RESTORING).exists() {
        return Ok(false);
    }
    let names =
        fs::read_dir(data)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
    Ok(names.iter().any(|name| name != DataLock::FILE && name != NOT_OURS))
}

/// All that a restore makes but the marker.
fn clear(data: &Path) -> io::Result<()> {
    let gone = |done: io::Result<()>| match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_dir_all(data.join(BLOBS)))?;
    [CATALOG, KEY, MANIFEST].iter().try_for_each(|name| gone(fs::remove_file(data.join(name))))
}

fn unpack(from: BackupSource, data: &Path) -> Result<BackupManifest, BackupError> {
    let mut manifest = None;
    let mut seen = HashSet::new();
    let mut catalog = None;
    let mut entry = |name: &str, from: &mut dyn Read| -> Result<(), BackupError> {
        if !seen.insert(name.to_owned()) {
            return Err(BackupError::NoBackup(format!("{name} is in it twice")));
        }
        if name == MANIFEST {
            let mut text = Vec::new();
            from.take(MAX_MANIFEST).read_to_end(&mut text).map_err(BackupError::io("read", Path::new(name)))?;
            let read: BackupManifest = serde_json::from_slice(&text)
                .map_err(|error| BackupError::NoBackup(format!("{MANIFEST} is not understood: {error}")))?;
            manifest = Some(read);
            return Ok(());
        }
        let blob = blob_of(name);
        if blob.is_none() && name != CATALOG && name != KEY {
            return Err(BackupError::NoBackup(format!("{name:?} is in it, which does not belong there")));
        }
        let mut hashed = Hashed { from, sum: Context::new(&SHA256) };
        let path = data.join(name);
        write_whole(&path, &mut hashed).map_err(BackupError::io("write", &path))?;
        let sum = hashed.hex();
        if blob.is_some_and(|blob| blob.hex() != sum) {
            return Err(BackupError::Damaged(name.to_owned()));
        }
        if name == CATALOG {
            catalog = Some(sum);
        }
        Ok(())
    };
    match from {
        BackupSource::Folder(folder) => read_folder(&folder, &folder, &mut entry)?,
        BackupSource::Stream(stream) => {
            let broken =
                |error: io::Error| BackupError::NoBackup(format!("it is not a tar file, or not whole: {error}"));
            let mut archive = tar::Archive::new(stream);
            for file in archive.entries().map_err(broken)? {
                let mut file = file.map_err(broken)?;
                let path = file.path().map_err(broken)?.into_owned();
                if !file.header().entry_type().is_file() {
                    return Err(BackupError::NoBackup(format!("{} is in it, which is not a file", path.display())));
                }
                let name = path.to_string_lossy().into_owned();
                entry(&name, &mut file)?;
            }
        }
    }
    let manifest: BackupManifest = manifest.ok_or_else(|| BackupError::NoBackup(format!("it has no {MANIFEST}")))?;
    if manifest.format != FORMAT {
        return Err(BackupError::Format(manifest.format));
    }
    match catalog {
        None => Err(BackupError::NoBackup(format!("it has no {CATALOG}"))),
        Some(sum) if sum != manifest.catalog_sha256 => Err(BackupError::Damaged(CATALOG.to_owned())),
        Some(_) => Ok(manifest),
    }
}

/// Every file below a folder, by its name from there.
fn read_folder(
    root: &Path,
    folder: &Path,
    entry: &mut dyn FnMut(&str, &mut dyn Read) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    for found in fs::read_dir(folder).map_err(BackupError::io("read", folder))? {
        let path = found.map_err(BackupError::io("read", folder))?.path();
        // Not by links: what they lead to is not in the backup.
        let kind = fs::symlink_metadata(&path).map_err(BackupError::io("read", &path))?;
        if kind.is_dir() {
            read_folder(root, &path, entry)?;
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if !kind.is_file() {
            return Err(BackupError::NoBackup(format!("{name:?} is in it, which is not a file")));
        }
        let mut file = File::open(&path).map_err(BackupError::io("read", &path))?;
        entry(&name, &mut file)?;
    }
    Ok(())
}

/// Key, database and blobs fit each other.
async fn check(manifest: &BackupManifest, data: &Path, key: Option<&Path>) -> Result<(), BackupError> {
    let place = data.join(KEY);
    match (manifest.with_key && place.exists(), key) {
        (true, None) => {}
        (_, Some(given)) => {
            let text = fs::read(given).map_err(BackupError::io("read", given))?;
            if place.exists() {
                fs::remove_file(&place).map_err(BackupError::io("replace", &place))?;
            }
            write_whole(&place, &mut text.as_slice()).map_err(BackupError::io("write", &place))?;
        }
        (false, None) => {
            let given = "it is not in the backup: give the file that holds it".to_owned();
            return Err(BackupError::Key { wanted: manifest.key_id.clone(), given });
        }
    }
    let found = SecretKey::load_or_create(&place)?;
    if found.id() != manifest.key_id {
        let given = format!("the key that was given is {}", found.id());
        return Err(BackupError::Key { wanted: manifest.key_id.clone(), given });
    }
    let named = snapshot::read(&data.join(CATALOG), found.id()).await?;
    match named.iter().find(|digest| !data.join(blob_name(**digest)).is_file()) {
        Some(BlobDigest(missing)) => Err(BackupError::Missing(BlobDigest(*missing))),
        None => Ok(()),
    }
}

/// Of whoever owns the folder, where this is done for another user; and durable, names too.
fn settle(data: &Path, opened: &File) -> Result<(), BackupError> {
    let settled = fs::metadata(data).and_then(|owner| give_to(data, &owner)).and_then(|()| sync_file_system(opened));
    settled.map_err(BackupError::io("settle", data))
}

fn give_to(folder: &Path, owner: &fs::Metadata) -> io::Result<()> {
    for found in fs::read_dir(folder)? {
        let found = found?;
        if found.file_name() == NOT_OURS {
            continue;
        }
        let kind = found.metadata()?;
        if (kind.uid(), kind.gid()) != (owner.uid(), owner.gid()) {
            std::os::unix::fs::lchown(found.path(), Some(owner.uid()), Some(owner.gid()))?;
        }
        if kind.is_dir() {
            give_to(&found.path(), owner)?;
        }
    }
    Ok(())
}
