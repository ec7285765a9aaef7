//! One connection to an origin, and who drives it. While a request without a body is under way, its own
//! task does: nothing is handed from task to task, which is most of what a client of its own costs. A
//! request with a body that streams needs a task for the connection, since its upload must go on while
//! nobody reads the answer. Over HTTP/2 it is one of many requests, and the connection's own task moves
//! the bytes ([`super::shared`]).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, Parts, SendRequest};
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use switchyard_runtime::Body;
use tokio_util::task::AbortOnDropHandle;

use super::io::Stream;
use super::pool::Counted;
use super::shared::{self, in_http1, in_http2};
use super::wake::Turns;

type Driven = Connection<TokioIo<Stream>, Body>;

/// An origin's head, and what is read of a body at once. Held for each connection while it is in use.
pub const MAX_HEAD: usize = 64 << 10;

pub struct Link {
    sender: Sender,
    driver: Driver,
    turns: Turns,
    /// Since when it has been idle, in the pool.
    pub idle_since: u64,
    /// Its place in the pool.
    pub kept: Option<Counted>,
}

enum Sender {
    Http1(SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

enum Driver {
    /// Whoever holds the link.
    Holder(Box<Driven>),
    /// A task of its own, which ends with the link.
    Task { _ends: AbortOnDropHandle<()> },
    /// Its connection, which is others' too.
    Shared(shared::Stream),
    /// Nobody any more: it is over, and this is left of it.
    Over(Option<Box<Driven>>),
}

impl Link {
    /// # Errors
    /// Of hyper; there is no connection then.
    pub async fn new(stream: Stream) -> Result<Self, hyper::Error> {
        let mut builder = Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender: Sender::Http1(sender),
            driver: Driver::Holder(Box::new(connection)),
            turns: Turns::new(),
            idle_since: 0,
            kept: None,
        })
    }

    /// One request over a connection of HTTP/2.
    pub fn shared(stream: shared::Stream) -> Self {
        let sender = Sender::Http2(stream.sender());
        Self { sender, driver: Driver::Shared(stream), turns: Turns::new(), idle_since: 0, kept: None }
    }

    /// Makes a request fit for what is spoken here.
    pub fn fit(&self, request: &mut Request<Body>, tls: bool, own: &HeaderValue) {
        match self.sender {
            Sender::Http1(_) => in_http1(request),
            Sender::Http2(_) => in_http2(request, tls, own),
        }
    }

    /// There was no answer in time.
    pub fn is_silent(&self) {
        if let Driver::Shared(stream) = &self.driver {
            stream.is_silent();
        }
    }

    /// Lets a task drive it, for a request whose body streams.
    pub fn spawn(&mut self, io: &tokio::runtime::Handle) {
        self.driver = match std::mem::replace(&mut self.driver, Driver::Over(None)) {
            Driver::Holder(connection) => {
                let driven = io.spawn(async move {
                    // What it ends with is told to whoever waits for the answer.
                    let _ = connection.await;
                });
                Driver::Task { _ends: AbortOnDropHandle::new(driven) }
            }
            other => other,
        };
    }

    /// Whether it can take a request; woken when it can. False: it never will, the origin has closed it.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.turn(cx, |link, cx| {
            link.drive();
            match (&link.driver, &mut link.sender) {
                // One request is all that it is for; the connection is kept elsewhere.
                (Driver::Over(_), _) | (_, Sender::Http2(_)) => Poll::Ready(false),
                (_, Sender::Http1(sender)) => sender.poll_ready(cx).map(|ready| ready.is_ok()),
            }
        })
    }

    /// Polls something that comes over the connection, and moves bytes if it is for the holder to do.
    pub fn poll<T>(&mut self, cx: &mut Context<'_>, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.turn(cx, |link, cx| {
            // It says what it wants, then the connection reads that.
            let first = wanted(cx);
            if first.is_ready() || !matches!(link.driver, Driver::Holder(_)) {
                return first;
            }
            link.drive();
            wanted(cx)
        })
    }

    /// Something that the holder does, woken by whoever drives.
    fn turn<T>(&mut self, cx: &mut Context<'_>, act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>) -> Poll<T> {
        if !matches!(self.driver, Driver::Holder(_)) {
            return act(self, cx);
        }
        self.turns.begin(cx);
        let waker = self.turns.waker().clone();
        let done = act(self, &mut Context::from_waker(&waker));
        self.turns.end(done.is_pending());
        done
    }

    fn drive(&mut self) {
        let mut cx = Context::from_waker(self.turns.waker());
        if let Driver::Holder(connection) = &mut self.driver
            && Pin::new(connection.as_mut()).poll(&mut cx).is_ready()
        {
            let over = std::mem::replace(&mut self.driver, Driver::Over(None));
            if let Driver::Holder(connection) = over {
                self.driver = Driver::Over(Some(connection));
            }
        }
    }

    /// Nobody holds it for now.
    pub fn rest(&self) {
        self.turns.rest();
    }

    /// Sends a request and drives the connection until the response's head is there.
    ///
    /// # Errors
    /// With the request in it, if nothing of it was sent.
    pub async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let sent = match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request),
            Sender::Http2(sender) => {
                let mut response = sender.try_send_request(request).await?;
                *response.version_mut() = Version::HTTP_11; // the client's hop is another one
                return Ok(response);
            }
        };
        let mut sent = std::pin::pin!(sent);
        std::future::poll_fn(|cx| self.poll(cx, |cx| sent.as_mut().poll(cx))).await
    }

    /// The stream, once the origin has agreed to another protocol.
    pub fn into_stream(self) -> Option<Parts<TokioIo<Stream>>> {
        match self.driver {
            Driver::Over(Some(connection)) => Some(connection.into_parts()),
            _ => None,
        }
    }
}
