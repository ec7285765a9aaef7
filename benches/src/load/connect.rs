//! A connection to an origin, with TLS or without, whose bytes are counted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::plan::Plan;
use super::tally::{Failed, Kind};
use super::target::Origin;

/// What a connection is made of.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Bytes of one thread's connections, heads with them, TLS left out.
#[derive(Debug, Default)]
pub struct Bytes {
    pub received: AtomicU64,
    pub sent: AtomicU64,
}

/// One connection.
pub struct Link {
    stream: Box<dyn Duplex>,
    bytes: Arc<Bytes>,
}

impl Link {
    /// Connects within the plan's time-out.
    ///
    /// # Errors
    /// [`Kind::Connect`], [`Kind::ConnectTimeout`] or [`Kind::Tls`].
    pub async fn open(plan: &Plan, origin: &Origin, bytes: Arc<Bytes>) -> Result<Self, Failed> {
        let opened = tokio::time::timeout(plan.timeout, stream(plan, origin)).await;
        let stream =
            opened.map_err(|_| Failed::new(Kind::ConnectTimeout, format!("{origin}: no connection in time")))??;
        Ok(Self { stream, bytes })
    }

    /// Whether the server has closed it, or sent what nobody asked for, while it was idle.
    pub fn is_stale(&mut self) -> bool {
        let mut byte = [0; 1];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(std::task::Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer).is_ready()
    }
}

async fn stream(plan: &Plan, origin: &Origin) -> Result<Box<dyn Duplex>, Failed> {
    let refused = |error: io::Error| Failed::new(Kind::Connect, format!("{origin}: {error}"));
    let stream = TcpStream::connect(origin.addresses.as_slice()).await.map_err(refused)?;
    stream.set_nodelay(true).map_err(refused)?;
    let Some(tls) = plan.tls.as_ref().filter(|_| origin.tls) else {
        return Ok(Box::new(stream));
    };
    let failed = |error: &dyn std::fmt::Display| Failed::new(Kind::Tls, format!("{origin}: {error}"));
    let name = tls.name(origin.host()).map_err(|error| failed(&error))?;
    let stream = tls.connector().connect(name, stream).await.map_err(|error| failed(&error))?;
    if plan.http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(failed(&"the server does not offer HTTP/2 (ALPN h2)"));
    }
    Ok(Box::new(stream))
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.bytes.received.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &written {
            self.bytes.sent.fetch_add(*written as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        if let Poll::Ready(Ok(written)) = &written {
            self.bytes.sent.fetch_add(*written as u64, Ordering::Relaxed);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
