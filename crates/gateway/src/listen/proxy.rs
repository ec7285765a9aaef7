//! The PROXY protocol (v1 text, v2 binary): a load balancer that hands connections on as they are says first whom it
//! speaks for. Asked of the configured peers, refused from all others, since whoever may send it can say anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::resolve::trusts;

/// The first bytes of both versions.
const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Of a header of version 1, its line end included: the longest that there can be.
const MAX_V1: usize = 107;
/// What goes before the variable part of version 2.
const FIXED_V2: usize = 16;
/// Of a header of version 2: addresses, and what load balancers add to them. Its length field would allow 64 KiB.
const MAX_V2: usize = 4 << 10;

/// Why a connection was closed instead of served. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// From a peer that may not speak for others.
    Untrusted,
    /// The connection begins with something else.
    Missing,
    Malformed,
    TooLong,
    /// For a datagram, or a socket of the client's own machine.
    Unsupported,
    /// Not whole within `timeouts.handshake`.
    Late,
    /// Closed before it was whole.
    Gone,
}

impl Refused {
    const ALL: [Refused; 7] =
        [Self::Untrusted, Self::Missing, Self::Malformed, Self::TooLong, Self::Unsupported, Self::Late, Self::Gone];

    fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Unsupported => "unsupported",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

/// Whom a connection is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    /// `None`: the peer speaks for itself (a health check), or does not know.
    pub client: Option<SocketAddr>,
    /// The client came to the peer by TLS.
    pub tls: bool,
}

/// Of all listeners.
#[derive(Clone)]
pub struct ProxyMetrics {
    refused: Vec<IntCounter>,
}

impl ProxyMetrics {
    /// # Errors
    /// The name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let about = "Connections closed for their PROXY header, by what was wrong with it.";
        let counters = IntCounterVec::new(Opts::new("switchyard_proxy_headers_refused_total", about), &["reason"])?;
        registry.register(Box::new(counters.clone()))?;
        Ok(Self { refused: Refused::ALL.iter().map(|end| counters.with_label_values(&[end.as_str()])).collect() })
    }
}

/// What a listener asks of its connections.
pub struct ProxyHeaders {
    trusted: ArcSwap<Vec<IpNet>>,
    metrics: ProxyMetrics,
    deadline: Duration,
}

impl ProxyHeaders {
    pub fn new(trusted: Vec<IpNet>, metrics: ProxyMetrics, deadline: Duration) -> Arc<Self> {
        Arc::new(Self { trusted: ArcSwap::from_pointee(trusted), metrics, deadline })
    }

    /// From the next connection on.
    pub fn trust(&self, trusted: Vec<IpNet>) {
        self.trusted.store(Arc::new(trusted));
    }

    /// Whom the connection is for. The next byte on the stream is the client's. `None`: it was counted, and is to be
    /// closed.
    pub async fn read(&self, stream: &mut TcpStream, peer: SocketAddr) -> Option<Named> {
        if !trusts(&self.trusted.load(), peer.ip()) {
            return self.refuse(Refused::Untrusted);
        }
        match tokio::time::timeout(self.deadline, header(stream)).await {
            Ok(Ok(named)) => Some(named),
            Ok(Err(refused)) => self.refuse(refused),
            Err(_) => self.refuse(Refused::Late),
        }
    }

    fn refuse<T>(&self, why: Refused) -> Option<T> {
        self.metrics.refused[why as usize].inc();
        None
    }
}

/// Takes the header off the stream, and nothing more.
async fn header(stream: &mut TcpStream) -> Result<Named, Refused> {
    let mut header = Vec::with_capacity(MAX_V1);
    loop {
        // What is the header's is known only when it was seen: look first, then take.
        let mut ahead = [0; 256];
        let seen = stream.peek(&mut ahead).await.map_err(|_| Refused::Gone)?;
        if seen == 0 {
            return Err(Refused::Gone);
        }
        let taken = header.len();
        header.extend_from_slice(&ahead[..seen]);
        let whole = length(&header)?;
        header.truncate(whole.map_or(header.len(), |whole| whole.min(header.len())));
        let take = header.len() - taken;
        stream.read_exact(&mut ahead[..take]).await.map_err(|_| Refused::Gone)?;
        if whole == Some(header.len()) {
            return named(&header);
        }
    }
}

/// How long the header is that begins so; `None`: not known yet, and all of this belongs to it.
fn length(begin: &[u8]) -> Result<Option<usize>, Refused> {
    let common = |signature: &[u8]| begin.iter().zip(signature).all(|(a, b)| a == b);
    if common(V1) {
        return match begin.iter().position(|b| *b == b'\n') {
            Some(end) if end < MAX_V1 => Ok(Some(end + 1)),
            None if begin.len() < MAX_V1 => Ok(None),
            _ => Err(Refused::TooLong),
        };
    }
    if !common(V2) {
        return Err(Refused::Missing);
    }
    let Some([high, low]) = begin.get(FIXED_V2 - 2..FIXED_V2) else { return Ok(None) };
    let whole = FIXED_V2 + usize::from(u16::from_be_bytes([*high, *low]));
    if whole > MAX_V2 { Err(Refused::TooLong) } else { Ok(Some(whole)) }
}

/// Reads a whole header.
fn named(header: &[u8]) -> Result<Named, Refused> {
    let v2 = header.starts_with(V2);
    // LOCAL: whatever else it says means nothing.
    if v2 && header[V2.len()] == 0x20 {
        return Ok(Named::default());
    }
    // Ports are read as Rust reads numbers, which may have a sign.
    if !v2 && header.contains(&b'+') {
        return Err(Refused::Malformed);
    }
    let config = ParseConfig { include_tlvs: true, allow_v1: !v2, allow_v2: v2 };
    let (parsed, length) = ProxyHeader::parse(header, config).map_err(|_| Refused::Malformed)?;
    if length != header.len() {
        return Err(Refused::Malformed);
    }
    let client = match parsed.proxied_address() {
        Some(address) if address.protocol == Protocol::Stream => Some(address.source),
        // The second half of this byte is the protocol, the first the family: 3 is a Unix socket.
        None if !v2 || header[V2.len() + 1] == 0 => None,
        _ => return Err(Refused::Unsupported),
    };
    Ok(Named { client, tls: parsed.ssl().is_some_and(|ssl| ssl.client_ssl()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [V2, &[command, family], &length, body].concat()
    }

    /// As it comes in, byte after byte.
    fn read(bytes: &[u8]) -> Result<(Named, usize), Refused> {
        for end in 1..=bytes.len() {
            if let Some(whole) = length(&bytes[..end])?
                && whole == end
            {
                return named(&bytes[..end]).map(|named| (named, end));
            }
        }
        Err(Refused::Gone)
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];

    #[test]
    fn both_versions_name_the_client() {
        let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 16], &[0, 1, 0, 2]].concat();
        for (header, client) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec(), Some("192.0.2.7:4660")),
            (b"PROXY TCP6 2001:db8::9 ::1 1 2\r\n".to_vec(), Some("[2001:db8::9]:1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n".to_vec(), None),
            (v2(0x21, 0x11, &V4), Some("192.0.2.7:4660")),
            (v2(0x21, 0x11, &[&V4[..], &[4, 0, 2, 0, 0]].concat()), Some("192.0.2.7:4660")),
            (v2(0x21, 0x21, &v6), Some("[2001:db8::9]:1")),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x77, b"whatever"), None),
        ] {
            let whole = header.len();
            let client = client.map(|client| client.parse().unwrap());
            let followed = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(read(&followed), Ok((Named { client, tls: false }, whole)), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn a_balancer_may_have_spoken_tls() {
        let ssl = |flags: u8| [&[0x20, 0, 5, flags][..], &[0; 4]].concat();
        for (more, tls) in [
            (ssl(1), true),
            (ssl(7), true),
            (ssl(0), false),
            ([&[4, 0, 1, 0][..], &ssl(1)].concat(), true),
            (vec![0x20, 0, 1, 1], false), // cut short
            (vec![0x20, 0xff, 0xff, 1], false),
        ] {
            let header = v2(0x21, 0x11, &[&V4[..], &more].concat());
            assert_eq!(read(&header).map(|(named, _)| named.tls), Ok(tls), "{}", more.escape_ascii());
        }
    }

    #[test]
    fn what_is_wrong_has_one_reason() {
        let long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 100]].concat();
        for (header, why) in [
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), Refused::Missing),
            (b"\x16\x03\x01".to_vec(), Refused::Missing),
            (b"PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(), Refused::Missing),
            (b"proxy UNKNOWN\r\n".to_vec(), Refused::Missing),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n".to_vec(), Refused::Malformed),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n".to_vec(), Refused::Malformed),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n".to_vec(), Refused::Malformed),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n".to_vec(), Refused::Malformed),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(), Refused::Malformed),
            (b"PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n".to_vec(), Refused::Malformed),
            (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(), Refused::Malformed),
            (b"PROXY \r\n".to_vec(), Refused::Malformed),
            (long, Refused::TooLong),
            (v2(0x11, 0x11, &V4), Refused::Malformed),
            (v2(0x22, 0x11, &V4), Refused::Malformed),
            (v2(0x21, 0x11, &V4[..11]), Refused::Malformed),
            (v2(0x21, 0x41, &V4), Refused::Malformed),
            (v2(0x21, 0x12, &V4), Refused::Unsupported),
            (v2(0x21, 0x31, &[0; 216]), Refused::Unsupported),
            (v2(0x21, 0x11, &[0; 5_000])[..16].to_vec(), Refused::TooLong),
            (v2(0x21, 0x11, &V4)[..20].to_vec(), Refused::Gone),
            (b"PROXY TCP4 1.1.1.1".to_vec(), Refused::Gone),
        ] {
            assert_eq!(read(&header), Err(why), "{}", header.escape_ascii());
        }
    }

    /// Whatever comes: an answer, after no more than the bounds allow, and never a panic.
    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut random = 7_u64;
        let mut below = |end: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % end
        };
        let good = [v2(0x21, 0x11, &V4), b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec()];
        for _ in 0..20_000 {
            let mut bytes = good[below(2)].clone();
            for _ in 0..below(4) {
                let at = below(bytes.len());
                bytes[at] = below(256) as u8;
            }
            let more = below(200);
            bytes.extend((0..more).map(|_| below(256) as u8));
            if let Ok((_, taken)) = read(&bytes) {
                assert!(taken <= MAX_V2);
            }
        }
    }
}
