//! What a connection's watchdog knows: when bytes came, whether writing is stuck, how many requests
//! are under way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Deadlines;
use super::place::Place;
use super::socket::Socket;

/// One connection's state, in milliseconds since it began; 0 is never.
pub struct Watch {
    began: Instant,
    /// Bytes of a head have come and its request has not begun.
    head_since: AtomicU64,
    idle_since: AtomicU64,
    /// The client takes no bytes.
    stuck_since: AtomicU64,
    in_flight: AtomicU32,
    begun: AtomicBool,
    http2: AtomicBool,
    /// HTTP/2 streams whose client has not asked for more since they sent something, and since when.
    /// Their flow control holds them back without the socket ever being full. Locked for a look or a change.
    unread: Mutex<Vec<(u64, u64)>>,
    streams: AtomicU64,
    /// The server drains.
    drains: Arc<AtomicBool>,
}

/// What the watchdog finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Overdue {
    /// Look again after this.
    In(Duration),
    /// Without a request for too long: close politely.
    Idle,
    /// Close.
    Stuck,
}

impl Watch {
    /// `drains`: the server's, that it drains.
    pub fn new(drains: Arc<AtomicBool>) -> Self {
        Self {
            drains,
            began: Instant::now(),
            head_since: AtomicU64::new(0),
            idle_since: AtomicU64::new(1),
            stuck_since: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            begun: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            unread: Mutex::default(),
            streams: AtomicU64::new(0),
        }
    }

    /// Milliseconds since the connection began, at least 1.
    pub fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    pub fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// A request's head is there.
    pub fn begin(self: &Arc<Self>, http2: bool) -> RequestGuard {
        self.head_since.store(0, Ordering::Relaxed);
        if !self.begun.swap(true, Ordering::Relaxed) && http2 {
            self.http2.store(true, Ordering::Relaxed);
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let stream = http2.then(|| self.streams.fetch_add(1, Ordering::Relaxed));
        RequestGuard { watch: self.clone(), stream }
    }

    fn came(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    pub fn overdue(&self, deadlines: &Deadlines, draining_since: Option<u64>) -> Overdue {
        let now = self.now();
        let left = |since: u64, limit: Duration| {
            let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            (since.saturating_add(limit)).checked_sub(now).filter(|left| *left > 0).map(Duration::from_millis)
        };
        let stuck = self.stuck_since.load(Ordering::Relaxed);
        if stuck != 0 {
            return left(stuck, deadlines.write).map_or(Overdue::Stuck, Overdue::In);
        }
        if let Some(unread) = self.unread.lock().iter().map(|(_, since)| *since).min() {
            return left(unread, deadlines.write).map_or(Overdue::Stuck, Overdue::In);
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Overdue::In(deadlines.write.min(deadlines.idle));
        }
        if !self.begun.load(Ordering::Relaxed) && draining_since.is_none() {
            return left(1, deadlines.head).map_or(Overdue::Stuck, Overdue::In);
        }
        let head = self.head_since.load(Ordering::Relaxed);
        // On HTTP/2, frames come without a request too: only idleness counts there.
        if head != 0 && !self.is_http2() {
            return left(head, deadlines.head).map_or(Overdue::Stuck, Overdue::In);
        }
        let idle = self.idle_since.load(Ordering::Relaxed);
        let left = match draining_since {
            None => left(idle, deadlines.idle),
            Some(since) => left(idle.max(since), deadlines.drain_idle),
        };
        left.map_or(Overdue::Idle, Overdue::In)
    }
}

/// One request of the connection is under way.
pub struct RequestGuard {
    watch: Arc<Watch>,
    /// Its number, on HTTP/2.
    stream: Option<u64>,
}

impl RequestGuard {
    /// Whether its connection is to end with it.
    pub fn drains(&self) -> bool {
        self.watch.drains.load(Ordering::Acquire)
    }

    /// The client asks for more of the response.
    fn asked(&self) {
        if let Some(stream) = self.stream {
            self.watch.unread.lock().retain(|(other, _)| *other != stream);
        }
    }

    /// Something was handed over for it.
    fn handed(&self) {
        if let Some(stream) = self.stream {
            self.watch.unread.lock().push((stream, self.watch.now()));
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.asked();
        self.watch.idle_since.store(self.watch.now(), Ordering::Relaxed);
        self.watch.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response's body; its request is under way until it goes.
pub struct InFlight<B> {
    body: B,
    request: RequestGuard,
}

impl<B> InFlight<B> {
    pub fn new(body: B, request: RequestGuard) -> Self {
        Self { body, request }
    }
}

impl<B: Body + Unpin> Body for InFlight<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        this.request.asked();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(Some(Ok(_)))) {
            this.request.handed();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that tells the watchdog what happens on it.
pub struct Watched {
    stream: Socket,
    watch: Arc<Watch>,
    /// Boxed, as a connection's future holds this several times over.
    _place: Option<Box<Place>>,
}

impl Watched {
    /// `place` is held as long as the socket is open, whatever the connection becomes.
    pub fn new(stream: Socket, watch: Arc<Watch>, place: Option<Place>) -> Self {
        Self { stream, watch, _place: place.map(Box::new) }
    }

    fn wrote<T>(&self, written: &Poll<io::Result<T>>) {
        let stuck = self.watch.stuck_since.load(Ordering::Relaxed);
        match written {
            Poll::Pending if stuck == 0 => self.watch.stuck_since.store(self.watch.now(), Ordering::Relaxed),
            Poll::Ready(_) if stuck != 0 => self.watch.stuck_since.store(0, Ordering::Relaxed),
            _ => {}
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.watch.came();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.wrote(&written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        // TLS takes what is written before the socket does.
        if this.stream.flushes() {
            this.wrote(&flushed);
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.wrote(&written);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        write: Duration::from_secs(30),
        drain_idle: Duration::ZERO,
    };

    #[test]
    fn a_connection_is_watched_from_its_first_moment() {
        let watch = Arc::new(Watch::new(Arc::default()));
        assert!(matches!(watch.overdue(&DEADLINES, None), Overdue::In(left) if left <= DEADLINES.head));
        assert_eq!(watch.overdue(&DEADLINES, Some(1)), Overdue::Idle);
        let strict = Deadlines { head: Duration::ZERO, ..DEADLINES };
        assert_eq!(watch.overdue(&strict, None), Overdue::Stuck);

        // A head that has begun is waited for, also while draining.
        watch.came();
        assert!(matches!(watch.overdue(&DEADLINES, Some(1)), Overdue::In(_)));
        let request = watch.begin(false);
        assert!(matches!(watch.overdue(&strict, Some(1)), Overdue::In(_)));
        drop(request);
        assert!(matches!(watch.overdue(&DEADLINES, None), Overdue::In(left) if left > DEADLINES.head));
        assert_eq!(watch.overdue(&Deadlines { idle: Duration::ZERO, ..DEADLINES }, None), Overdue::Idle);
    }

    #[test]
    fn a_client_that_does_not_read_is_cut() {
        let watch = Arc::new(Watch::new(Arc::default()));
        let _request = watch.begin(true);
        watch.stuck_since.store(watch.now(), Ordering::Relaxed);
        assert!(matches!(watch.overdue(&DEADLINES, None), Overdue::In(_)));
        assert_eq!(watch.overdue(&Deadlines { write: Duration::ZERO, ..DEADLINES }, None), Overdue::Stuck);
    }
}
