//! One connection's task: both directions at once, until both sides have said Close, one of them is gone, the peer
//! broke the protocol, nothing moved for too long, or the node drains.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use switchyard_runtime::{Close, Message, NotSent, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::frame::{Role, Wrong};
use super::read::{End, Heard, Reader};
use super::write::{Orders, Writer, Written};
use super::{Bounds, WebSocketMetrics};

/// How long what a peer sends is read after it has been told that it broke the protocol: else the connection's
/// reset would overtake the Close.
const LINGER: Duration = Duration::from_secs(1);
const GOING_AWAY: u16 = 1001;
const TRY_AGAIN: u16 = 1013;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Both sides have said so.
    Closed,
    /// The peer is gone, or takes nothing any more.
    Lost,
    /// It broke the protocol.
    Broken,
    /// The Worker is gone, without a Close.
    WorkerGone,
    Idle,
    Drained,
    /// There was no memory for what came.
    Full,
}

/// See the module's paragraph.
pub struct Wire<'a> {
    role: Role,
    bounds: &'a Bounds,
    metrics: &'a WebSocketMetrics,
    began: Instant,
    /// Milliseconds since then: the last frame, either way.
    moved: AtomicU64,
    sent: AtomicU64,
}

/// Why the reading half has ended.
enum Read {
    /// The peer's Close has gone to the Worker.
    Close,
    Lost,
    Broken,
    /// The Worker does not read any more; its other half says why.
    Unread,
    Full,
}

impl<'a> Wire<'a> {
    pub fn new(role: Role, bounds: &'a Bounds, metrics: &'a WebSocketMetrics) -> Self {
        let (moved, sent) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { role, bounds, metrics, began: Instant::now(), moved, sent }
    }

    /// Bytes that were sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub async fn run<T>(&self, io: T, early: Bytes, socket: Socket, ending: &CancellationToken) -> Over
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut from_worker, to_worker) = socket.split();
        let (input, output) = tokio::io::split(io);
        let orders = Orders::default();
        let mut reader = Reader::new(input, &early, self.bounds.message_bytes);
        let mut writer = Writer { io: output, role: self.role, patience: self.bounds.write };
        let mut reading = std::pin::pin!(async {
            let ended = loop {
                let message = match reader.next(&to_worker).await {
                    Ok(Heard::Text(text)) => Message::Text(text),
                    Ok(Heard::Binary(bytes)) => Message::Binary(bytes),
                    Ok(Heard::Close(close)) => {
                        self.has_moved();
                        let _ = to_worker.push(Message::Close(close));
                        return Read::Close;
                    }
                    Ok(Heard::Ping(payload)) => {
                        self.has_moved();
                        orders.pong(payload);
                        continue;
                    }
                    Ok(Heard::Pong) => {
                        self.has_moved();
                        continue;
                    }
                    Err(end) => break end,
                };
                self.has_moved();
                self.metrics.received.inc();
                match to_worker.send(message).await {
                    Ok(()) => {}
                    Err(NotSent::Gone) => return Read::Unread,
                    Err(NotSent::Full) => break End::Full,
                }
            };
            let (read, Wrong { code, why }) = match ended {
                End::Lost => return Read::Lost,
                End::Wrong(wrong) => (Read::Broken, wrong),
                End::Full => (Read::Full, Wrong { code: TRY_AGAIN, why: "Too many bytes wait".into() }),
            };
            let said = format!(
                "WebSocket protocol error; protocolError.statusCode = {code}; protocolError.description = {why}"
            );
            let _ = to_worker.push(Message::Failed(said));
            orders.close(code, &why);
            let _ = tokio::time::timeout(LINGER, reader.discard()).await;
            read
        });
        let mut writing = std::pin::pin!(async {
            let told = |messages, bytes| {
                self.has_moved();
                self.metrics.sent.inc_by(messages);
                self.sent.fetch_add(bytes, Ordering::Relaxed);
            };
            let written = writer.run(&mut from_worker, &orders, told).await;
            if written == Written::Ordered {
                writer.shut().await;
            }
            written
        });
        let (mut heard, mut said) = (false, false);
        let mut leaves = None;
        let mut deadline = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        let mut waits = false;
        loop {
            tokio::select! {
                biased;
                written = writing.as_mut(), if !said => match written {
                    Written::Close if heard => return Over::Closed,
                    Written::Close | Written::Ordered => {
                        said = true;
                        waits = true;
                        deadline.as_mut().reset(Instant::now() + self.bounds.close);
                    }
                    Written::WorkerGone => return Over::WorkerGone,
                    Written::Lost => return leaves.unwrap_or(Over::Lost),
                },
                read = reading.as_mut(), if !heard => match read {
                    Read::Close if said => return leaves.unwrap_or(Over::Closed),
                    Read::Close | Read::Unread => heard = true,
                    Read::Lost => return leaves.unwrap_or(Over::Lost),
                    Read::Broken => return Over::Broken,
                    Read::Full => return Over::Full,
                },
                () = ending.cancelled(), if leaves.is_none() => {
                    leaves = Some(Over::Drained);
                    self.leave(&orders, &to_worker, "The server is going away.");
                    waits = true;
                    deadline.as_mut().reset(Instant::now() + self.bounds.close);
                }
                () = self.idles(), if leaves.is_none() => {
                    leaves = Some(Over::Idle);
                    self.leave(&orders, &to_worker, "The connection was idle for too long.");
                    waits = true;
                    deadline.as_mut().reset(Instant::now() + self.bounds.close);
                }
                () = deadline.as_mut(), if waits => return leaves.unwrap_or(Over::Lost),
            }
            if heard && said && leaves.is_some() {
                return leaves.unwrap_or(Over::Closed);
            }
        }
    }

    /// Says goodbye to both sides.
    fn leave(&self, orders: &Orders, to_worker: &switchyard_runtime::SocketWriter, why: &str) {
        orders.close(GOING_AWAY, why);
        let _ = to_worker.push(Message::Close(Close { code: Some(GOING_AWAY), reason: why.into() }));
    }

    fn has_moved(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
    }

    /// Returns once nothing has moved for too long.
    async fn idles(&self) {
        loop {
            let moved = self.began + Duration::from_millis(self.moved.load(Ordering::Relaxed));
            let until = moved + self.bounds.idle;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}
