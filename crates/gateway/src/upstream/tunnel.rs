//! After `101 Switching Protocols` (WebSocket and the like) a request is a pair of byte streams: copied
//! both ways until both sides have ended, nothing moves any more, or the script's limits are reached. The
//! request's permits are held until then, and it is recorded then.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response, Version, header, response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use switchyard_catalog::Limit;
use switchyard_runtime::Body;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::UpstreamError;
use super::body::Exchange;
use super::exchange::{later, limit};
use super::link::Link;
use super::serve::Running;
use crate::error::Kind;
use crate::observe::{Ending, Recorded};

/// From the answer to the client's half of the tunnel.
const SWITCH: Duration = Duration::from_secs(10);
const BUFFER: usize = 16 << 10;

/// What a client asks for besides an answer. In a request's extensions, since the headers that say it end
/// at this hop.
#[derive(Debug, Clone)]
pub struct Asked(HeaderValue);

impl Asked {
    /// Of a head as it came, if it can be done at all.
    pub fn of(head: &http::request::Parts) -> Option<Self> {
        let protocol = head.headers.get(header::UPGRADE)?;
        let listed = head.headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let listed = listed.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("upgrade"));
        let can = head.version == Version::HTTP_11 && head.extensions.get::<OnUpgrade>().is_some();
        (listed && can).then(|| Self(protocol.clone()))
    }
}

/// The same, with what the client's connection becomes.
pub struct Wanted {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Wanted {
    /// Out of a request's extensions; one with a body asks for nothing.
    pub fn take(request: &mut Request<Body>) -> Option<Self> {
        let Asked(protocol) = request.extensions_mut().remove()?;
        let client = request.extensions_mut().remove()?;
        matches!(request.body(), Body::Empty).then_some(Self { protocol, client })
    }

    pub fn protocol(&self) -> HeaderValue {
        self.protocol.clone()
    }
}

/// What a tunnel is made of, besides the client.
pub struct Tunnel {
    pub link: Link,
    pub exchange: Exchange,
    pub running: Running,
    /// The script's wall time.
    pub until: Option<Instant>,
    /// Bytes to the client.
    pub most: Option<u64>,
}

/// Marks the answer that opens a tunnel. The request ends with the tunnel, not with the answer.
#[derive(Clone)]
pub struct Switched {
    protocol: HeaderValue,
    /// To the tunnel.
    ending: Arc<Mutex<Option<oneshot::Sender<Ending>>>>,
}

impl Switched {
    /// The answer as it goes out.
    pub fn begin(self, mut response: Response<Body>, mut ending: Ending) -> Response<Recorded> {
        let status = response.status().as_u16();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol);
        ending.answered(status);
        if let Some(tunnel) = self.ending.lock().take() {
            // One that is gone already lets go of it, which records that the client is.
            let _ = tunnel.send(ending);
        }
        response.map(|_| Recorded::nothing())
    }
}

/// Waits for both halves and joins them.
///
/// # Errors
/// The origin has not kept its connection open.
pub fn open(wanted: Wanted, tunnel: Tunnel, head: response::Parts) -> Result<Response<Body>, UpstreamError> {
    let Tunnel { link, exchange, running, until, most } = tunnel;
    let protocol = head.headers.get(header::UPGRADE).cloned().unwrap_or_else(|| wanted.protocol());
    let Some(parts) = link.into_stream() else {
        running.failed(&UpstreamError::Lost);
        return Err(UpstreamError::Lost);
    };
    let (sender, receiver) = oneshot::channel::<Ending>();
    let upstreams = exchange.upstreams.clone();
    let idle = limit(exchange.tenant.upstream.idle_timeout_ms, upstreams.config().idle_timeout);
    let io = upstreams.io.clone();
    io.spawn(async move {
        // Its places are held to the end.
        let _exchange = exchange;
        let Ok(mut ending) = receiver.await else { return };
        let Ok(Ok(client)) = tokio::time::timeout(SWITCH, wanted.client).await else { return };
        let seen = Arc::new(Seen::new(most));
        let mut client = Side { io: TokioIo::new(client), seen: seen.clone(), to_client: false };
        let mut origin = Side { io: parts.io.into_inner(), seen: seen.clone(), to_client: true };
        seen.moved(parts.read_buf.len(), true);
        let copied = async {
            client.write_all(&parts.read_buf).await?;
            tokio::io::copy_bidirectional_with_sizes(&mut client, &mut origin, BUFFER, BUFFER).await
        };
        let wall = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let kind = tokio::select! {
            _ = copied => Kind::Ok,
            () = seen.stopped(idle) => Kind::Ok,
            () = upstreams.ending.cancelled() => Kind::Ok,
            () = wall => Kind::ExceededWall,
        };
        let over = seen.is_over();
        if over {
            running.context().met_one(Limit::ResponseBytes);
        }
        match kind {
            Kind::ExceededWall => running.exceeded_wall(),
            _ => running.done(),
        }
        ending.finish(if over { Kind::ResponseTooLarge } else { kind }, seen.sent());
    });
    let mut response = Response::from_parts(head, Body::Empty);
    response.extensions_mut().insert(Switched { protocol, ending: Arc::new(Mutex::new(Some(sender))) });
    Ok(response)
}

/// What has moved through a tunnel.
struct Seen {
    began: Instant,
    /// Milliseconds since then.
    moved_at: AtomicU64,
    sent: AtomicU64,
    most: u64,
}

impl Seen {
    fn new(most: Option<u64>) -> Self {
        let (moved_at, sent) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { began: Instant::now(), moved_at, sent, most: most.unwrap_or(u64::MAX) }
    }

    fn moved(&self, bytes: usize, to_client: bool) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_at.store(now, Ordering::Relaxed);
        if to_client {
            self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.sent() > self.most
    }

    /// Returns once nothing has moved for so long.
    async fn stopped(&self, idle: Duration) {
        loop {
            let moved = self.began + Duration::from_millis(self.moved_at.load(Ordering::Relaxed));
            let until = later(moved, idle);
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// One end of a tunnel; what is read from it counts.
struct Side<T> {
    io: T,
    seen: Arc<Seen>,
    to_client: bool,
}

impl<T: AsyncRead + Unpin> AsyncRead for Side<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.seen.moved(buf.filled().len() - before, this.to_client);
            if this.to_client && this.seen.is_over() {
                return Poll::Ready(Err(std::io::ErrorKind::FileTooLarge.into()));
            }
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Side<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
