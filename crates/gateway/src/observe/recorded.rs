//! The body on its way to the client, which reports once how the request ended: at its end, at its
//! error, or when it is dropped. It holds the request's permits until then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_runtime::{Body, BodyError};

use crate::admission::{NodePermit, ScriptPermit};
use crate::context::RequestContext;
use crate::error::Kind;

/// What is still to be reported of a request. Dropped without [`Ending::report`], it reports that
/// the client went away.
pub struct Ending {
    ctx: Arc<RequestContext>,
    pub node: Option<NodePermit>,
    pub script: Option<ScriptPermit>,
    /// 0: no head was sent.
    status: u16,
    sent: u64,
    reported: bool,
}

impl Ending {
    pub fn new(ctx: Arc<RequestContext>) -> Self {
        Self { ctx, node: None, script: None, status: 0, sent: 0, reported: false }
    }

    pub fn ctx(&self) -> &Arc<RequestContext> {
        &self.ctx
    }

    /// A head was sent.
    pub fn answered(&mut self, status: u16) {
        self.status = status;
    }

    /// It ended otherwise than with a body: so many bytes were sent.
    pub fn finish(&mut self, kind: Kind, sent: u64) {
        self.sent = sent;
        self.report(kind);
    }

    fn report(&mut self, kind: Kind) {
        if !std::mem::replace(&mut self.reported, true) {
            self.script = None;
            self.node = None;
            self.ctx.ended(self.status, kind, self.sent);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.report(Kind::ClientGone);
    }
}

/// A response's body, watched.
pub struct Recorded {
    inner: Body,
    /// `None`: told by whoever took it over.
    ending: Option<Ending>,
    /// What the request counts as when the body arrives whole.
    kind: Kind,
    /// The body's length where it is known: a server stops reading there.
    length: Option<u64>,
    /// The body is not sent at all.
    head_only: bool,
}

impl Recorded {
    pub fn new(inner: Body, mut ending: Ending, status: u16, kind: Kind, head_only: bool) -> Self {
        ending.status = status;
        let length = inner.size_hint().exact();
        Self { inner, ending: Some(ending), kind, length, head_only }
    }

    /// No body, and nothing to report.
    pub fn nothing() -> Self {
        Self { inner: Body::Empty, ending: None, kind: Kind::Ok, length: None, head_only: true }
    }
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        let Some(ending) = &mut this.ending else { return Poll::Ready(frame) };
        match &frame {
            Some(Ok(frame)) => ending.sent += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) => ending.report(Kind::BodyFailed),
            None => ending.report(this.kind),
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

impl Drop for Recorded {
    fn drop(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        let complete = self.head_only || self.inner.is_end_stream() || self.length == Some(ending.sent);
        ending.report(if complete { self.kind } else { Kind::ClientGone });
    }
}
