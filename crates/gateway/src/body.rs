//! Bodies with a condition attached: a deadline for progress, a most in bytes, something held until
//! the end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_runtime::{Body, BodyError};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

/// A body that may not be silent for longer than `limit` while someone waits for it. Trailers are
/// dropped, but for what [`Bounded::with_trailers`] lets through.
pub struct Bounded<B> {
    inner: B,
    limit: Duration,
    /// What is left of trailers.
    trailers: Option<fn(HeaderMap) -> HeaderMap>,
    /// Armed while a read is pending.
    timer: Option<Pin<Box<Sleep>>>,
    /// Guests' threads read bodies too, and have no timers of their own.
    timers: Handle,
}

impl<B> Bounded<B> {
    /// Call it on a thread of the I/O runtime, whose timers it uses.
    pub fn new(inner: B, limit: Duration) -> Self {
        Self { inner, limit, trailers: None, timer: None, timers: Handle::current() }
    }

    /// Trailers are passed on, as far as `fit` leaves any.
    pub fn with_trailers(self, fit: fn(HeaderMap) -> HeaderMap) -> Self {
        Self { trailers: Some(fit), ..self }
    }
}

impl<B> HttpBody for Bounded<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else { break };
            this.timer = None;
            return Poll::Ready(match frame {
                None => None,
                Some(Err(error)) => Some(Err(BodyError(error.to_string()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Err(frame) => match (this.trailers, frame.into_trailers()) {
                        (Some(fit), Ok(trailers)) => Some(Ok(Frame::trailers(fit(trailers)))),
                        _ => continue,
                    },
                    Ok(data) => Some(Ok(Frame::data(data))),
                },
            });
        }
        let timer = this.timer.get_or_insert_with(|| {
            let _timers = this.timers.enter();
            Box::pin(tokio::time::sleep(this.limit))
        });
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError("the body was silent for too long".into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What a body's error says that had more bytes than it may.
pub const TOO_LARGE: &str = "the body is too large";

/// What a tenant's body may be: at most `most` bytes, at its end by `until`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cap {
    pub most: Option<u64>,
    pub until: Option<Instant>,
}

/// Ends a body at its cap, and tells once which of the two it was.
pub fn cap<F>(body: Body, cap: Cap, met: F) -> Body
where
    F: FnOnce(Reached) + Send + Unpin + 'static,
{
    let (Body::Stream(_) | Body::Coded(_)) = body else { return body };
    // A length that is known is checked where it can still be refused.
    let most = cap.most.filter(|most| body.size_hint().upper().is_none_or(|upper| upper > *most));
    if most.is_none() && cap.until.is_none() {
        return body;
    }
    let timers = Handle::current();
    let timer = cap.until.map(|until| Box::pin(tokio::time::sleep_until(until)));
    Body::stream(Capped { inner: Some(body), left: most.unwrap_or(u64::MAX), timer, timers, met: Some(met) })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Bytes,
    Time,
}

struct Capped<F> {
    /// Dropped with the cap reached: whoever makes it stops.
    inner: Option<Body>,
    left: u64,
    timer: Option<Pin<Box<Sleep>>>,
    timers: Handle,
    met: Option<F>,
}

impl<F: FnOnce(Reached) + Unpin> Capped<F> {
    fn end(&mut self, reached: Reached, why: &str) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.inner = None;
        if let Some(met) = self.met.take() {
            met(reached);
        }
        Poll::Ready(Some(Err(BodyError(why.into()))))
    }
}

impl<F: FnOnce(Reached) + Unpin> HttpBody for Capped<F> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        // First, since a body that always has something would never come to it.
        if let Some(timer) = &mut this.timer {
            let _timers = this.timers.enter();
            if timer.as_mut().poll(cx).is_ready() {
                return this.end(Reached::Time, "the body took too long");
            }
        }
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            _ => 0,
        };
        match this.left.checked_sub(length) {
            Some(left) => this.left = left,
            None => return this.end(Reached::Bytes, TOO_LARGE),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

/// A body that holds something until it has ended or is dropped.
pub struct Holding<T> {
    inner: Body,
    held: Option<T>,
}

/// Holds `thing` until the body has ended; a body that is complete already holds nothing.
pub fn hold<T: Send + Unpin + 'static>(body: Body, thing: T) -> Body {
    match body {
        Body::Stream(_) => Body::stream(Holding { inner: body, held: Some(thing) }),
        complete => complete,
    }
}

impl<T: Unpin> HttpBody for Holding<T> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            this.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, StreamBody};

    #[tokio::test]
    async fn silence_ends_a_body() {
        let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, BodyError>>());
        let body = Bounded::new(silent, Duration::from_millis(10));
        assert!(body.collect().await.err().unwrap().0.contains("silent"));

        let fits = Full::new(Bytes::from_static(b"1234567890"));
        let body = Bounded::new(fits, Duration::from_secs(30));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "1234567890");
    }

    #[tokio::test]
    async fn a_cap_ends_a_body_on_its_line_and_tells_once() {
        let pieces = |count| {
            let pieces = (0..count).map(|_| Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"12345"))));
            Body::stream(StreamBody::new(futures_util::stream::iter(pieces.collect::<Vec<_>>())))
        };
        let told = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
        let capped = |body, most, until| {
            let told = told.clone();
            cap(body, Cap { most, until }, move |reached| told.lock().push(reached))
        };
        assert_eq!(capped(pieces(2), Some(10), None).collect().await.unwrap().to_bytes().len(), 10);
        assert!(told.lock().is_empty());
        assert!(capped(pieces(2), Some(9), None).collect().await.is_err());
        assert_eq!(told.lock().split_off(0), [Reached::Bytes]);
        let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, BodyError>>());
        let until = Some(Instant::now() + Duration::from_millis(5));
        assert!(capped(Body::stream(silent), None, until).collect().await.is_err());
        assert_eq!(told.lock().split_off(0), [Reached::Time]);
    }

    #[tokio::test]
    async fn other_threads_may_read() {
        let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, BodyError>>());
        let mut body = Bounded::new(silent, Duration::from_secs(30));
        let reader = std::thread::spawn(move || {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            Pin::new(&mut body).poll_frame(&mut cx).is_pending()
        });
        assert!(reader.join().unwrap());
    }

    #[tokio::test]
    async fn what_is_held_goes_with_the_end() {
        let held = std::sync::Arc::new(());
        let body = hold(Body::stream(Full::new(Bytes::from_static(b"x"))), held.clone());
        assert_eq!(std::sync::Arc::strong_count(&held), 2);
        body.collect().await.unwrap();
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        drop(hold(Body::from("whole"), held.clone()));
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }
}
