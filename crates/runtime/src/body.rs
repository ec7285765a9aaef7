//! The body of a request or a response on its way through: whole, or a stream of chunks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

/// Why a body ended before its end. A text that begins with `TypeError: ` is one for the Worker that reads it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub String);

impl BodyError {
    /// The name and the message of the error that a Worker gets.
    pub fn parts(&self) -> (&'static str, &str) {
        self.0.strip_prefix("TypeError: ").map_or(("Error", &self.0), |message| ("TypeError", message))
    }
}

/// A body. `Whole` costs nothing to make and is known to be complete, so that a small request is
/// handed to a Worker with its bytes in the first message.
#[derive(Debug)]
pub enum Body {
    Empty,
    Whole(Bytes),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
    /// In a content coding still: whoever reads it gets it decoded.
    Coded(Coded),
}

impl Body {
    /// Any http body whose errors can be shown.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        Self::Stream(body.map_err(|error| BodyError(error.to_string())).boxed_unsync())
    }
}

/// A body as it came, in a content coding. It is decoded when it is first read, so that one that nobody looks at can be
/// passed on as it is.
#[derive(Debug)]
pub struct Coded {
    coding: &'static str,
    body: Box<Body>,
    /// Until it is read.
    decode: Option<fn(Body) -> Body>,
}

impl Coded {
    /// `body` in `coding`, a name of the sender's and the taker's own choice.
    pub fn new(coding: &'static str, body: Body, decode: fn(Body) -> Body) -> Self {
        Self { coding, body: Box::new(body), decode: Some(decode) }
    }

    /// What came, if it is in that coding and nobody has read of it.
    ///
    /// # Errors
    /// The body again, where it is not.
    pub fn untouched(self, coding: &str) -> Result<Body, Self> {
        if self.decode.is_some() && self.coding == coding { Ok(*self.body) } else { Err(self) }
    }

    fn decoded(&mut self) -> &mut Body {
        if let Some(decode) = self.decode.take() {
            let came = std::mem::replace(&mut *self.body, Body::Empty);
            *self.body = decode(came);
        }
        &mut self.body
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Whole(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Whole(Bytes::from_static(text.as_bytes()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
            Self::Coded(coded) => Pin::new(coded.decoded()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Coded(coded) => coded.decode.is_none() && coded.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
            Self::Coded(_) => SizeHint::default(),
        }
    }
}
