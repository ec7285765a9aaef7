//! Blobs as files named by their digest, in 256 folders by its first byte. A file appears whole
//! (written beside, synced, renamed) and is durable, with its name, when `put` returns.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use switchyard_catalog::{BlobContent, BlobDigest, Blobs, BlobsError};
use tokio::runtime::Handle;

use crate::OpenError;

const SHARDS: usize = 256;
/// Of files that were never finished; swept like blobs that nobody names.
const UNFINISHED: &str = ".put-";

/// One process a folder ([`crate::DataLock`]).
#[derive(Debug, Clone)]
pub struct FileBlobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// One a folder, held while a file is put or swept there: a put that finds the file knows that
    /// its name is durable, and a sweep can not remove what a put has just found.
    shards: Vec<Mutex<()>>,
}

impl FileBlobs {
    /// Makes the folder if need be.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let io = |action, source| OpenError::Io { action, path: dir.to_owned(), source };
        for shard in 0..SHARDS {
            fs::create_dir_all(dir.join(format!("{shard:02x}"))).map_err(|e| io("make the blobs folder", e))?;
        }
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| io("sync the blobs folder", e))?;
        let shards = (0..SHARDS).map(|_| Mutex::new(())).collect();
        Ok(Self { inner: Arc::new(Inner { dir: dir.to_owned(), shards }) })
    }

    /// Runs file work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Inner) -> Result<T, BlobsError> + Send + 'static,
    ) -> Result<T, BlobsError> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|e| BlobsError::Io { action, source: io::Error::other(e) })?
    }
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BlobsError> {
        self.blocking("write", move |inner| {
            let digest = BlobDigest::of(&bytes);
            let put = inner.put(digest, &bytes);
            put.map_err(|source| BlobsError::Io { action: "write", source })?;
            Ok(digest)
        })
        .await
    }

    async fn get(&self, digest: BlobDigest) -> Result<Bytes, BlobsError> {
        self.blocking("read", move |inner| {
            let bytes = fs::read(inner.path(digest)).map_err(|source| match source.kind() {
                ErrorKind::NotFound => BlobsError::Missing(digest),
                _ => BlobsError::Io { action: "read", source },
            })?;
            if BlobDigest::of(&bytes) != digest {
                return Err(BlobsError::Damaged(digest));
            }
            Ok(Bytes::from(bytes))
        })
        .await
    }

    async fn open(&self, digest: BlobDigest, range: Range<u64>) -> Result<BlobContent, BlobsError> {
        let opened = self.blocking("open", move |inner| {
            let file = File::open(inner.path(digest)).map_err(|source| match source.kind() {
                ErrorKind::NotFound => BlobsError::Missing(digest),
                _ => BlobsError::Io { action: "open", source },
            })?;
            // Most files are this small: one trip to a thread that may wait, and no more.
            let first = read_at(&file, digest, &range)?;
            Ok((file, first, range))
        });
        let (file, first, range) = opened.await?;
        if first.len() as u64 >= range.end.saturating_sub(range.start) {
            return Ok(BlobContent::Whole(first));
        }
        let start = range.start + first.len() as u64;
        let rest = ReadAhead { file: Arc::new(file), digest, range: start..range.end, threads: Handle::current() };
        let rest = stream::try_unfold(rest, ReadAhead::next);
        Ok(BlobContent::Stream(stream::once(async { Ok(first) }).chain(rest).boxed()))
    }

    async fn sweep(&self, in_use: &HashSet<BlobDigest>, min_age: Duration) -> Result<u64, BlobsError> {
        let in_use = in_use.clone();
        self.blocking("sweep", move |inner| {
            let mut removed = 0;
            for shard in 0..SHARDS {
                let swept = inner.sweep(shard, &in_use, min_age);
                removed += swept.map_err(|source| BlobsError::Io { action: "sweep", source })?;
            }
            Ok(removed)
        })
        .await
    }
}

/// Bytes read at once.
const CHUNK: u64 = 128 << 10;

/// The first [`CHUNK`] of the range, or all of it.
fn read_at(file: &File, digest: BlobDigest, range: &Range<u64>) -> Result<Bytes, BlobsError> {
    let wanted = range.end.saturating_sub(range.start).min(CHUNK);
    let mut bytes = vec![0; usize::try_from(wanted).unwrap_or_default()];
    file.read_exact_at(&mut bytes, range.start).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => BlobsError::Damaged(digest),
        _ => BlobsError::Io { action: "read", source },
    })?;
    Ok(bytes.into())
}

/// What is left of a blob that is being read.
struct ReadAhead {
    file: Arc<File>,
    digest: BlobDigest,
    range: Range<u64>,
    /// Guests' threads poll this too, and have none of their own for files.
    threads: Handle,
}

impl ReadAhead {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobsError> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let (file, digest, range) = (self.file.clone(), self.digest, self.range.clone());
        let read = self.threads.spawn_blocking(move || read_at(&file, digest, &range)).await;
        let bytes = read.map_err(|e| BlobsError::Io { action: "read", source: io::Error::other(e) })??;
        self.range.start += bytes.len() as u64;
        Ok(Some((bytes, self)))
    }
}

impl Inner {
    fn path(&self, digest: BlobDigest) -> PathBuf {
        let hex = digest.hex();
        self.dir.join(&hex[..2]).join(&hex)
    }

    fn put(&self, digest: BlobDigest, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        let shard = self.dir.join(format!("{:02x}", digest.0[0]));
        let _shard = self.shards[usize::from(digest.0[0])].lock().unwrap_or_else(PoisonError::into_inner);
        match File::options().write(true).open(&path) {
            // Made young again, so that no sweep takes it before the caller's row names it.
            Ok(file) if file.metadata()?.len() == bytes.len() as u64 => return file.set_modified(SystemTime::now()),
            // Cut short by a damaged disk: written anew.
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&shard)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|e| e.error)?;
        File::open(&shard)?.sync_all()
    }

    fn sweep(&self, shard: usize, in_use: &HashSet<BlobDigest>, min_age: Duration) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(self.dir.join(format!("{shard:02x}")))? {
            let entry = entry?;
            let name = entry.file_name();
            // What is neither a blob nor an unfinished one is not ours to remove.
            let Some(name) = name.to_str() else { continue };
            match BlobDigest::parse(name) {
                Some(digest) if !in_use.contains(&digest) => {}
                None if name.starts_with(UNFINISHED) => {}
                _ => continue,
            }
            let _shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
            let modified = match entry.metadata() {
                Ok(meta) => meta.modified()?,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            // A time in the future counts as young.
            if modified.elapsed().is_ok_and(|age| age >= min_age) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
