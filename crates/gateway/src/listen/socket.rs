//! A client's connection as HTTP sees it: a socket, or TLS on one.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::proxy::ProxyHeaders;
use crate::maybe_tls::MaybeTls;
use crate::tls::{Session, Termination};

/// Whose connection it is.
#[derive(Clone)]
pub struct Peer {
    /// The client's own, where a PROXY header names it.
    pub address: SocketAddr,
    /// The client speaks TLS, with this node or with a load balancer that says so.
    pub https: bool,
    /// `None`: without TLS here.
    pub tls: Option<Arc<Session>>,
}

impl Peer {
    /// One that speaks plain HTTP.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, https: false, tls: None }
    }
}

/// What stands before HTTP on a listener. Nothing, by default.
#[derive(Clone, Default)]
pub struct Door {
    pub proxy: Option<Arc<ProxyHeaders>>,
    pub tls: Option<Arc<Termination>>,
}

impl Door {
    /// Whether connections begin with their first request.
    pub fn is_open(&self) -> bool {
        self.proxy.is_none() && self.tls.is_none()
    }

    /// `None`: the connection is closed, which was counted.
    pub async fn enter(&self, mut stream: TcpStream, address: SocketAddr) -> Option<(Socket, Peer)> {
        let mut peer = Peer::plain(address);
        if let Some(proxy) = &self.proxy {
            let named = proxy.read(&mut stream, address).await?;
            peer.address = named.client.unwrap_or(address);
            peer.https = named.tls;
        }
        let Some(tls) = &self.tls else { return Some((Socket::Plain(stream), peer)) };
        let (stream, session) = tls.accept(stream).await?;
        (peer.https, peer.tls) = (true, Some(Arc::new(session)));
        Some((Socket::Tls(Box::new(stream)), peer))
    }
}

pub type Socket = MaybeTls<TlsStream<TcpStream>>;

impl Socket {
    /// Whether [`tokio::io::AsyncWrite::poll_flush`] says if all that was written has left.
    pub fn flushes(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}
