//! From a socket to a TLS connection: the client's first message is read under a bound, a certificate is chosen by
//! the name in it, and the computation waits for its turn.
//!
//! What waits is never a client's silence but work: a turn is given back whenever it is the client's, so clients that
//! go no further take nothing from others, and a flood of new ones does not hold up those that are there.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::ProtocolVersion;
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use super::Termination;
use super::metrics::HandshakeEnd;
use super::table::Entry;

/// Of a ClientHello with all that comes with it. Those of browsers have some 2 KiB, with keys against quantum
/// computers included; rustls itself would keep 64 KiB for each client that never ends its own.
const MAX_HELLO: usize = 16 << 10;
/// The first byte of a handshake's record.
const HANDSHAKE: u8 = 0x16;
/// A fatal alert `unrecognized_name` in a record of its own.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 112];
/// What a browser shows to who leaves out the `s`.
const PLAIN: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\nThis port speaks HTTPS: ask for https:// instead.\n";

/// What a TLS connection was begun with.
pub struct Session {
    pub version: Version,
    /// The host that the client named, in lower case.
    name: Option<Box<str>>,
    entry: Arc<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
}

impl Version {
    /// As Cloudflare writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

impl Session {
    /// Whether a request for this host belongs on the connection: it is the host that the client named, or the
    /// certificate that it was shown is for that host too. A client that named none is not held to any.
    pub fn is_for(&self, host: &str) -> bool {
        match &self.name {
            Some(name) => **name == *host || self.entry.names.cover(host),
            None => true,
        }
    }
}

impl Termination {
    /// `None`: there is no connection; the client has been told what there is to tell, and it is counted.
    pub async fn accept(&self, stream: TcpStream) -> Option<(TlsStream<TcpStream>, Session)> {
        let shaken = tokio::time::timeout(self.deadline, self.shake(stream)).await.unwrap_or(Err(HandshakeEnd::Late));
        self.metrics.ended(*shaken.as_ref().err().unwrap_or(&HandshakeEnd::Ok));
        shaken.ok()
    }

    async fn shake(&self, mut stream: TcpStream) -> Result<(TlsStream<TcpStream>, Session), HandshakeEnd> {
        let accepted = hello(&mut stream).await?;
        let (entry, name) = {
            let hello = accepted.client_hello();
            let name = hello.server_name().map(|name| name.to_ascii_lowercase().into_boxed_str());
            (self.table.load().find(&hello).cloned(), name)
        };
        let Some(entry) = entry else {
            tell(&mut stream, &UNRECOGNIZED_NAME).await;
            return Err(HandshakeEnd::UnknownName);
        };
        let mut rest = pin!(StartHandshake::from_parts(accepted, stream).into_stream(entry.server.clone()));
        let done = loop {
            let computed = {
                let _turn = self.turns.acquire().await;
                poll_fn(|cx| Poll::Ready(rest.as_mut().poll(cx))).await
            };
            match computed {
                Poll::Ready(done) => break done,
                Poll::Pending => woken().await,
            }
        };
        let stream = done.map_err(|error| {
            tracing::debug!(%error, "a TLS handshake failed");
            if error.kind() == ErrorKind::InvalidData { HandshakeEnd::Failed } else { HandshakeEnd::Gone }
        })?;
        let version = match stream.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Version::Tls12,
            _ => Version::Tls13,
        };
        Ok((stream, Session { version, name, entry }))
    }
}

/// Until the task is woken, by what was polled before or by anything else.
async fn woken() {
    let mut waits = true;
    poll_fn(|_| if std::mem::take(&mut waits) { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// The client's first message.
async fn hello(stream: &mut TcpStream) -> Result<Accepted, HandshakeEnd> {
    let mut acceptor = Acceptor::default();
    let mut buffer = vec![0; 4 << 10];
    let mut seen = 0;
    loop {
        let read = stream.read(&mut buffer).await.map_err(|_| HandshakeEnd::Gone)?;
        let Some(first) = buffer[..read].first() else { return Err(HandshakeEnd::Gone) };
        if seen == 0 && *first != HANDSHAKE {
            if first.is_ascii_alphabetic() {
                tell(stream, PLAIN).await;
            }
            return Err(HandshakeEnd::NotTls);
        }
        seen += read;
        let mut bytes = &buffer[..read];
        while !bytes.is_empty() {
            acceptor.read_tls(&mut bytes).map_err(|_| HandshakeEnd::Failed)?;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) if seen < MAX_HELLO => {}
            Ok(None) => return Err(HandshakeEnd::Failed),
            Err((error, mut alert)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                let mut bytes = Vec::new();
                if alert.write_all(&mut bytes).is_ok() {
                    tell(stream, &bytes).await;
                }
                return Err(HandshakeEnd::Failed);
            }
        }
    }
}

/// Last words. A client that does not take them is past caring.
async fn tell(stream: &mut TcpStream, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
