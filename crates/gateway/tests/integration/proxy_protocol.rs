//! The PROXY protocol: a trusted load balancer says whom it speaks for, and nobody else does.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use ipnet::IpNet;
use switchyard_gateway::Config;
use switchyard_gateway::config::{Listener, ProxyProtocol, Redirect, Resolver, ResolverKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::harness::{PATIENCE, TestGateway, data};
use crate::tls::{metric, metric_is};
use crate::tls_client::{Ca, Offer, tls};

const ECHO: &str = "export default { fetch: r => new Response(`${r.url} ${r.headers.get('cf-connecting-ip')} ` +
    `${r.headers.get('x-forwarded-for')} ${r.headers.get('x-tenant')}`) };";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: echo.test\r\nX-Tenant: echo\r\nConnection: close\r\n\r\n";
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n";

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn proxied() -> Listener {
    let trusted = vec!["127.0.0.1".parse::<std::net::IpAddr>().unwrap().into()];
    let at = Listener::at("127.0.0.1:0".parse().unwrap());
    Listener { proxy_protocol: Some(ProxyProtocol { trusted }), ..at }
}

async fn node(change: impl FnOnce(&mut Config)) -> TestGateway {
    let gateway = TestGateway::with(|config| {
        config.listener = vec![proxied()];
        config.timeouts.handshake = Duration::from_millis(400);
        change(config);
    })
    .await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway
}

/// Everything that comes; empty too where the connection is reset.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it is closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn send(node: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(node).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break; // closed already
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    rest(stream).await
}

fn refused(why: &str) -> String {
    format!("switchyard_proxy_headers_refused_total{{reason=\"{why}\"}}")
}

#[tokio::test]
async fn the_client_that_the_header_names_is_the_client() {
    let gateway = node(|_| {}).await;
    let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
    let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 16], &[0, 1, 0, 2]].concat();
    let more = [&v4[..], &[4, 1, 0][..], &[0; 256]].concat(); // a field that means nothing
    for (header, client) in [
        (V1.to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::9 ::1 1 2\r\n".to_vec(), "2001:db8::9"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n".to_vec(), "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (v2(0x21, 0x11, &v4), "192.0.2.7"),
        (v2(0x21, 0x21, &v6), "2001:db8::9"),
        (v2(0x21, 0x11, &more), "192.0.2.7"),
        (v2(0x20, 0x00, &[]), "127.0.0.1"),
    ] {
        let wanted = format!("http://echo.test/ {client} {client} echo");
        let whole = [&header[..], GET].concat();
        // At once, in two pieces, and byte by byte.
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        let half = header.len() / 2;
        let ways = [vec![&whole[..]], vec![&whole[..half], &whole[half..]], bytes];
        for pieces in ways.iter().take(if header.len() < 100 { 3 } else { 2 }) {
            let answer = send(gateway.address(), pieces).await;
            assert!(answer.ends_with(&wanted), "{wanted}: {answer}");
        }
    }
    // One text of it, wherever a Worker reads it: here one that may, of a trusted namespace.
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns", gateway.account());
    let trusted = gateway.api(Method::PATCH, &path, "application/json", r#"{"trusted_workers":true}"#.into()).await;
    assert_eq!(trusted.status, 200, "{}", trusted.text());
    gateway.upload("ns", "cf", "export default { fetch: r => new Response(r.cf.clientIp) };").await;
    let get = String::from_utf8_lossy(GET).replace("echo.test", "cf.test");
    let answer = send(gateway.address(), &[b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", get.as_bytes()]).await;
    assert!(answer.ends_with("\r\n\r\n192.0.2.7"), "{answer}");
    metric_is(&gateway, "switchyard_connections", 0).await;
}

/// A load balancer that ends TLS itself says so, and is believed: on a listener that redirects too.
#[tokio::test]
async fn a_client_may_have_come_by_tls() {
    let gateway = node(|config| {
        config.listener.push(Listener { redirect: Some(Redirect::Https), ..proxied() });
    })
    .await;
    let header = |flags: u8| {
        let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
        v2(0x21, 0x11, &[&addresses[..], &[0x20, 0, 5, flags], &[0; 4]].concat())
    };
    for (listener, flags, wanted) in [
        (0, 1, "https://echo.test/ 192.0.2.7 192.0.2.7 echo"),
        (0, 0, "http://echo.test/ 192.0.2.7 192.0.2.7 echo"),
        (1, 1, "https://echo.test/ 192.0.2.7 192.0.2.7 echo"),
        (1, 0, "location: https://echo.test/"),
    ] {
        let answer = send(gateway.addresses()[listener], &[&header(flags), GET]).await;
        assert!(answer.contains(wanted), "{wanted}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_header_closes_the_connection_with_one_reason() {
    let gateway = node(|_| {}).await;
    let long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
    let v4 = [1; 12];
    for (why, bytes) in [
        ("missing", GET.to_vec()),
        ("missing", b"\x16\x03\x01\x02\x00".to_vec()),
        ("malformed", b"PROXY TCP4 192.0.2.7 10.0.0.1 4660\r\n".to_vec()),
        ("malformed", b"PROXY TCP4 192.0.2.777 10.0.0.1 1 2\r\n".to_vec()),
        ("malformed", b"PROXY SCTP 192.0.2.7 10.0.0.1 1 2\r\n".to_vec()),
        ("malformed", v2(0x29, 0x11, &v4)),
        ("malformed", v2(0x21, 0x11, &v4[..3])),
        ("unsupported", v2(0x21, 0x12, &v4)),
        ("unsupported", v2(0x21, 0x31, &[b'/'; 216])),
        ("too_long", long),
        ("too_long", v2(0x21, 0x11, &[0; 60_000])[..100].to_vec()),
        ("late", V1[..10].to_vec()),
        ("late", v2(0x21, 0x11, &v4)[..20].to_vec()),
        ("late", Vec::new()),
    ] {
        let before = metric(&gateway, &refused(why)).await;
        let answer = send(gateway.address(), &[&bytes[..]]).await;
        assert_eq!(answer, "", "{}", bytes.escape_ascii());
        metric_is(&gateway, &refused(why), before + 1).await;
    }
    let mut half = TcpStream::connect(gateway.address()).await.unwrap();
    half.write_all(&V1[..10]).await.unwrap();
    drop(half);
    metric_is(&gateway, &refused("gone"), 1).await;
    // Two headers are one header, and a request that is none.
    let answer = send(gateway.address(), &[V1, V1, GET]).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let good = send(gateway.address(), &[V1, GET]).await;
    assert!(good.starts_with("HTTP/1.1 200 "), "{good}");
}

#[tokio::test]
async fn only_trusted_peers_may_speak_for_others() {
    let gateway = node(|_| {}).await;
    for bytes in [V1, GET] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut stream = socket.connect(gateway.address()).await.unwrap();
        let _ = stream.write_all(bytes).await;
        assert_eq!(rest(stream).await, "");
    }
    metric_is(&gateway, &refused("untrusted"), 2).await;
}

/// Trust in headers goes by the client's own address, not the load balancer's.
#[tokio::test]
async fn a_client_is_trusted_for_what_it_is() {
    let gateway = node(|config| {
        let nets: Vec<IpNet> = vec!["198.51.100.0/24".parse().unwrap()];
        let mut header = Resolver::of(ResolverKind::Header);
        (header.name, header.namespace, header.trusted) = (Some("x-tenant".into()), Some("ns".into()), Some(nets));
        config.resolver = vec![header];
    })
    .await;
    for (client, answered) in [("198.51.100.1", true), ("192.0.2.7", false), ("127.0.0.1", false)] {
        let header = format!("PROXY TCP4 {client} 10.0.0.1 1 2\r\n");
        let answer = send(gateway.address(), &[header.as_bytes(), GET]).await;
        assert_eq!(answer.starts_with("HTTP/1.1 200 "), answered, "{client}: {answer}");
    }
}

#[tokio::test]
async fn the_header_goes_before_tls() {
    let ca = Ca::new();
    let data = data().await;
    let files = ca.issue(data.path(), "first", &["echo.test"]);
    let gateway = TestGateway::on(data, |config| {
        config.listener = vec![Listener { tls: Some(tls(&[files])), ..proxied() }];
    });
    let gateway = gateway.await.unwrap();
    gateway.upload("ns", "echo", ECHO).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(V1).await.unwrap();
    let connector = TlsConnector::from(std::sync::Arc::new(ca.client(&Offer::of("echo.test"))));
    let name = "echo.test".to_owned().try_into().unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("https://echo.test/ 192.0.2.7 192.0.2.7 echo"), "{answer}");
    // TLS without it is no header.
    assert!(ca.try_connect(gateway.address(), Offer::of("echo.test")).await.is_err());
    metric_is(&gateway, &refused("missing"), 1).await;
}
