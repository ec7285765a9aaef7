//! Connects to where a Worker may connect, and nowhere else. A name is resolved once, the answers
//! are filtered, and the connection goes to exactly an address that passed: a name that answers
//! differently the second time (DNS rebinding) is never asked a second time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use parking_lot::RwLock;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

use super::address::is_public;

/// Names looked up at the same time: each holds a thread of the blocking pool.
const LOOKUPS: usize = 64;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 6;

/// Where Workers may connect.
#[derive(Debug)]
pub struct Policy {
    /// Private addresses too. Only for tests and development.
    pub private: bool,
    pub blocked_ports: Vec<u16>,
    /// This node's own listeners: never, whatever else is allowed.
    pub own: RwLock<Vec<SocketAddr>>,
}

impl Policy {
    pub fn allows_port(&self, port: u16) -> bool {
        port != 0 && !self.blocked_ports.contains(&port)
    }

    fn allows(&self, address: SocketAddr) -> bool {
        self.allows_besides(address, &[])
    }

    /// Whether it may be reached where these networks are open besides the public one.
    pub fn allows_besides(&self, address: SocketAddr, open: &[IpNet]) -> bool {
        let ip = address.ip().to_canonical();
        let reachable = self.private || is_public(ip) || open.iter().any(|net| net.contains(&ip));
        reachable && !self.is_own(address)
    }

    /// Whether it is one of this node's own listeners.
    pub fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        // One bound to every address is met on any local one.
        self.own.read().iter().any(|own| {
            own.port() == address.port() && (own.ip().to_canonical() == ip || own.ip().is_unspecified() && is_local(ip))
        })
    }
}

fn is_local(ip: IpAddr) -> bool {
    // Binding succeeds for this machine's own addresses alone; it sends nothing.
    ip.is_loopback() || ip.is_unspecified() || std::net::UdpSocket::bind((ip, 0)).is_ok()
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the URL has no host")]
    NoHost,
    /// The policy forbids it.
    #[error("port {0} is blocked")]
    Port(u16),
    /// The policy forbids every address there is.
    #[error("{0} has no address that Workers may reach")]
    Forbidden(String),
    #[error("{0} could not be looked up")]
    Lookup(String),
    #[error("could not connect")]
    Io(#[source] io::Error),
    #[error("connecting took too long")]
    Timeout,
}

/// Makes the connections of all tenants.
#[derive(Clone)]
pub struct Connector {
    policy: Arc<Policy>,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

impl Connector {
    /// At most `connections` at once; further ones wait.
    pub fn new(policy: Arc<Policy>, connections: u32) -> Self {
        Self {
            policy,
            connections: Arc::new(Semaphore::new(connections as usize)),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    async fn connect(self, uri: Uri) -> Result<Outgoing, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        if !self.policy.allows_port(port) {
            return Err(ConnectError::Port(port));
        }
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let closed = |_| ConnectError::Lookup(host.to_owned());
                let _permit = self.lookups.acquire().await.map_err(closed)?;
                let found = tokio::net::lookup_host((host, port)).await;
                found.map_err(|_| ConnectError::Lookup(host.to_owned()))?.collect()
            }
        };
        let allowed: Vec<SocketAddr> = addresses.into_iter().filter(|address| self.policy.allows(*address)).collect();
        if allowed.is_empty() {
            return Err(ConnectError::Forbidden(host.to_owned()));
        }
        let closed = |_| ConnectError::Io(io::ErrorKind::NotConnected.into());
        let permit = self.connections.acquire_owned().await.map_err(closed)?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in allowed.into_iter().take(ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(Outgoing { stream: TokioIo::new(stream), _permit: permit });
                }
                Err(error) => last = error,
            }
        }
        Err(ConnectError::Io(last))
    }
}

impl Service<Uri> for Connector {
    type Response = Outgoing;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Outgoing, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// One connection to the outside; holds its place among all of them.
pub struct Outgoing {
    stream: TokioIo<TcpStream>,
    _permit: OwnedSemaphorePermit,
}

impl Connection for Outgoing {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Outgoing {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl Write for Outgoing {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
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
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }
}

/// A connector whose every attempt has a deadline: name, TCP and TLS together.
#[derive(Clone)]
pub struct Deadline<C> {
    pub inner: C,
    pub limit: Duration,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<C> Service<Uri> for Deadline<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Response: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let attempt = tokio::time::timeout(self.limit, self.inner.call(uri));
        Box::pin(async move {
            match attempt.await {
                Ok(done) => done.map_err(Into::into),
                Err(_) => Err(ConnectError::Timeout.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(private: bool, own: &[&str]) -> Policy {
        let own = own.iter().map(|text| text.parse().unwrap()).collect();
        Policy { private, blocked_ports: vec![25], own: RwLock::new(own) }
    }

    #[test]
    fn own_listeners_are_never_reached() {
        let strict = policy(false, &[]);
        assert!(strict.allows("8.8.8.8:80".parse().unwrap()));
        assert!(!strict.allows("127.0.0.1:80".parse().unwrap()));
        assert!(!strict.allows_port(25) && !strict.allows_port(0) && strict.allows_port(443));

        let open = policy(true, &["127.0.0.1:8080", "0.0.0.0:9090"]);
        assert!(open.allows("127.0.0.1:3000".parse().unwrap()));
        for own in ["127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", "127.0.0.1:9090", "127.3.2.1:9090", "0.0.0.0:9090"] {
            assert!(!open.allows(own.parse().unwrap()), "{own}");
        }
    }

    #[tokio::test]
    async fn forbidden_addresses_get_no_connection() {
        let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = trap.local_addr().unwrap().port();
        let connector = Connector::new(Arc::new(policy(false, &[])), 1);
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "[::1]"] {
            let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
            let refused = connector.clone().connect(uri).await;
            assert!(matches!(refused, Err(ConnectError::Forbidden(_))), "{host}");
        }
        let allowed = Connector::new(Arc::new(policy(true, &[])), 1);
        assert!(allowed.connect(format!("http://127.0.0.1:{port}/").parse().unwrap()).await.is_ok());
    }
}
