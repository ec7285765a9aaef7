//! From sockets to requests: HTTP/1.1 and HTTP/2 on one port, behind TLS and PROXY headers where a listener has
//! them, with deadlines for everything a client can be slow at, and a drain that fails no request.
//!
//! hyper's own timers do not see a connection that sends nothing, half an HTTP/2 preface, or a client
//! that does not read. One watchdog a connection does, from what the socket and the requests say.

mod clients;
mod gate;
mod io;
mod place;
mod proxy;
mod socket;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::observe::ConnectionMetrics;
pub use clients::{Admitted, Clients, PerAddress};
use gate::Gate;
use io::{InFlight, Overdue, Watch, Watched};
use place::Place;
pub use proxy::{ProxyHeaders, ProxyMetrics};
use socket::Socket;
pub use socket::{Door, Peer};

/// What answers requests.
pub trait Handler: Clone + Send + Sync + 'static {
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Kept with its connection when there is none: what is large goes in a box.
    type Answer: Future<Output = Response<Self::Body>> + Send + Unpin + 'static;

    fn handle(&self, peer: Peer, request: Request<Incoming>) -> Self::Answer;
}

/// How long a connection may take for what.
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// For a whole head, also for the first of a connection.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Without taking a byte of a response.
    pub write: Duration,
    /// Without a request, once the server drains.
    pub drain_idle: Duration,
}

/// Bounds of one connection and of all.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub deadlines: Deadlines,
    pub connections: u32,
    /// A connection that has become a WebSocket or a tunnel keeps its place. Where it does not, something else bounds
    /// how many there are.
    pub upgraded_keep_place: bool,
    pub head_bytes: usize,
    pub headers: usize,
}

/// Streams of one HTTP/2 connection at once.
const STREAMS: u32 = 100;
/// HTTP/2 flow control: what one stream, and one connection, may have in flight towards us.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// After an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves listeners until it is drained.
#[derive(Clone)]
pub struct Server {
    builder: Arc<auto::Builder<TokioExecutor>>,
    deadlines: Arc<Deadlines>,
    places: Arc<Semaphore>,
    upgraded_keep_place: bool,
    open: Option<ConnectionMetrics>,
    /// Cancelled: accept no more, and finish what there is.
    draining: CancellationToken,
    /// Cancelled: the grace is over.
    ended: CancellationToken,
    /// It drains: for requests, since to ask a token takes a lock that all of them share.
    drains: Arc<AtomicBool>,
    /// Another process accepts on the same listeners.
    handed_over: Arc<AtomicBool>,
    tasks: TaskTracker,
}

impl Server {
    /// `open` counts the connections.
    pub fn new(config: &ServerConfig, open: Option<ConnectionMetrics>) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(config.head_bytes.max(8 << 10));
        // Another number than hyper's own makes it allocate for each head.
        if config.headers != 100 {
            builder.http1().max_headers(config.headers);
        }
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(config.head_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(128 << 10)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        Self {
            builder: Arc::new(builder),
            deadlines: Arc::new(config.deadlines.clone()),
            places: Arc::new(Semaphore::new(config.connections as usize)),
            upgraded_keep_place: config.upgraded_keep_place,
            open,
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            drains: Arc::default(),
            handed_over: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Accepts until the drain begins; then what the kernel has accepted already is still served.
    pub fn serve<H: Handler>(&self, listener: TcpListener, door: Door, handler: H) {
        self.serve_on(&Handle::current(), listener, door, handler);
    }

    /// As [`Server::serve`], on the threads to which the listener belongs.
    pub fn serve_on<H: Handler>(&self, threads: &Handle, listener: TcpListener, door: Door, handler: H) {
        let server = self.clone();
        let accept = async move {
            loop {
                let accepted = tokio::select! {
                    biased;
                    () = server.draining.cancelled() => break,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, peer)) => {
                        if !server.take(stream, peer, &door, &handler).await {
                            return;
                        }
                    }
                    Err(error) if is_of_the_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
            // Whoever has the listener now accepts these.
            if server.handed_over.load(Ordering::Relaxed) {
                return;
            }
            // Clients behind these have seen their connection succeed.
            while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
                if !server.take(stream, peer, &door, &handler).await {
                    return;
                }
            }
        };
        self.tasks.spawn_on(accept, threads);
    }

    /// Another process accepts on the same listeners: a drain leaves it what is not accepted yet.
    pub fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Relaxed);
    }

    /// Stops accepting; [`Server::drain`] does the rest.
    pub fn close(&self) {
        self.drains.store(true, Ordering::Release);
        self.draining.cancel();
    }

    /// Stops accepting, lets requests finish, closes connections as they fall idle. True: all have
    /// ended; false: `grace` was over first, and the rest was cut.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.close();
        self.tasks.close();
        let done = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        if !done {
            self.ended.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        }
        done
    }

    /// Serves a connection that was accepted, as soon as there is a place for it: one that waits holds none, so that each
    /// listener can have them all. Meanwhile others wait in the kernel. False: the grace was over first.
    async fn take<H: Handler>(&self, stream: TcpStream, address: SocketAddr, door: &Door, handler: &H) -> bool {
        // Closed at once, where a client has too many.
        let Some(admitted) = door.at_accept(address) else { return true };
        let place = tokio::select! {
            biased;
            () = self.ended.cancelled() => return false,
            place = self.places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { return false };
        let place = Place::new(place, admitted, self.open.as_ref().map(|counts| counts.open.clone()));
        self.connection(stream, address, door.clone(), handler.clone(), place);
        true
    }

    fn connection<H: Handler>(&self, stream: TcpStream, address: SocketAddr, door: Door, handler: H, mut place: Place) {
        let server = self.clone();
        self.tasks.spawn(async move {
            let _ = stream.set_nodelay(true);
            let entered = if door.is_open() {
                Some((Socket::Plain(stream), Peer::plain(address), None))
            } else {
                // Boxed: it is large, and gone when requests come.
                Box::pin(server.enter(&door, stream, address)).await
            };
            drop(door);
            let Some((socket, peer, admitted)) = entered else { return };
            place.admitted = place.admitted.take().or(admitted);
            // What it becomes goes on when this task has ended, and takes along what it is to keep.
            let (kept, _held) = if server.upgraded_keep_place { (Some(place), None) } else { (None, Some(place)) };
            server.run(socket, peer, handler, kept).await;
        });
    }

    /// `None`: the connection is closed before its first request.
    async fn enter(
        &self,
        door: &Door,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<(Socket, Peer, Option<Admitted>)> {
        // As connections without a request are closed.
        let late = async {
            self.draining.cancelled().await;
            tokio::time::sleep(self.deadlines.drain_idle).await;
        };
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            entered = door.enter(stream, address) => entered,
            () = late => None,
        }
    }

    async fn run<H: Handler>(&self, socket: Socket, peer: Peer, handler: H, place: Option<Place>) {
        let watch = Arc::new(Watch::new(self.drains.clone()));
        let io = TokioIo::new(Watched::new(socket, watch.clone(), place));
        let watched = watch.clone();
        let (counts, first) = (self.open.clone(), AtomicBool::new(true));
        let service = service_fn(move |request: Request<Incoming>| {
            let http1 = request.version() != Version::HTTP_2;
            if let Some(counts) = &counts
                && first.load(Ordering::Relaxed)
                && first.swap(false, Ordering::Relaxed)
            {
                if http1 { counts.http1.inc() } else { counts.http2.inc() }
            }
            let in_flight = watched.begin(!http1);
            handler.handle(peer.clone(), request).map(move |mut response| {
                if http1 && in_flight.drains() {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| InFlight::new(body, in_flight)))
            })
        });
        let mut connection = std::pin::pin!(self.builder.serve_connection_with_upgrades(io, service));
        let mut timer = std::pin::pin!(sleep_until(Instant::now() + self.deadlines.head));
        // First that a drain begins, then that its grace is over: until then nobody need look.
        let mut told = std::pin::pin!(self.draining.cancelled());
        let (mut draining_since, mut gate) = (None, Gate::new());
        loop {
            let event = poll_fn(|cx| {
                // What it ends with concerns the client alone, or was recorded with its request.
                if connection.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Event::Closed);
                }
                let Some(waker) = gate.open(cx.waker()) else { return Poll::Pending };
                let cx = &mut Context::from_waker(waker);
                if told.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(if draining_since.is_none() { Event::Draining } else { Event::Closed });
                }
                timer.as_mut().poll(cx).map(|()| Event::Time)
            });
            match event.await {
                Event::Closed => return,
                Event::Draining => {
                    draining_since = Some(watch.now());
                    told.set(self.ended.cancelled());
                    if watch.is_http2() {
                        connection.as_mut().graceful_shutdown();
                    }
                    timer.as_mut().reset(Instant::now());
                }
                Event::Time => match watch.overdue(&self.deadlines, draining_since) {
                    Overdue::In(left) => timer.as_mut().reset(Instant::now() + left),
                    Overdue::Idle => {
                        // Closes at once, since nothing is under way; the next round is for those that do not.
                        connection.as_mut().graceful_shutdown();
                        timer.as_mut().reset(Instant::now() + self.deadlines.head);
                    }
                    Overdue::Stuck => return,
                },
            }
            gate.ask();
        }
    }
}

/// What befalls a connection, besides its requests.
enum Event {
    /// It has ended, or the grace is over.
    Closed,
    Draining,
    /// To look whether it is overdue.
    Time,
}

/// The peer went before it was accepted: not a reason to pause.
fn is_of_the_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
