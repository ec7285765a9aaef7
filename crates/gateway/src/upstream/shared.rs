//! Connections of HTTP/2 to one origin: many requests go over each at once, so they are not taken out of
//! the pool for a request. What a request holds of one is a [`Stream`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, Uri, Version, header, uri};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use switchyard_runtime::Body;
use tokio_util::task::AbortOnDropHandle;

use super::io;
use super::link::MAX_HEAD;
use super::pool::Counted;

/// Requests over one connection at once, after which there is another one. Most servers allow as many;
/// where one allows fewer, those beyond wait in the connection, for their time-out at most.
const STREAMS: u32 = 100;
/// What an origin may send before somebody reads it: of one answer, and of all over a connection.
const WINDOW: u32 = 256 << 10;
const WINDOW_OF_ALL: u32 = 4 << 20;
/// Of a request's body, taken before the origin has read it.
const SEND_BUFFER: usize = 256 << 10;
/// A connection with requests on it that is silent for so long is asked whether it lives, and then has so long to say.
const PING: Duration = Duration::from_secs(10);
const PONG: Duration = Duration::from_secs(10);

/// Those of one origin.
#[derive(Default)]
pub struct SharedLinks {
    open: Mutex<Vec<Arc<Multiplexed>>>,
    /// Held by the one who makes another: the others wait for it instead of making one each.
    pub making: tokio::sync::Mutex<()>,
    /// The origin has chosen HTTP/1.1 when it was asked last.
    pub declined: AtomicBool,
}

/// One connection.
struct Multiplexed {
    sender: SendRequest<Body>,
    streams: AtomicU32,
    /// When the last request began, in milliseconds of [`super::Upstreams`].
    used_at: AtomicU64,
    /// Nothing came in time over it: no more requests go there.
    silent: AtomicBool,
    _kept: Option<Counted>,
    _driven: AbortOnDropHandle<()>,
}

/// One request's part of a connection, which is there at least as long as that.
pub struct Stream(Arc<Multiplexed>);

impl SharedLinks {
    /// A part of a connection that is here and has room; the one with the most requests, so that the others
    /// come to rest.
    pub fn take(&self, now: u64) -> Option<Stream> {
        let mut open = self.open.lock();
        open.retain(|one| one.is_good());
        let room = open.iter().filter(|one| one.streams.load(Ordering::Relaxed) < STREAMS);
        let one = room.max_by_key(|one| one.streams.load(Ordering::Relaxed))?;
        Some(Stream::new(one, now))
    }

    /// Begins to speak HTTP/2. The connection is kept for others where there is room for that (`kept`).
    ///
    /// # Errors
    /// Of hyper; there is no connection then.
    pub async fn begin(
        &self,
        stream: io::Stream,
        now: u64,
        kept: Option<Counted>,
        tokio: &tokio::runtime::Handle,
    ) -> Result<Stream, hyper::Error> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PONG);
        builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW_OF_ALL);
        builder.max_header_list_size(MAX_HEAD as u32).max_send_buf_size(SEND_BUFFER);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let driven = tokio.spawn(async move {
            // What it ends with is told to whoever waits for an answer.
            let _ = connection.await;
        });
        let keeps = kept.is_some();
        let one = Arc::new(Multiplexed {
            sender,
            streams: AtomicU32::new(0),
            used_at: AtomicU64::new(now),
            silent: AtomicBool::new(false),
            _kept: kept,
            _driven: AbortOnDropHandle::new(driven),
        });
        let stream = Stream::new(&one, now);
        if keeps {
            self.open.lock().push(one);
        }
        Ok(stream)
    }

    /// Closes those over which nothing has gone for `keep` milliseconds.
    pub fn forget_idle(&self, now: u64, keep: u64) {
        let mut open = self.open.lock();
        let (stay, go): (Vec<_>, Vec<_>) = open.drain(..).partition(|one| {
            let used_at = one.used_at.load(Ordering::Relaxed);
            one.is_good() && (one.streams.load(Ordering::Relaxed) > 0 || used_at.saturating_add(keep) > now)
        });
        *open = stay;
        drop(open);
        drop(go);
    }
}

impl Multiplexed {
    fn is_good(&self) -> bool {
        !self.sender.is_closed() && !self.silent.load(Ordering::Relaxed)
    }
}

impl Stream {
    fn new(one: &Arc<Multiplexed>, now: u64) -> Self {
        one.streams.fetch_add(1, Ordering::Relaxed);
        one.used_at.store(now, Ordering::Relaxed);
        Self(one.clone())
    }

    pub fn sender(&self) -> SendRequest<Body> {
        self.0.sender.clone()
    }

    /// There was no answer in time: the next request tries another connection.
    pub fn is_silent(&self) {
        self.0.silent.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request in the form of HTTP/2: its host is in the target (`own`: the origin's, should the request's be none).
/// Trailers are passed on to those who can take them.
pub fn in_http2(request: &mut Request<Body>, tls: bool, own: &HeaderValue) {
    let of = |host: &HeaderValue| uri::Authority::try_from(host.as_bytes()).ok();
    let host = request.headers_mut().remove(header::HOST);
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.path_and_query.get_or_insert_with(|| uri::PathAndQuery::from_static("/"));
    // One that is sent again has its host in the target already.
    parts.authority = host.as_ref().and_then(of).or(parts.authority).or_else(|| of(own));
    let scheme = if tls { uri::Scheme::HTTPS } else { uri::Scheme::HTTP };
    parts.scheme = parts.authority.is_some().then_some(scheme);
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
}

/// As it was before [`in_http2`].
pub fn in_http1(request: &mut Request<Body>) {
    if request.version() != Version::HTTP_2 {
        return;
    }
    request.headers_mut().remove(header::TE);
    *request.version_mut() = Version::HTTP_11;
    let parts = std::mem::take(request.uri_mut()).into_parts();
    if let Some(host) = parts.authority.and_then(|authority| HeaderValue::try_from(authority.as_str()).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    *request.uri_mut() = parts.path_and_query.map(Uri::from).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_either_way_as_it_is() {
        for (host, target) in [("a.test:81", "/x?y=1"), ("[::1]", "/"), ("a.test", "*")] {
            let mut request = Request::new(Body::Empty);
            *request.uri_mut() = target.parse().unwrap();
            request.headers_mut().insert(header::HOST, host.parse().unwrap());
            for tls in [true, false] {
                in_http2(&mut request, tls, &HeaderValue::from_static("own"));
            }
            assert_eq!(request.uri().scheme_str(), Some("http"));
            assert!(request.headers().get(header::HOST).is_none());
            assert_eq!(request.uri().authority().unwrap().as_str(), host);
            assert_eq!(request.headers()[header::TE], "trailers");
            in_http1(&mut request);
            assert_eq!(
                (request.uri().to_string().as_str(), &request.headers()[header::HOST]),
                (target, &host.parse::<HeaderValue>().unwrap())
            );
            assert_eq!(request.headers().len(), 1);
        }
    }
}
