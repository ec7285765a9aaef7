//! The body of an origin's answer on its way through: the connection goes back to its pool when the body
//! is at its end, and is closed when nobody reads to there.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use switchyard_runtime::BodyError;

use super::Upstreams;
use super::link::Link;
use super::pool::{Counted, Tenant};
use super::serve::Running;

/// An origin that has sent all of its answer may take this long to read the rest of the request.
const SETTLE: Duration = Duration::from_secs(1);

/// What is held while an answer is under way.
pub struct Exchange {
    pub upstreams: Arc<Upstreams>,
    pub tenant: Arc<Tenant>,
    /// Which of its origins.
    pub at: usize,
    pub _places: [Counted; 2],
}

pub struct OriginBody {
    incoming: Incoming,
    /// Read ahead.
    first: Option<Bytes>,
    link: Option<Link>,
    exchange: Option<Exchange>,
    running: Option<Running>,
}

impl OriginBody {
    pub fn new(incoming: Incoming, link: Link, exchange: Exchange) -> Self {
        Self { incoming, first: None, link: Some(link), exchange: Some(exchange), running: None }
    }

    /// What is here already: the whole of a small body, mostly.
    ///
    /// # Errors
    /// The connection broke.
    pub fn read_ahead(&mut self, cx: &mut Context<'_>) -> Result<Option<Bytes>, BodyError> {
        match self.poll(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                if self.link.is_none() {
                    return Ok(Some(data));
                }
                self.first = Some(data);
                Ok(None)
            }
            Poll::Ready(Some(Err(error))) => Err(error),
            Poll::Ready(None) => Ok(Some(Bytes::new())),
            Poll::Pending => Ok(None),
        }
    }

    /// Tells this run how the body ended.
    pub fn of_run(self, running: Running) -> Self {
        Self { running: Some(running), ..self }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        let incoming = &mut self.incoming;
        let frame = link.poll(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx));
        let frame = match ready!(frame) {
            Some(Ok(frame)) => {
                // Nothing is asked for after trailers.
                if frame.is_trailers() || self.incoming.is_end_stream() {
                    self.end(cx);
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                (self.link, self.exchange) = (None, None);
                Some(Err(BodyError(error.to_string())))
            }
            None => {
                self.end(cx);
                None
            }
        };
        Poll::Ready(frame)
    }

    /// Nothing more comes.
    fn end(&mut self, cx: &mut Context<'_>) {
        if let (Some(link), Some(exchange)) = (self.link.take(), self.exchange.take()) {
            exchange.give_back(link, cx);
        }
    }
}

impl Exchange {
    /// The answer is at its end.
    pub fn give_back(self, link: Link, cx: &mut Context<'_>) {
        let now = self.upstreams.now();
        let config = self.upstreams.config();
        let Err(mut link) = self.tenant.origins[self.at].keep(link, now, &config, cx) else { return };
        let io = self.upstreams.io.clone();
        io.spawn(async move {
            let ready = tokio::time::timeout(SETTLE, std::future::poll_fn(|cx| link.poll_ready(cx)));
            if ready.await.unwrap_or(false) {
                self.tenant.origins[self.at].put(link, self.upstreams.now(), &self.upstreams.config());
            }
        });
    }
}

impl HttpBody for OriginBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let frame = ready!(this.poll(cx));
        match &frame {
            Some(Err(error)) => {
                if let Some(running) = this.running.take() {
                    running.broke(&error.0);
                }
            }
            _ if this.link.is_none() => {
                if let Some(running) = this.running.take() {
                    running.done();
                }
            }
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.link.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.incoming.size_hint();
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact.saturating_add(first));
        } else {
            hint.set_lower(hint.lower().saturating_add(first));
        }
        hint
    }
}
