//! A Worker's `fetch`: what it may reach, and what comes back.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;

use crate::harness::{PATIENCE, TestGateway};

/// Fetches `?url`, and tells what came: `[status, redirected, url, text]`, or the error.
pub const FETCHER: &str = "export default { async fetch(r) {
    const url = decodeURIComponent(r.url.split('?url=')[1]);
    try {
        const a = await fetch(url, { method: r.method, body: r.method === 'POST' ? 'body' : undefined, headers: { authorization: 'a' } });
        return Response.json([a.status, a.redirected, a.url, await a.text()]);
    } catch (e) { return new Response(`${e.name}: ${e.message}`, { status: 500 }); }
} };";

/// An origin on this machine.
pub async fn origin() -> SocketAddr {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, peer)) = socket.accept().await else { return };
            let service = service_fn(move |request| answer(peer, request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn answer(peer: SocketAddr, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
    let show = |name: &str| head.headers.get(name).map_or("-", |value| value.to_str().unwrap_or("?")).to_owned();
    let redirect = |status: u16, to: &str| {
        Response::builder().status(status).header(header::LOCATION, to).body(Full::default()).unwrap()
    };
    Ok(match head.uri.path() {
        "/303" => redirect(303, "/show"),
        "/307" => redirect(307, "/show"),
        "/loop" => redirect(302, "/loop"),
        "/to" => redirect(302, head.uri.query().unwrap_or_default()),
        "/peer" => Response::new(Full::new(peer.to_string().into())),
        "/private" => redirect(302, "http://127.0.0.1:1/"),
        "/away" => redirect(302, &format!("http://localhost:{}/show", show("host").rsplit(':').next().unwrap())),
        "/gzip" => {
            let mut bytes = Vec::new();
            let mut encoder = async_compression::tokio::bufread::GzipEncoder::new(&b"packed"[..]);
            encoder.read_to_end(&mut bytes).await.unwrap();
            Response::builder().header(header::CONTENT_ENCODING, "gzip").body(Full::new(bytes.into())).unwrap()
        }
        _ => {
            let text = format!(
                "{} {} auth={} accept={} loop={} body={}",
                head.method,
                head.uri.path(),
                show("authorization"),
                show("accept-encoding"),
                show("cdn-loop"),
                String::from_utf8_lossy(&body),
            );
            Response::new(Full::new(text.into()))
        }
    })
}

async fn fetching(private: bool) -> (TestGateway, SocketAddr) {
    let gateway = TestGateway::with(|config| config.egress.private = private).await;
    gateway.upload("ns", "f", FETCHER).await;
    (gateway, origin().await)
}

#[tokio::test]
async fn a_worker_fetches_from_an_origin() {
    let (gateway, origin) = fetching(true).await;
    let answer = gateway.get("f", &format!("/?url=http://{origin}/show")).await;
    let seen = answer.json();
    assert_eq!((&seen[0], &seen[1], &seen[2]), (&200.into(), &false.into(), &format!("http://{origin}/show").into()));
    let text = seen[3].as_str().unwrap();
    assert!(text.starts_with("GET /show auth=a accept=gzip, br loop=switchyard; hops=1; mac="), "{text}");
}

#[tokio::test]
async fn redirects_are_followed_hop_by_hop() {
    let (gateway, origin) = fetching(true).await;
    let post = |path: &str| {
        let path = format!("/?url=http://{origin}{path}");
        let gateway = &gateway;
        async move { gateway.post("f", &path, "").await.text().to_owned() }
    };
    let seen = post("/303").await;
    assert!(seen.starts_with("[200,true,") && seen.contains("GET /show") && seen.contains("body=\""), "{seen}");
    let seen = post("/307").await;
    assert!(seen.contains("POST /show") && seen.contains("body=body"), "{seen}");
    // Another origin gets no credentials.
    let seen = gateway.get("f", &format!("/?url=http://{origin}/away")).await;
    assert!(seen.text().contains("auth=-"), "{}", seen.text());
    let seen = gateway.get("f", &format!("/?url=http://{origin}/loop")).await;
    assert!(seen.text().starts_with("TypeError: Too many redirects.http"), "{}", seen.text());
    assert_eq!(seen.text().matches("/loop").count(), 21);
}

#[tokio::test]
async fn encoded_bodies_are_decoded_and_passed_on_encoded() {
    let (gateway, origin) = fetching(true).await;
    let answer = gateway.get("f", &format!("/?url=http://{origin}/gzip")).await;
    assert_eq!(answer.json()[3], "packed");
    gateway.upload("ns", "p", "export default { fetch: r => fetch(r.url.split('?url=')[1]) };").await;
    let answer = gateway.get("p", &format!("/?url=http://{origin}/gzip")).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(&answer.bytes[..2], b"\x1f\x8b");
}

#[tokio::test]
async fn a_beacon_is_sent_and_nobody_waits_for_it() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = socket.local_addr().unwrap();
    let source = format!(
        "const sent = () => navigator.sendBeacon('http://{to}/beacon', new URLSearchParams({{ a: '1' }}));
        const early = sent();
        export default {{ fetch: () => Response.json([early, sent()]) }};"
    );
    gateway.upload("ns", "beacon", &source).await;
    // Nobody has taken the connection yet.
    assert_eq!(gateway.get("beacon", "/").await.text(), "[false,true]");
    let (mut stream, _) = tokio::time::timeout(PATIENCE, socket.accept()).await.unwrap().unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"a=1") {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut seen)).await.unwrap().unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
    }
    assert!(seen.starts_with(b"POST /beacon HTTP/1.1"), "{}", String::from_utf8_lossy(&seen));
}

#[tokio::test]
async fn private_addresses_are_not_reached() {
    let (gateway, origin) = fetching(false).await;
    let port = origin.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://localhost:{port}/"),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://10.0.0.1/".into(),
        "https://[fd00::1]/".into(),
    ] {
        let answer = gateway.get("f", &format!("/?url={url}")).await;
        assert_eq!(answer.status, 500, "{url}");
        let text = answer.text();
        assert!(
            text.contains("not an address that they may reach") || text.contains("internal error; reference = "),
            "{url}: {text}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_fails_as_in_cloudflares_runtime() {
    let (gateway, _) = fetching(true).await;
    for (url, wanted) in [
        ("/x", "TypeError: Invalid URL: /x"),
        ("ftp://x/", "TypeError: Fetch API cannot load: ftp://x/"),
        ("http://127.0.0.1:1/", "Error: Network connection lost."),
        ("http://127.0.0.1:25/", "Error: Network connection lost."),
    ] {
        gateway.get("f", &format!("/?url={url}")).await.is(500, wanted);
    }
    let answer = gateway.get("f", "/?url=http://no-such-name.invalid/").await;
    let text = answer.text().to_owned();
    let reference = text.strip_prefix("Error: internal error; reference = ").unwrap_or_else(|| panic!("{text}"));
    assert_eq!(reference.len(), 24);
}

#[tokio::test]
async fn a_worker_does_not_reach_its_own_node() {
    let (gateway, _) = fetching(true).await;
    for address in [gateway.address(), gateway.admin_address()] {
        let answer = gateway.get("f", &format!("/?url=http://{address}/")).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(answer.text().contains("not an address that they may reach"), "{}", answer.text());
    }
}

#[tokio::test]
async fn ports_that_are_blocked_are_not_reached() {
    let (open, blocked) = (origin().await, tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = blocked.local_addr().unwrap().port();
    let gateway = TestGateway::with(|config| {
        config.egress.private = true;
        config.egress.blocked_ports.push(port);
    })
    .await;
    gateway.upload("ns", "fetcher", FETCHER).await;
    let fetched = async |url: &str| gateway.get("fetcher", &format!("/?url={url}")).await;
    assert_eq!(fetched(&format!("http://{open}/show")).await.status, 200);
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://{open}/to%3Fhttp://127.0.0.1:{port}/"),
        "http://127.0.0.1:25/".to_owned(),
    ] {
        let answer = fetched(&url).await;
        assert_eq!(answer.status, 500, "{url}: {}", answer.text());
    }
    let met = tokio::time::timeout(std::time::Duration::from_millis(50), blocked.accept()).await;
    assert!(met.is_err(), "somebody connected");
}
