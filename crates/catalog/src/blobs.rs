//! Where code and assets are kept, by the digest of their bytes.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::BlobDigest;

/// A store of immutable byte strings. Every implementation passes the blobs suite of `storage`.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Keeps the bytes; durable when it returns. Putting what is there already is cheap and safe.
    async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BlobsError>;

    /// # Errors
    /// [`BlobsError::Missing`] when there is none; [`BlobsError::Damaged`] when the bytes kept do
    /// not have that digest any more.
    async fn get(&self, digest: BlobDigest) -> Result<Bytes, BlobsError>;

    /// Bytes `range` of a blob, read as they are asked for: for large ones, which must never be whole
    /// in memory. The digest is not checked. Small ones come whole.
    ///
    /// # Errors
    /// [`BlobsError::Missing`]; [`BlobsError::Damaged`] when the blob ends before the range does.
    async fn open(&self, digest: BlobDigest, range: Range<u64>) -> Result<BlobContent, BlobsError>;

    /// Removes blobs that `in_use` does not name and that are older than `min_age`; returns how many.
    async fn sweep(
        &self,
        in_use: &std::collections::HashSet<BlobDigest>,
        min_age: std::time::Duration,
    ) -> Result<u64, BlobsError>;
}

/// What [`Blobs::open`] gives.
pub enum BlobContent {
    Whole(Bytes),
    /// Chunks that make up the range. May be polled on any thread.
    Stream(BoxStream<'static, Result<Bytes, BlobsError>>),
}

#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    #[error("there is no blob {}", .0.hex())]
    Missing(BlobDigest),
    #[error("blob {} does not have its digest any more", .0.hex())]
    Damaged(BlobDigest),
    #[error("could not {action} a blob")]
    Io { action: &'static str, source: std::io::Error },
}
