//! One connection to an origin, and who drives it. While a request without a body is under way, its own
//! task does: nothing is handed from task to task, which is most of what a client of its own costs. A
//! request with a body that streams needs a task for the connection, since its upload must go on while
//! nobody reads the answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use switchyard_runtime::Body;

use super::io::Stream;
use super::pool::Counted;
use super::wake::Turns;

type Driven = Connection<TokioIo<Stream>, Body>;

/// An origin's head, and what is read of a body at once. Held for each connection while it is in use.
const MAX_HEAD: usize = 64 << 10;

pub struct Link {
    sender: SendRequest<Body>,
    driver: Driver,
    turns: Turns,
    /// Since when it has been idle, in the pool.
    pub idle_since: u64,
    /// Its place in the pool.
    pub kept: Option<Counted>,
}

enum Driver {
    /// Whoever holds the link.
    Holder(Box<Driven>),
    /// A task of its own, which ends with the link.
    Task,
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
            sender,
            driver: Driver::Holder(Box::new(connection)),
            turns: Turns::new(),
            idle_since: 0,
            kept: None,
        })
    }

    /// Lets a task drive it, for a request whose body streams.
    pub fn spawn(&mut self, io: &tokio::runtime::Handle) {
        match std::mem::replace(&mut self.driver, Driver::Task) {
            // What it ends with is told to whoever waits for the answer.
            Driver::Holder(connection) => drop(io.spawn(connection)),
            other => self.driver = other,
        }
    }

    /// Whether it can take a request; woken when it can. False: it never will, the origin has closed it.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.turn(cx, |link, cx| {
            link.drive();
            match link.driver {
                Driver::Over(_) => Poll::Ready(false),
                _ => link.sender.poll_ready(cx).map(|ready| ready.is_ok()),
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
        let mut sent = std::pin::pin!(self.sender.try_send_request(request));
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
