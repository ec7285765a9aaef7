//! Connects to where a Worker may connect, and nowhere else. A name is resolved once, the answers
//! are filtered, and the connection goes to exactly an address that passed: a name that answers
//! differently the second time (DNS rebinding) is never asked a second time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use switchyard_catalog::EgressRules;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

use super::names::Names;
use super::policy::Policy;

/// Names that one tenant looks up at the same time: a server of its own that never answers holds up
/// nobody else.
const LOOKUPS: usize = 8;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 6;
/// How long a tenant's look-up counts, whatever its record says, and how many are kept.
const KEPT: Duration = Duration::from_secs(5);
const MOST_KEPT: usize = 32;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the URL has no host")]
    NoHost,
    /// The policy forbids it.
    #[error("port {0} is blocked")]
    Port(u16),
    /// The namespace may reach other hosts alone.
    #[error("{0}:{1} is not on the namespace's list")]
    Unlisted(String, u16),
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

/// What the connectors of all tenants share.
pub struct Node {
    pub policy: Arc<Policy>,
    pub names: Names,
    /// Open at once; further ones wait.
    pub connections: Arc<Semaphore>,
    /// Called when there are none left: closes what is open and idle.
    pub reclaim: Box<dyn Fn() + Send + Sync>,
}

/// Makes the connections of one tenant.
#[derive(Clone)]
pub struct Connector {
    node: Arc<Node>,
    tenant: Arc<Tenant>,
}

struct Tenant {
    rules: EgressRules,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    host: Box<str>,
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

impl Connector {
    /// As many as `connections` at once, whichever of the tenant's connectors makes them; further ones wait.
    pub fn new(node: Arc<Node>, rules: EgressRules, connections: Arc<Semaphore>) -> Self {
        let tenant = Tenant { rules, connections, lookups: Arc::new(Semaphore::new(LOOKUPS)), kept: Mutex::default() };
        Self { node, tenant: Arc::new(tenant) }
    }

    async fn connect(self, uri: Uri) -> Result<Outgoing, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let (policy, rules) = (&self.node.policy, &self.tenant.rules);
        if !policy.allows_port(port) {
            return Err(ConnectError::Port(port));
        }
        let literal = host.parse::<IpAddr>().ok();
        if literal.is_none() && !Policy::allows_host(rules, host, port) {
            return Err(ConnectError::Unlisted(host.to_owned(), port));
        }
        let addresses = match literal {
            Some(address) => Arc::from([address]),
            None => self.look_up(host).await?,
        };
        let addresses = addresses.iter().map(|address| SocketAddr::new(*address, port));
        let allowed: Vec<SocketAddr> = addresses.filter(|address| policy.allows(rules, host, *address)).collect();
        if allowed.is_empty() {
            return Err(ConnectError::Forbidden(host.to_owned()));
        }
        let closed = |_| ConnectError::Io(io::ErrorKind::NotConnected.into());
        let own = self.tenant.connections.clone().acquire_owned().await.map_err(closed)?;
        let places = match self.node.connections.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                (self.node.reclaim)();
                self.node.connections.clone().acquire_owned().await.map_err(closed)?
            }
        };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in allowed.into_iter().take(ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(Outgoing { stream: TokioIo::new(stream), _places: (own, places) });
                }
                Err(error) => last = error,
            }
        }
        Err(ConnectError::Io(last))
    }

    /// What was asked for a moment ago is not asked again; whatever comes is checked by the caller.
    async fn look_up(&self, host: &str) -> Result<Arc<[IpAddr]>, ConnectError> {
        let failed = || ConnectError::Lookup(host.to_owned());
        let now = Instant::now();
        if let Some(kept) = self.tenant.kept.lock().iter().find(|kept| *kept.host == *host && kept.until > now) {
            return Ok(kept.addresses.clone());
        }
        let place = self.tenant.lookups.clone().acquire_owned().await.map_err(|_| failed())?;
        let addresses: Arc<[IpAddr]> = self.node.names.look_up(host, place).await.map_err(|_| failed())?.into();
        let until = Instant::now() + KEPT;
        let mut all = self.tenant.kept.lock();
        all.retain(|kept| kept.until > now && *kept.host != *host);
        if all.len() < MOST_KEPT {
            all.push(Kept { host: host.into(), addresses: addresses.clone(), until });
        }
        Ok(addresses)
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

/// One connection to the outside; holds its place among its tenant's and among all.
pub struct Outgoing {
    stream: TokioIo<TcpStream>,
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
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

    fn places(most: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(most))
    }

    fn connector(private: bool) -> Connector {
        let policy = Policy { private, grantable: Vec::new(), blocked_ports: vec![25], own: Default::default() };
        let names = Names::new(&[]);
        let connections = Arc::new(Semaphore::new(1));
        let node = Node { policy: Arc::new(policy), names, connections, reclaim: Box::new(|| {}) };
        Connector::new(Arc::new(node), EgressRules::default(), places(1))
    }

    #[tokio::test]
    async fn forbidden_addresses_get_no_connection() {
        let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = trap.local_addr().unwrap().port();
        let strict = connector(false);
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "[::1]"] {
            let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
            let refused = strict.clone().connect(uri).await;
            assert!(matches!(refused, Err(ConnectError::Forbidden(_))), "{host}");
        }
        let uri = || format!("http://127.0.0.1:{port}/").parse().unwrap();
        assert!(connector(true).connect(uri()).await.is_ok());
    }

    #[tokio::test]
    async fn a_tenant_waits_for_its_own_connections() {
        let origin = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}/", origin.local_addr().unwrap()).parse().unwrap();
        let policy =
            Policy { private: true, grantable: Vec::new(), blocked_ports: Vec::new(), own: Default::default() };
        let (names, connections) = (Names::new(&[]), Arc::new(Semaphore::new(10)));
        let node = Arc::new(Node { policy: Arc::new(policy), names, connections, reclaim: Box::new(|| {}) });
        let [one, other] = [1, 2].map(|most| Connector::new(node.clone(), EgressRules::default(), places(most)));
        let first = one.clone().connect(uri.clone()).await.ok().unwrap();
        let mut second = std::pin::pin!(one.connect(uri.clone()));
        let mut others = Vec::new();
        for _ in 0..2 {
            others.push(other.clone().connect(uri.clone()).await.ok().unwrap());
            assert!(futures_util::poll!(second.as_mut()).is_pending());
        }
        drop(first);
        assert!(tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn one_place_too_few_makes_room_first() {
        let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}/", trap.local_addr().unwrap()).parse().unwrap();
        let idle = Arc::new(Mutex::new(Vec::new()));
        let policy =
            Policy { private: true, grantable: Vec::new(), blocked_ports: Vec::new(), own: Default::default() };
        let (names, connections) = (Names::new(&[]), Arc::new(Semaphore::new(1)));
        let closes = idle.clone();
        let node = Arc::new(Node {
            policy: Arc::new(policy),
            names,
            connections,
            reclaim: Box::new(move || closes.lock().clear()),
        });
        let first =
            Connector::new(node.clone(), EgressRules::default(), places(1)).connect(uri.clone()).await.ok().unwrap();
        idle.lock().push(first);
        let second = Connector::new(node, EgressRules::default(), places(1)).connect(uri);
        assert!(tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().is_ok());
        assert!(idle.lock().is_empty());
    }
}
