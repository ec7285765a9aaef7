//! Bodies on their way between host and guest. A host stream is read by the guest chunk by chunk
//! (a READ is its credit); a guest stream is a bounded channel the guest writes into (a WRITE is
//! completed when there is room). Neither is ever held whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{mpsc, oneshot};

use crate::held::Charge;
use crate::meter::CpuMeter;
use crate::{Body, BodyError};

/// Largest chunk a guest is given at once, in bytes.
pub const MAX_CHUNK: usize = 64 * 1024;
/// Chunks that wait on the host for a reader before a guest's WRITE has to wait.
pub const CHANNEL_CHUNKS: usize = 2;
/// Streams that one session may hold.
pub const MAX_STREAMS: usize = 1024;

/// A body the guest may read.
#[derive(Debug)]
pub struct HostStream {
    body: Body,
    /// What was read and did not fit into the last chunk.
    rest: Bytes,
    /// Counts what was here from the start.
    _charge: Option<Charge>,
}

impl HostStream {
    pub fn new(body: Body) -> Self {
        Self { body, rest: Bytes::new(), _charge: None }
    }

    /// A body whose bytes count as held for the guest while it has not read them.
    pub fn charged(body: Body, charge: Charge) -> Self {
        Self { _charge: Some(charge), ..Self::new(body) }
    }

    /// The length, where the sender told it.
    pub fn length(&self) -> Option<u64> {
        self.body.size_hint().exact().map(|length| length.saturating_add(self.rest.len() as u64))
    }

    /// The whole of it, when it is here already and small enough for one message.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.body {
            Body::Whole(bytes) if self.rest.is_empty() && bytes.len() <= 1 << 20 => Some(std::mem::take(bytes)),
            Body::Empty if self.rest.is_empty() => Some(Bytes::new()),
            _ => None,
        }
    }

    /// The next chunk, at most [`MAX_CHUNK`]; `None` at the end. Trailers are dropped.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        while self.rest.is_empty() {
            match self.body.frame().await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        self.rest = data;
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(self.rest.split_to(self.rest.len().min(MAX_CHUNK))))
    }

    /// Back to a body, to be passed on unread.
    pub fn into_body(self) -> Body {
        if self.rest.is_empty() { self.body } else { Body::stream(Rest { rest: self.rest, body: self.body }) }
    }
}

/// A body that begins with what was read of it already.
struct Rest {
    rest: Bytes,
    body: Body,
}

impl http_body::Body for Rest {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.rest.is_empty() {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))))
    }
}

/// The writing end of a guest stream. Dropped without [`GuestSender::close`], the reader gets an error,
/// not an end: a body that was cut short never looks whole.
#[derive(Debug, Clone)]
pub struct GuestSender {
    pub chunks: mpsc::Sender<Result<Bytes, BodyError>>,
    closed: Arc<AtomicBool>,
}

impl GuestSender {
    /// The guest has written all of it.
    pub fn close(self) {
        self.closed.store(true, Ordering::Release);
    }
}

/// A guest stream: where the guest writes, the body the reader gets, and what ends when the reader has
/// gone. `length` is promised to the reader when it is known, and kept.
/// `request`: whose response it is, which is for nobody when the reader leaves before the end.
pub fn guest_stream(length: Option<u64>, request: Option<Arc<CpuMeter>>) -> (GuestSender, Body, oneshot::Receiver<()>) {
    let (chunks, receiver) = mpsc::channel(CHANNEL_CHUNKS);
    let (reader, gone) = oneshot::channel();
    let closed = Arc::new(AtomicBool::new(false));
    let body = ChannelBody { receiver, length, closed: Arc::clone(&closed), request, _reader: reader };
    (GuestSender { chunks, closed }, Body::stream(body), gone)
}

struct ChannelBody {
    receiver: mpsc::Receiver<Result<Bytes, BodyError>>,
    /// Bytes still to come, when the length is known.
    length: Option<u64>,
    closed: Arc<AtomicBool>,
    /// Until the reader has all of it.
    request: Option<Arc<CpuMeter>>,
    /// Dropped with the body.
    _reader: oneshot::Sender<()>,
}

impl Drop for ChannelBody {
    fn drop(&mut self) {
        if let Some(request) = self.request.take_if(|_| self.length != Some(0)) {
            request.leave();
        }
    }
}

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let wrong = |text: &str| Poll::Ready(Some(Err(BodyError(text.into()))));
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                if let Some(left) = &mut self.length {
                    let Some(still) = left.checked_sub(bytes.len() as u64) else {
                        return wrong("the Worker wrote more than the length it gave");
                    };
                    *left = still;
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) if self.closed.swap(true, Ordering::AcqRel) => match self.length {
                None | Some(0) => {
                    self.request = None;
                    Poll::Ready(None)
                }
                Some(_) => {
                    self.length = None; // said once
                    wrong("the Worker wrote less than the length it gave")
                }
            },
            Poll::Ready(None) => wrong("the Worker ended before its body did"),
            Poll::Pending => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
