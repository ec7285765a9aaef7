//! A connection to an origin, with or without TLS.

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::maybe_tls::MaybeTls;

/// HTTP/2 in TLS's list of protocols (RFC 9113 §3.2).
pub const HTTP2: &[u8] = b"h2";

pub type Stream = MaybeTls<TlsStream<TcpStream>>;

impl Stream {
    /// Both sides have agreed to speak HTTP/2 in it.
    pub fn agreed_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP2),
        }
    }
}
