//! A client's connection as HTTP sees it: a socket, or TLS on one.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::clients::{Admitted, PerAddress};
use super::proxy::ProxyHeaders;
use crate::maybe_tls::MaybeTls;
use crate::tls::{Session, Termination};

/// Whose connection it is.
#[derive(Clone)]
pub struct Peer {
    /// The client's own, where a PROXY header names it.
    pub address: SocketAddr,
    /// Its IP address as it is read everywhere: an IPv4 one in its own way.
    pub text: HeaderValue,
    /// The client speaks TLS, with this node or with a load balancer that says so.
    pub https: bool,
    /// `None`: without TLS here.
    pub tls: Option<Arc<Session>>,
}

impl Peer {
    /// One that speaks plain HTTP.
    pub fn plain(address: SocketAddr) -> Self {
        let text = address.ip().to_canonical().to_string();
        let text = HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("0.0.0.0"));
        Self { address, text, https: false, tls: None }
    }
}

/// What stands before HTTP on a listener. Nothing, by default.
#[derive(Clone, Default)]
pub struct Door {
    pub proxy: Option<Arc<ProxyHeaders>>,
    pub tls: Option<Arc<Termination>>,
    /// `None`: a client may have as many connections as there are places.
    pub per_address: Option<Arc<PerAddress>>,
}

impl Door {
    /// Whether connections begin with their first request.
    pub fn is_open(&self) -> bool {
        self.proxy.is_none() && self.tls.is_none()
    }

    /// Whether this peer may have one more connection, as far as its address says: a load balancer's says nothing.
    /// `None`: it is to be closed, which was counted.
    pub fn at_accept(&self, address: SocketAddr) -> Option<Option<Admitted>> {
        match &self.per_address {
            Some(clients) if self.proxy.is_none() => clients.admit(address).map(Some),
            _ => Some(None),
        }
    }

    /// `None`: the connection is closed, which was counted. Of a client that a PROXY header names, with what counts its
    /// connections.
    pub async fn enter(&self, mut stream: TcpStream, address: SocketAddr) -> Option<(Socket, Peer, Option<Admitted>)> {
        let (mut peer, mut admitted) = (None, None);
        if let Some(proxy) = &self.proxy {
            let named = proxy.read(&mut stream, address).await?;
            if let (Some(client), Some(clients)) = (named.client, &self.per_address) {
                admitted = Some(clients.admit(client)?);
            }
            peer = Some(Peer { https: named.tls, ..Peer::plain(named.client.unwrap_or(address)) });
        }
        let mut peer = peer.unwrap_or_else(|| Peer::plain(address));
        let Some(tls) = &self.tls else { return Some((Socket::Plain(stream), peer, admitted)) };
        let (stream, session) = tls.accept(stream).await?;
        (peer.https, peer.tls) = (true, Some(Arc::new(session)));
        Some((Socket::Tls(Box::new(stream)), peer, admitted))
    }
}

pub type Socket = MaybeTls<TlsStream<TcpStream>>;

impl Socket {
    /// Whether [`tokio::io::AsyncWrite::poll_flush`] says if all that was written has left.
    pub fn flushes(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}
