//! Backups: consistent while scripts are uploaded, deleted and swept; restored whole or not at all.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use switchyard_catalog::*;
use switchyard_storage::{
    BackupError, BackupManifest, BackupSource, BackupTarget, DataLock, FileBlobs, OpenError, SecretKey, SqliteStorage,
    backup, restore,
};

use crate::catalog::fixture::{Fixture, at, code, fixture, secret, with};

/// With scripts, versions and a secret.
async fn filled() -> Fixture {
    let f = fixture().await;
    f.upload(&at("a"), with(code("a one"), vec![secret("S", "of a")])).await.unwrap();
    f.upload(&at("a"), code("a two")).await.unwrap();
    f.upload(&at("b"), code("b one")).await.unwrap();
    f
}

async fn made(f: &Fixture, to: &Path) -> BackupManifest {
    backup(f.dir.path(), BackupTarget::Folder(to.to_owned()), true).await.unwrap()
}

async fn restored(from: &Path, to: &Path) -> Result<BackupManifest, BackupError> {
    restore(BackupSource::open(from)?, to, None).await
}

/// Every version that the database of a folder has, with its code and its secrets.
async fn whole(data: &Path) -> Vec<String> {
    let key = SecretKey::load_or_create(&data.join("secret.key")).unwrap();
    let storage = SqliteStorage::open(data, key).await.unwrap();
    let blobs = FileBlobs::open(&data.join("blobs")).unwrap();
    for digest in storage.blobs_in_use().await.unwrap() {
        blobs.get(digest).await.unwrap();
    }
    let mut seen = Vec::new();
    for version in storage.versions_kept().await.unwrap() {
        let version = storage.version_find(version).await.unwrap().unwrap();
        let (script, _) = storage.version_owner(version.id).await.unwrap().unwrap();
        let ids: Vec<SecretId> = version.bindings.iter().filter_map(|binding| binding.kind.secret()).collect();
        let secrets = storage.secrets_load(&ids).await.unwrap();
        let secrets: Vec<&str> = secrets.iter().map(|(_, secret)| secret.expose()).collect();
        let source = blobs.get(version.code.modules[0].digest).await.unwrap();
        seen.push(
            format!("{} {} {}", script.name, String::from_utf8_lossy(&source), secrets.join(",")).trim().to_owned(),
        );
    }
    storage.close().await;
    seen.sort();
    seen
}

#[tokio::test]
async fn what_was_there_is_there_again() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let folder = dir.path().join("folder");
    let manifest = made(&f, &folder).await;
    assert_eq!((manifest.blobs, manifest.with_key), (3, true));
    let tar = dir.path().join("x.tar");
    backup(f.dir.path(), BackupTarget::File(tar.clone()), true).await.unwrap();
    let stream = dir.path().join("stream");
    let to = fs::File::create(&stream).unwrap();
    backup(f.dir.path(), BackupTarget::Stream(Box::new(to)), true).await.unwrap();
    for (number, from) in [&folder, &tar, &stream].into_iter().enumerate() {
        // Not there yet, with folders above it; and there, but empty.
        for data in [dir.path().join(format!("n{number}/data")), dir.path().join(format!("e{number}"))] {
            if data.file_name().unwrap() != "data" {
                fs::create_dir(&data).unwrap();
                fs::create_dir(data.join("lost+found")).unwrap();
            }
            let restored = restored(from, &data).await.unwrap();
            assert_eq!(restored.key_id, manifest.key_id);
            assert_eq!(whole(&data).await, ["a a one of a", "a a two of a", "b b one"]);
            for file in ["secret.key", "catalog.sqlite"] {
                assert_eq!(fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o077, 0, "{file}");
            }
            DataLock::acquire(&data).unwrap();
        }
    }
    for private in [&folder, &tar] {
        assert_eq!(fs::metadata(private).unwrap().permissions().mode() & 0o077, 0);
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

/// Versions come and go, and what nothing names is swept at once, all while backups are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_backup_is_of_one_moment() {
    let settings = CatalogSettings { keep_versions: 2, ..CatalogSettings::default() };
    let f = Arc::new(crate::catalog::fixture::with_settings(settings).await);
    let (stop, steps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = {
        let (f, stop, steps) = (f.clone(), stop.clone(), steps.clone());
        tokio::spawn(async move {
            let blobs = FileBlobs::open(&f.dir.path().join("blobs")).unwrap();
            for step in 0_u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let name = at(&format!("s{}", step % 7));
                let value = format!("value {step}");
                f.upload(&name, with(code(&format!("source {step}")), vec![secret("S", &value)])).await.unwrap();
                if step % 5 == 4 {
                    f.script_delete(&f.actor, &name, true).await.unwrap();
                }
                // No other upload is between its blob and its row.
                blobs.sweep(&f.storage.blobs_in_use().await.unwrap(), Duration::ZERO).await.unwrap();
                steps.store(step, Ordering::Relaxed);
            }
        })
    };
    let dir = tempfile::tempdir().unwrap();
    for round in 0..12 {
        let before = steps.load(Ordering::Relaxed);
        while steps.load(Ordering::Relaxed) < before + 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (to, data) = (dir.path().join(format!("b{round}")), dir.path().join(format!("d{round}")));
        made(&f, &to).await;
        restored(&to, &data).await.unwrap();
        for version in whole(&data).await {
            let number = version.split(' ').nth(2).unwrap();
            assert!(version.ends_with(&format!("source {number} value {number}")), "{version}");
            assert!(number.parse::<u64>().unwrap() + 30 > before, "as of now: {version}, at {before}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let there = dir.path().join("there.tar");
    fs::write(&there, "mine").unwrap();
    let error = backup(f.dir.path(), BackupTarget::File(there.clone()), true).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let error = backup(f.dir.path(), BackupTarget::Folder(folder), true).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");

    let from = dir.path().join("backup");
    made(&f, &from).await;
    let occupied = dir.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("notes.txt"), "mine").unwrap();
    let error = restored(&from, &occupied).await.unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty(_)), "{error}");
    assert_eq!(fs::read_dir(&occupied).unwrap().count(), 1, "not even a lock");
    // A folder that a node has been on is not empty either, nor one that a node is on.
    assert!(matches!(restored(&from, f.dir.path()).await.unwrap_err(), BackupError::NotEmpty(_)));
    let locked = dir.path().join("locked");
    let _lock = DataLock::acquire(&locked).unwrap();
    assert!(matches!(restored(&from, &locked).await.unwrap_err(), BackupError::Open(OpenError::Locked(_))));

    let error = backup(&occupied, BackupTarget::Folder(dir.path().join("no")), true).await.unwrap_err();
    assert!(matches!(error, BackupError::NoCatalog(_)), "{error}");
    assert!(!dir.path().join("no").exists());
}

#[tokio::test]
async fn a_backup_without_the_key_wants_it() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let from = dir.path().join("backup.tar");
    let manifest = backup(f.dir.path(), BackupTarget::File(from.clone()), false).await.unwrap();
    assert!(!manifest.with_key);
    let key = fs::read_to_string(f.dir.path().join("secret.key")).unwrap();
    let bytes = fs::read(&from).unwrap();
    assert!(!bytes.windows(64).any(|window| window == key.trim().as_bytes()));
    let data = dir.path().join("data");
    let error = restored(&from, &data).await.unwrap_err().to_string();
    assert!(error.contains(&manifest.key_id) && error.contains("not in the backup"), "{error}");
    let other = dir.path().join("other.key");
    SecretKey::load_or_create(&other).unwrap();
    let from_open = || BackupSource::open(&from).unwrap();
    let error = restore(from_open(), &data, Some(&other)).await.unwrap_err();
    assert!(matches!(error, BackupError::Key { .. }), "{error}");
    assert!(!data.exists(), "nothing is left");
    restore(from_open(), &data, Some(&f.dir.path().join("secret.key"))).await.unwrap();
    assert_eq!(whole(&data).await[0], "a a one of a");
}

/// Everything that can be wrong with a backup is found, named, and leaves the folder as it was.
#[tokio::test]
async fn what_is_damaged_is_never_restored() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let good = dir.path().join("good");
    made(&f, &good).await;
    let blob = {
        let shards = fs::read_dir(good.join("blobs")).unwrap().map(|shard| shard.unwrap().path());
        let mut files = shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|file| file.unwrap().path()));
        files.next().unwrap().strip_prefix(&good).unwrap().to_owned()
    };
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    type Damage<'a> = (&'static str, Box<dyn Fn(&Path) + 'a>, &'static str);
    let damages: Vec<Damage<'_>> = vec![
        ("a blob has another bit", Box::new(|at| flip(&at.join(&blob))), "does not have its digest"),
        ("a blob is cut", Box::new(|at| fs::write(at.join(&blob), "x").unwrap()), "does not have its digest"),
        ("a blob is gone", Box::new(|at| fs::remove_file(at.join(&blob)).unwrap()), "which is missing"),
        ("the catalog has another bit", Box::new(|at| flip(&at.join("catalog.sqlite"))), "catalog.sqlite does not"),
        ("the catalog is gone", Box::new(|at| fs::remove_file(at.join("catalog.sqlite")).unwrap()), "no catalog"),
        ("the key is gone", Box::new(|at| fs::remove_file(at.join("secret.key")).unwrap()), "not in the backup"),
        ("the manifest is gone", Box::new(|at| fs::remove_file(at.join("backup.json")).unwrap()), "no backup.json"),
        ("the manifest is none", Box::new(|at| fs::write(at.join("backup.json"), "{").unwrap()), "not understood"),
        ("a file is there besides", Box::new(|at| fs::write(at.join("x"), "x").unwrap()), "\"x\" is in it"),
        (
            "a link is there",
            Box::new(|at| std::os::unix::fs::symlink("/etc/passwd", at.join("secret.key2")).unwrap()),
            "is not a file",
        ),
        (
            "another format",
            Box::new(|at| {
                let text = fs::read_to_string(at.join("backup.json")).unwrap();
                fs::write(at.join("backup.json"), text.replace("\"format\": 1", "\"format\": 2")).unwrap();
            }),
            "of format 2",
        ),
    ];
    for (name, damage, wanted) in damages {
        let bad = dir.path().join(name.replace(' ', "-"));
        copy(&good, &bad);
        damage(&bad);
        let data = dir.path().join("data");
        let error = restored(&bad, &data).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{name}: {error}");
        assert!(!data.exists(), "{name}: what was made is gone");
        fs::create_dir(&data).unwrap();
        restored(&bad, &data).await.unwrap_err();
        DataLock::acquire(&data).unwrap_or_else(|error| panic!("{name}: {error}"));
        let left: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"], "{name}");
        fs::remove_dir_all(&data).unwrap();
    }
    // Streams: cut anywhere, or with a name that leads out of the folder.
    let tar = dir.path().join("good.tar");
    backup(f.dir.path(), BackupTarget::File(tar.clone()), true).await.unwrap();
    let bytes = fs::read(&tar).unwrap();
    for part in [0, 1, 512, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1_024 - 600] {
        let cut = dir.path().join("cut.tar");
        fs::write(&cut, &bytes[..part]).unwrap();
        let data = dir.path().join("data");
        let error = restored(&cut, &data).await.unwrap_err();
        let found = matches!(error, BackupError::NoBackup(_) | BackupError::Damaged(_));
        assert!(found, "{part} bytes: {error}");
        assert!(!data.exists());
    }
    let mut evil = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let name = b"../evil";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(1);
    header.set_cksum();
    evil.append(&header, &b"x"[..]).unwrap();
    let evil = std::io::Cursor::new(evil.into_inner().unwrap());
    let data = dir.path().join("data");
    let error = restore(BackupSource::Stream(Box::new(evil)), &data, None).await.unwrap_err();
    assert!(error.to_string().contains("../evil"), "{error}");
    assert!(!dir.path().join("evil").exists() && !data.exists());
}

fn copy(from: &Path, to: &PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_damaged_data_folder_gives_no_backup() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let digest = *f.storage.blobs_in_use().await.unwrap().iter().next().unwrap();
    let path = f.dir.path().join("blobs").join(&digest.hex()[..2]).join(digest.hex());
    let kept = fs::read(&path).unwrap();
    let to = dir.path().join("b.tar");
    fs::write(&path, "other").unwrap();
    let error = backup(f.dir.path(), BackupTarget::File(to.clone()), true).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged(_)), "{error}");
    fs::remove_file(&path).unwrap();
    let error = backup(f.dir.path(), BackupTarget::File(to.clone()), true).await.unwrap_err();
    assert!(matches!(error, BackupError::Missing(missing) if missing == digest), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
    fs::write(&path, kept).unwrap();
    backup(f.dir.path(), BackupTarget::File(to), true).await.unwrap();
    let left = fs::read_dir(f.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn no_node_starts_on_half_a_restore_and_it_can_be_given_again() {
    let (f, dir) = (filled().await, tempfile::tempdir().unwrap());
    let from = dir.path().join("backup");
    made(&f, &from).await;
    let data = dir.path().join("data");
    restored(&from, &data).await.unwrap();
    // As a restore leaves it that was killed before its last step.
    fs::write(data.join("restoring"), "").unwrap();
    fs::remove_file(data.join("secret.key")).unwrap();
    assert!(DataLock::is_half_restored(&data));
    let error = DataLock::acquire(&data).unwrap_err();
    assert!(matches!(error, OpenError::Restoring(_)) && error.to_string().contains("once more"), "{error}");
    restored(&from, &data).await.unwrap();
    assert_eq!(whole(&data).await.len(), 3);
    assert!(!DataLock::is_held(&data).unwrap());
    let _lock = DataLock::acquire(&data).unwrap();
    assert!(DataLock::is_held(&data).unwrap());
}
