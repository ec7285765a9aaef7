//! What every `Blobs` must hold (`blobs_suite!`), and what only files can get wrong.

use std::{collections::HashSet, fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt;
use switchyard_catalog::{BlobContent, BlobDigest, Blobs, BlobsError};
use switchyard_storage::FileBlobs;
use tempfile::TempDir;

mod suite {
    use super::*;

    pub async fn bytes_come_back_by_their_digest(blobs: &dyn Blobs) {
        let large = Bytes::from(vec![7; 3 << 20]);
        for bytes in [Bytes::new(), Bytes::from_static(b"export default {}"), large] {
            let digest = blobs.put(bytes.clone()).await.unwrap();
            assert_eq!(digest, BlobDigest::of(&bytes));
            assert_eq!(blobs.get(digest).await.unwrap(), bytes);
        }
    }

    pub async fn putting_again_is_harmless(blobs: &dyn Blobs) {
        let bytes = Bytes::from_static(b"same");
        let puts = (0..20).map(|_| blobs.put(bytes.clone()));
        for digest in futures_util::future::join_all(puts).await {
            assert_eq!(digest.unwrap(), BlobDigest::of(b"same"));
        }
        assert_eq!(blobs.get(BlobDigest::of(b"same")).await.unwrap(), bytes);
    }

    pub async fn a_missing_one_says_so(blobs: &dyn Blobs) {
        let digest = BlobDigest::of(b"nothing");
        assert!(matches!(blobs.get(digest).await, Err(BlobsError::Missing(d)) if d == digest));
    }

    pub async fn a_range_is_read_whole_or_in_chunks(blobs: &dyn Blobs) {
        let bytes: Bytes = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
        let digest = blobs.put(bytes.clone()).await.unwrap();
        for range in [0..bytes.len(), 0..0, 5..17, 100..900_001, bytes.len() - 1..bytes.len()] {
            let wanted = bytes.slice(range.clone());
            let read = match blobs.open(digest, range.start as u64..range.end as u64).await.unwrap() {
                BlobContent::Whole(bytes) => bytes,
                BlobContent::Stream(chunks) => chunks.try_collect::<Vec<Bytes>>().await.unwrap().concat().into(),
            };
            assert!(read == wanted, "{range:?}");
        }
        let beyond = blobs.open(digest, bytes.len() as u64..bytes.len() as u64 + 1).await;
        assert!(matches!(beyond, Err(BlobsError::Damaged(d)) if d == digest));
        let missing = BlobDigest::of(b"nothing");
        assert!(matches!(blobs.open(missing, 0..1).await, Err(BlobsError::Missing(d)) if d == missing));
    }

    pub async fn a_sweep_takes_what_nobody_names(blobs: &dyn Blobs) {
        let kept = blobs.put(Bytes::from_static(b"kept")).await.unwrap();
        let dropped = blobs.put(Bytes::from_static(b"dropped")).await.unwrap();
        let in_use = HashSet::from([kept]);
        assert_eq!(blobs.sweep(&in_use, Duration::from_secs(3_600)).await.unwrap(), 0, "too young");
        assert_eq!(blobs.sweep(&in_use, Duration::ZERO).await.unwrap(), 1);
        assert!(matches!(blobs.get(dropped).await, Err(BlobsError::Missing(_))));
        blobs.get(kept).await.unwrap();
        blobs.put(Bytes::from_static(b"dropped")).await.unwrap();
        blobs.get(dropped).await.unwrap();
    }
}

macro_rules! blobs_suite {
    ($fixture:path: $($test:ident),+) => {
        $(
            #[tokio::test]
            async fn $test() {
                let (blobs, _alive) = $fixture();
                suite::$test(&*blobs).await;
            }
        )+
    };
}

blobs_suite!(fixture: bytes_come_back_by_their_digest, putting_again_is_harmless, a_missing_one_says_so,
    a_range_is_read_whole_or_in_chunks, a_sweep_takes_what_nobody_names);

fn fixture() -> (Arc<dyn Blobs>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(FileBlobs::open(&dir.path().join("blobs")).unwrap()), dir)
}

/// Regular files below a folder.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn damage_is_noticed_and_a_put_heals_a_cut_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(dir.path()).unwrap();
    let bytes = Bytes::from_static(b"export default {}");
    let digest = blobs.put(bytes.clone()).await.unwrap();
    let [path] = &files(dir.path())[..] else { panic!("one file, nothing unfinished beside it") };
    fs::write(path, b"export default {!").unwrap();
    assert!(matches!(blobs.get(digest).await, Err(BlobsError::Damaged(_))));
    fs::write(path, b"exp").unwrap();
    assert!(matches!(blobs.get(digest).await, Err(BlobsError::Damaged(_))));
    blobs.put(bytes.clone()).await.unwrap();
    assert_eq!(blobs.get(digest).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_put_of_an_old_blob_saves_it_from_the_sweep() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(dir.path()).unwrap();
    let bytes = Bytes::from_static(b"old");
    let digest = blobs.put(bytes.clone()).await.unwrap();
    let [path] = &files(dir.path())[..] else { panic!("one file") };
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    blobs.put(bytes).await.unwrap();
    assert_eq!(blobs.sweep(&HashSet::new(), Duration::from_secs(3_600)).await.unwrap(), 0);
    blobs.get(digest).await.unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(blobs.sweep(&HashSet::new(), Duration::from_secs(3_600)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_sweep_leaves_foreign_files_and_takes_unfinished_ones() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(dir.path()).unwrap();
    fs::write(dir.path().join("00/README"), b"mine").unwrap();
    fs::write(dir.path().join("00/.put-abc"), b"half").unwrap();
    assert_eq!(blobs.sweep(&HashSet::new(), Duration::ZERO).await.unwrap(), 1);
    assert_eq!(files(dir.path()), [dir.path().join("00/README")]);
}
