//! A request's body on its way to an origin, which tells when it last moved: an origin's time for its
//! answer begins when it has the request, however long a client takes to send it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_runtime::{Body, BodyError};
use tokio::time::Instant;

/// When the body last moved.
#[derive(Clone)]
pub struct Moved {
    began: Instant,
    /// Milliseconds since then.
    at: Arc<AtomicU64>,
}

impl Moved {
    /// Watches a body; one that is here already is not worth it.
    pub fn watch(body: &mut Body) -> Self {
        let moved = Self { began: Instant::now(), at: Arc::default() };
        if matches!(body, Body::Stream(_)) {
            let inner = std::mem::replace(body, Body::Empty);
            *body = Body::stream(Upload { inner, moved: moved.clone() });
        }
        moved
    }

    pub fn at(&self) -> Instant {
        self.began + std::time::Duration::from_millis(self.at.load(Ordering::Relaxed))
    }

    fn now(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at.store(now, Ordering::Relaxed);
    }
}

struct Upload {
    inner: Body,
    moved: Moved,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        if frame.is_ready() {
            this.moved.now();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
