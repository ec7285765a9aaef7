//! Request bodies: read under a cap, a deadline for silence and one for the whole.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    ApiConfig,
    error::ApiError,
    object::{self, Misfit},
};

/// A body that has not been read, or not to its end.
pub(crate) struct RequestBody {
    inner: UnsyncBoxBody<Bytes, ReadError>,
    idle: Duration,
    deadline: Instant,
    /// Nothing more will come, or nothing more is wanted.
    ended: bool,
    /// The client waits to be asked for it (`Expect: 100-continue`), and has not been: the first
    /// read asks.
    unasked: bool,
}

/// Why a body could not be read. The transport's own error says nothing a client could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the request body broke off")]
    Broken,
    #[error("the request body did not arrive in time")]
    Slow,
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Broken => Self::unparsable(error.to_string()),
            ReadError::Slow => Self::body_too_slow(),
        }
    }
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, headers: &HeaderMap, config: &ApiConfig) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let ended = body.is_end_stream();
        let inner = UnsyncBoxBody::new(body.map_err(|_| ReadError::Broken));
        let deadline = Instant::now() + config.body_total;
        let unasked = headers.contains_key(header::EXPECT);
        Self { inner, idle: config.body_idle, deadline, ended, unasked }
    }

    /// Bytes that will come at least: the Content-Length, where there is one.
    pub(crate) fn expected(&self) -> u64 {
        http_body::Body::size_hint(&self.inner).lower()
    }

    /// Nothing will come.
    pub(crate) fn is_absent(&self) -> bool {
        self.ended
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.unasked = false;
        while !self.ended {
            let until = self.deadline.min(Instant::now() + self.idle);
            let frame = match timeout_at(until, self.inner.frame()).await {
                Err(_) => Err(ReadError::Slow),
                Ok(Some(frame)) => frame,
                Ok(None) => break,
            };
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(data)) => return Ok(Some(data)),
                // Trailers say nothing here.
                Ok(Err(_)) => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        self.ended = true;
        Ok(None)
    }

    /// All of it.
    ///
    /// # Errors
    /// `too_large` when it has more than `cap` bytes.
    pub(crate) async fn bytes(&mut self, cap: u64, too_large: fn(u64) -> ApiError) -> Result<Bytes, ApiError> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if (all.len() + chunk.len()) as u64 > cap {
                return Err(too_large(cap));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// A JSON body, of whatever content type.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self, cap: u64) -> Result<T, ApiError> {
        let bytes = self.bytes(cap, ApiError::json_too_large).await?;
        // Through a value, so that bad JSON and a wrong field read as different errors.
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::unparsable(format!("the request body is not JSON: {error}")))?;
        object::read(value).map_err(|Misfit { pointer, message }| {
            let field = if pointer.is_empty() { String::new() } else { format!("{pointer}: ") };
            let message = format!("the request body does not have the form expected: {field}{message}");
            ApiError::unparsable(message).at(pointer)
        })
    }

    /// The pieces as a stream, for the multipart reader.
    pub(crate) fn stream(&mut self) -> impl Stream<Item = Result<Bytes, ReadError>> + Send {
        futures_util::stream::unfold(self, |body| async move {
            let next = body.chunk().await.transpose()?;
            Some((next, body))
        })
    }

    /// Reads and forgets up to `most` bytes, for at most five seconds: a client that is still
    /// sending would else see a broken connection in place of the refusal.
    pub(crate) async fn drain(&mut self, most: u64) {
        const LONGEST: Duration = Duration::from_secs(5);
        if self.unasked {
            return;
        }
        self.deadline = self.deadline.min(Instant::now() + LONGEST);
        let mut left = most;
        while left > 0 {
            match self.chunk().await {
                Ok(Some(chunk)) => left = left.saturating_sub(chunk.len() as u64),
                Ok(None) | Err(_) => return,
            }
        }
    }
}
