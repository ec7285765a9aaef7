//! Connects to an origin, if the node may: by the policy of all that leaves it, and besides to the
//! networks that its configuration opens for upstreams. A name is resolved once, and the connection goes
//! to exactly an address that passed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use parking_lot::RwLock;
use rustls::pki_types::ServerName;
use switchyard_catalog::Origin;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::io::Stream;
use super::trust::Trust;
use crate::egress::Policy;

/// Names looked up at the same time: each holds a thread of the blocking pool.
const LOOKUPS: usize = 64;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 6;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address that it has may be reached.
    #[error("no address that may be reached")]
    Forbidden,
    #[error("the name could not be looked up")]
    Lookup,
    #[error("could not connect")]
    Io(#[source] io::Error),
    #[error("connecting took too long")]
    Timeout,
}

pub struct Connector {
    policy: Arc<Policy>,
    /// Networks that are open besides the public ones.
    allow: RwLock<Vec<IpNet>>,
    lookups: Semaphore,
    trust: ArcSwap<Trust>,
}

impl Connector {
    pub fn new(policy: Arc<Policy>, allow: Vec<IpNet>, trust: Trust) -> Self {
        let (allow, trust) = (RwLock::new(allow), ArcSwap::from_pointee(trust));
        Self { policy, allow, lookups: Semaphore::new(LOOKUPS), trust }
    }

    /// `inside`: whether the opened networks are open to this upstream; `http2`: it is offered, over TLS.
    ///
    /// # Errors
    /// [`ConnectError`]; a time-out of name, TCP and TLS together at `until`.
    pub async fn connect(
        &self,
        origin: &Origin,
        inside: bool,
        http2: bool,
        until: Instant,
    ) -> Result<Stream, ConnectError> {
        let connected = tokio::time::timeout_at(until, async {
            let addresses = self.addresses(origin, inside).await?;
            let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in addresses.into_iter().take(ADDRESSES) {
                match TcpStream::connect(address).await {
                    Ok(stream) => return self.secure(origin, http2, stream).await,
                    Err(error) => last = error,
                }
            }
            Err(ConnectError::Io(last))
        });
        connected.await.unwrap_or(Err(ConnectError::Timeout))
    }

    async fn secure(&self, origin: &Origin, http2: bool, stream: TcpStream) -> Result<Stream, ConnectError> {
        let _ = stream.set_nodelay(true);
        if !origin.tls {
            return Ok(Stream::Plain(stream));
        }
        let name = origin.host.trim_matches(['[', ']']).to_owned();
        let invalid = |_| ConnectError::Io(io::ErrorKind::InvalidInput.into());
        let name = ServerName::try_from(name).map_err(invalid)?;
        let trust = self.trust.load_full();
        let stream = trust.connector(http2).connect(name, stream).await.map_err(ConnectError::Io)?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// Where it may be reached now.
    ///
    /// # Errors
    /// [`ConnectError::Forbidden`] and [`ConnectError::Lookup`].
    pub async fn addresses(&self, origin: &Origin, inside: bool) -> Result<Vec<SocketAddr>, ConnectError> {
        if !self.allows_port(origin.port) {
            return Err(ConnectError::Forbidden);
        }
        let found = match origin.address() {
            Some(address) => vec![SocketAddr::new(address, origin.port)],
            None => {
                let _place = self.lookups.acquire().await.map_err(|_| ConnectError::Lookup)?;
                let found = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await;
                found.map_err(|_| ConnectError::Lookup)?.collect()
            }
        };
        let open = self.allow.read();
        let open: &[IpNet] = if inside { &open } else { &[] };
        let allowed = found.into_iter().filter(|address| self.policy.allows_besides(*address, open));
        let allowed: Vec<SocketAddr> = allowed.collect();
        if allowed.is_empty() { Err(ConnectError::Forbidden) } else { Ok(allowed) }
    }

    /// Other networks are open from now on. True: they were others before.
    pub fn open(&self, allow: &[IpNet]) -> bool {
        let mut open = self.allow.write();
        let other = *open != allow;
        if other {
            *open = allow.to_vec();
        }
        other
    }

    /// Other authorities are believed from now on. True: they were others before.
    pub fn trust(&self, trust: Trust) -> bool {
        let other = !self.trust.load().is_as(&trust);
        if other {
            self.trust.store(Arc::new(trust));
        }
        other
    }

    pub fn allows_port(&self, port: u16) -> bool {
        self.policy.allows_port(port)
    }

    /// Whether it is one of this node's own listeners.
    pub fn is_own(&self, address: SocketAddr) -> bool {
        self.policy.is_own(address)
    }
}
