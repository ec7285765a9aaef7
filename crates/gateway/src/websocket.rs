//! WebSockets on the wire: of clients whose request a Worker answered with one, and of Workers that opened one to
//! a server or to an origin. A connection carries frames, a [`Socket`] carries messages between Workers; each
//! connection has a task that moves them both ways, with bounds on what waits and deadlines for every silence.
//!
//! `handshake` is how one begins, `frame` what its bytes are, `read` and `write` the two directions, `wire` the
//! task. A node that drains says Close 1001 to all of them.

mod frame;
mod handshake;
mod read;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use switchyard_runtime::{Body, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config;
use crate::error::Kind;
use crate::observe::{Ending, Recorded};
use frame::Role;
pub use handshake::{Client, Key, accept};
use wire::{Over, Wire};

/// From the answer to the client's half of the connection.
const SWITCH: Duration = Duration::from_secs(10);
/// As far away as a clock has to go.
const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);

/// All connections of this node.
pub struct WebSockets {
    bounds: Bounds,
    metrics: WebSocketMetrics,
    /// Cancelled: say goodbye.
    ending: CancellationToken,
    /// Cancelled: the grace is over.
    cut: CancellationToken,
    tasks: TaskTracker,
}

/// What a connection may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Of one message that comes in.
    pub message_bytes: usize,
    /// Without a frame either way.
    pub idle: Duration,
    /// From one Close to the other.
    pub close: Duration,
    /// Without taking a byte.
    pub write: Duration,
}

#[derive(Clone)]
pub struct WebSocketMetrics {
    /// Connections now.
    pub open: IntGauge,
    /// Messages that came in over them, and that went out.
    pub received: IntCounter,
    pub sent: IntCounter,
}

impl WebSocketMetrics {
    /// # Errors
    /// One of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let open =
            IntGauge::new("switchyard_websockets", "WebSocket connections open now, of clients and to servers.")?;
        registry.register(Box::new(open.clone()))?;
        let messages = Opts::new("switchyard_websocket_messages_total", "Messages over WebSocket connections.");
        let messages = IntCounterVec::new(messages, &["direction"])?;
        registry.register(Box::new(messages.clone()))?;
        let [received, sent] = ["received", "sent"].map(|direction| messages.with_label_values(&[direction]));
        Ok(Self { open, received, sent })
    }
}

impl WebSockets {
    /// Call it within the I/O runtime.
    pub fn new(config: &config::WebSocket, write: Duration, metrics: WebSocketMetrics) -> Arc<Self> {
        let bounds = Bounds {
            message_bytes: usize::try_from(config.message_bytes).unwrap_or(usize::MAX),
            idle: config.idle_timeout.min(FAR),
            close: config.close_timeout.min(FAR),
            write: write.min(FAR),
        };
        let (ending, cut) = (CancellationToken::new(), CancellationToken::new());
        Arc::new(Self { bounds, metrics, ending, cut, tasks: TaskTracker::new() })
    }

    /// The answer to a client whose request a Worker has answered with a WebSocket. The request ends with it.
    pub fn begin(
        self: &Arc<Self>,
        client: Option<Client>,
        socket: Socket,
        mut response: Response<Body>,
        mut ending: Ending,
    ) -> Response<Recorded> {
        let (accept, upgrade) = match client.ok_or_else(Client::missing).and_then(Client::answer) {
            Ok(client) => client,
            Err(refused) => {
                let status = refused.status().as_u16();
                return refused.map(|body| Recorded::new(body, ending, status, Kind::BadFraming, false));
            }
        };
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        strip(headers);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        ending.answered(response.status().as_u16());
        let this = self.clone();
        self.tasks.spawn(async move {
            // One that is gone already lets go of the ending, which records that the client is.
            let Ok(Ok(stream)) = tokio::time::timeout(SWITCH, upgrade).await else { return };
            let (over, sent) = this.run(TokioIo::new(stream), Bytes::new(), socket, Role::Server).await;
            ending.finish(over.kind(), sent);
        });
        response.map(|_| Recorded::nothing())
    }

    /// Joins a connection that a Worker opened with the end that it gets. `held` is let go with the connection.
    pub fn join<T, H>(self: &Arc<Self>, io: T, early: Bytes, held: impl FnOnce() -> H + Send + 'static) -> Socket
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (socket, theirs) = Socket::pair();
        let this = self.clone();
        self.tasks.spawn(async move {
            this.run(io, early, theirs, Role::Client).await;
            held();
        });
        socket
    }

    async fn run<T>(&self, io: T, early: Bytes, socket: Socket, role: Role) -> (Over, u64)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let wire = Wire::new(role, &self.bounds, &self.metrics);
        self.metrics.open.inc();
        let _open = Open(&self.metrics.open);
        let over = tokio::select! {
            biased;
            over = wire.run(io, early, socket, &self.ending) => over,
            () = self.cut.cancelled() => Over::Lost,
        };
        (over, wire.sent())
    }

    /// Says goodbye on all connections. True: all of them have ended within the grace; the others are cut.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.ending.cancel();
        self.tasks.close();
        let done = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        if !done {
            self.cut.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        }
        done
    }
}

impl Over {
    /// As what its request counts.
    fn kind(self) -> Kind {
        match self {
            Self::Closed | Self::Idle | Self::Drained => Kind::Ok,
            Self::Lost => Kind::ClientGone,
            Self::Broken => Kind::BadFraming,
            Self::WorkerGone => Kind::BodyFailed,
            Self::Full => Kind::Overloaded,
        }
    }
}

struct Open<'a>(&'a IntGauge);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What only whoever has the connection may say of it.
fn strip(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_LENGTH,
        header::SEC_WEBSOCKET_ACCEPT,
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_KEY,
        header::SEC_WEBSOCKET_VERSION,
    ] {
        headers.remove(name);
    }
}
