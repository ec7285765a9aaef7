//! A request's body on its way to an origin, which tells when it last moved: an origin's time for its
//! answer begins when it has the request, however long a client takes to send it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_runtime::{Body, BodyError};
use tokio::time::Instant;

/// When the body last moved.
#[derive(Clone)]
pub struct Moved {
    began: Instant,
    /// `None`: it was here already.
    state: Option<Arc<State>>,
}

#[derive(Default)]
struct State {
    /// Milliseconds since it began.
    at: AtomicU64,
    /// Why it broke off.
    broke: OnceLock<BodyError>,
}

impl Moved {
    /// Watches a body.
    pub fn watch(body: &mut Body) -> Self {
        let began = Instant::now();
        if !matches!(body, Body::Stream(_) | Body::Coded(_)) {
            return Self { began, state: None };
        }
        let moved = Self { began, state: Some(Arc::default()) };
        let inner = std::mem::replace(body, Body::Empty);
        *body = Body::stream(Upload { inner, moved: moved.clone() });
        moved
    }

    pub fn at(&self) -> Instant {
        let at = self.state.as_ref().map_or(0, |state| state.at.load(Ordering::Relaxed));
        self.began + Duration::from_millis(at)
    }

    /// Why the sender's side broke off, if it did: that is not the origin's doing.
    pub fn broke(&self) -> Option<&BodyError> {
        self.state.as_ref()?.broke.get()
    }

    fn now(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(state) = &self.state {
            state.at.store(now, Ordering::Relaxed);
        }
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
        if let Poll::Ready(frame) = &frame {
            this.moved.now();
            if let (Some(Err(error)), Some(state)) = (frame, &this.moved.state) {
                let _ = state.broke.set(error.clone());
            }
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
