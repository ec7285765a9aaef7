//! A header that names the tenant: believed from those who are trusted with it, gone from all others.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use switchyard_gateway::config::{Listener, Resolver, ResolverKind};
use tokio::net::TcpStream;

use crate::harness::{TestGateway, collect};
use crate::resolvers::{fixed, get, says};

/// What a Worker sees of its request: headers and body.
const ECHO: &str =
    "export default { fetch: async r => Response.json([...r.headers].concat([['body', await r.text()]])) };";

fn tenant(namespace: Option<&str>, trusted: &[&str]) -> Resolver {
    let trusted = (!trusted.is_empty()).then(|| trusted.iter().map(|net| net.parse().unwrap()).collect());
    let (name, namespace) = (Some("X-Tenant".to_owned()), namespace.map(str::to_owned));
    Resolver { name, namespace, trusted, ..Resolver::of(ResolverKind::Header) }
}

async fn node(resolver: Resolver) -> TestGateway {
    let gateway = TestGateway::with(|config| config.resolver = vec![resolver, fixed("echo", Some("ns"), &[])]).await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway.upload("ns", "victim", &says("VICTIM")).await;
    gateway
}

/// Requests, as bytes, that try to be taken for the tenant `victim`.
fn spoofs() -> Vec<String> {
    let mut forms = Vec::new();
    let mut head =
        |lines: &str| forms.push(format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}Connection: close\r\n\r\n"));
    for name in [
        "x-tenant", "X-Tenant", "X-TENANT", "x-TeNaNt", "x_tenant", "X_Tenant", "X_TENANT", "x.tenant", "x~tenant",
        "x!tenant", "x#tenant", "x$tenant", "x%tenant", "x&tenant", "x'tenant", "x*tenant", "x+tenant", "x^tenant",
        "x`tenant", "x|tenant",
    ] {
        head(&format!("{name}: victim\r\n"));
    }
    for lines in [
        "x-tenant:victim\r\n",
        "x-tenant:\tvictim\t\r\n",
        "x-tenant:    victim    \r\n",
        "x-tenant : victim\r\n",
        "x-tenant\t: victim\r\n",
        " x-tenant: victim\r\n",
        "x-tenant:\r\n victim\r\n",
        "Accept: a\r\n x-tenant: victim\r\n",
        "Accept: a\nx-tenant: victim\r\n",
        "Accept: a\rx-tenant: victim\r\n",
        "x-tenant: victim\0\r\n",
        "x-tenant\0: victim\r\n",
        "\u{a0}x-tenant: victim\r\n",
        "x-tenant: victim\r\nx-tenant: victim\r\n",
        "x-tenant: echo\r\nX-Tenant: victim\r\n",
        "x-tenant: victim\r\nx_tenant: victim\r\n",
        "x_tenant: victim\r\nX_TENANT: victim\r\nx-tenant: victim\r\n",
        "x-tenant: echo, victim\r\n",
        "x-tenant: victim\r\nConnection: x-tenant\r\n",
        "Connection: X-Tenant, x_tenant\r\nx-tenant: victim\r\n",
        "x_tenant: victim\r\nConnection: keep-alive, x_tenant\r\n",
        "Proxy-Connection: x-tenant\r\nx-tenant: victim\r\n",
        "TE: trailers\r\nTrailer: x-tenant\r\nx-tenant: victim\r\n",
        "x-tenant: victim\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n",
        "CF-Connecting-IP: 192.0.2.1\r\nTrue-Client-IP: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nx-tenant: victim\r\n",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nx-tenant: victim\r\n",
        "Expect: 100-continue\r\nx-tenant: victim\r\n",
    ] {
        head(lines);
    }
    forms.push("GET / HTTP/1.0\r\nHost: a.test\r\nX-Tenant: victim\r\n\r\n".to_owned());
    forms.push(
        "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX-Tenant: victim\r\nConnection: close\r\n\r\n".to_owned(),
    );
    let chunked = "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n";
    for body in [
        "\r\n1\r\nx\r\n0\r\nX-Tenant: victim\r\n\r\n",
        "Trailer: X-Tenant\r\n\r\n1\r\nx\r\n0\r\nX-Tenant: victim\r\nx_tenant: victim\r\n\r\n",
        "TE: trailers\r\n\r\n0\r\nx-tenant: victim\r\n\r\n",
        "\r\n1;x-tenant=victim\r\nx\r\n0\r\n\r\n",
    ] {
        forms.push(format!("{chunked}{body}"));
    }
    // The second of a connection, and one behind a body.
    forms.push(
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\nX-Tenant: victim\r\nConnection: close\r\n\r\n"
            .to_owned(),
    );
    forms.push(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nHost: a.test\r\nx_tenant: victim\r\nConnection: close\r\n\r\n"
            .to_owned(),
    );
    forms
}

#[tokio::test]
async fn no_spoof_is_believed_nor_seen() {
    // Others are trusted, this client is not.
    let gateway = node(tenant(Some("ns"), &["192.0.2.0/24", "2001:db8::/32"])).await;
    let spoofs = spoofs();
    assert!(spoofs.len() >= 50, "{}", spoofs.len());
    let mut answered = 0;
    for spoof in &spoofs {
        let answer = gateway.raw(spoof).await;
        assert!(answer.starts_with("HTTP/1."), "{spoof:?}: {answer}");
        // Neither the victim's Worker, nor the name or the value at another's.
        assert!(!answer.to_ascii_lowercase().contains("victim"), "{spoof:?}: {answer}");
        answered += usize::from(answer.contains(" 200 OK"));
    }
    assert!(answered >= 35, "{answered} of {} were answered by a Worker", spoofs.len());
}

/// What an HTTP/2 client with these headers and trailers is answered.
async fn http2(gateway: &TestGateway, headers: &[(&'static str, &str)], trailers: &[(&'static str, &str)]) -> String {
    let io = TokioIo::new(TcpStream::connect(gateway.address()).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let map: HeaderMap = trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let mut frames = vec![Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(b"x")))];
    frames.extend((!map.is_empty()).then(|| Ok(Frame::trailers(map))));
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
    let request = Request::post("http://a.test/");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = collect(sender.send_request(request.body(body).unwrap()).await.unwrap()).await;
    connection.abort();
    answer.text().to_owned()
}

#[tokio::test]
async fn nor_over_http2() {
    let gateway = node(tenant(Some("ns"), &["192.0.2.0/24"])).await;
    for (headers, trailers) in [
        (vec![("x-tenant", "victim")], vec![]),
        (vec![("x_tenant", "victim")], vec![]),
        (vec![("x-tenant", "victim"), ("x-tenant", "victim")], vec![]),
        (vec![("te", "trailers")], vec![("x-tenant", "victim")]),
        (vec![], vec![("x_tenant", "victim"), ("x-tenant", "victim")]),
    ] {
        let answer = http2(&gateway, &headers, &trailers).await;
        assert!(
            answer.contains("[\"body\",\"x\"]") && !answer.contains("victim"),
            "{headers:?} {trailers:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_trusted_peer_is_believed() {
    let gateway = node(tenant(Some("ns"), &["127.0.0.0/8"])).await;
    let with = async |headers: &[(&str, &str)]| get(&gateway, "a.test", "/", headers).await;
    with(&[("X-Tenant", "victim")]).await.is(200, "VICTIM");
    // For this hop only: believed, and not passed on.
    let hop = with(&[("x-tenant", "echo"), ("connection", "x-tenant")]).await;
    assert!(hop.status == 200 && !hop.text().contains("x-tenant"), "{}", hop.text());
    // A trusted peer's Worker sees the header, under its own name alone.
    let seen = with(&[("x-tenant", "echo"), ("x_tenant", "victim")]).await;
    assert!(seen.text().contains("[\"x-tenant\",\"echo\"]") && !seen.text().contains("victim"), "{}", seen.text());
    // Nobody's: the next resolver's.
    for headers in [vec![], vec![("x-tenant", "nobody")], vec![("x_tenant", "victim")]] {
        assert!(with(&headers).await.text().contains("[\"body\",\"\"]"), "{headers:?}");
    }
    for headers in [
        vec![("x-tenant", "victim"), ("x-tenant", "victim")],
        vec![("x-tenant", "victim"), ("X-TENANT", "echo")],
        vec![("x-tenant", "victim, echo")],
        vec![("x-tenant", "ns/victim")],
        vec![("x-tenant", "")],
        vec![("x-tenant", "../victim")],
        vec![("x-tenant", "ä")],
    ] {
        let answer = with(&headers).await;
        assert_eq!(answer.status, 400, "{headers:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn without_a_namespace_the_value_names_it() {
    let gateway = node(tenant(None, &["127.0.0.1/32"])).await;
    gateway.upload_worker("own", &says("own"), json!([])).await;
    let with = async |value: &str| get(&gateway, "a.test", "/", &[("x-tenant", value)]).await;
    with("ns/victim").await.is(200, "VICTIM");
    with("own").await.is(200, "own");
    assert!(with("victim").await.text().contains("body"));
    for wrong in ["/victim", "ns/", "ns//victim", "a/b/c"] {
        assert_eq!(with(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_listener_may_be_trusted() {
    let gateway = TestGateway::with(|config| {
        let trusted = Listener { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..config.listener[0].clone() };
        config.listener.push(trusted);
        config.resolver = vec![tenant(Some("ns"), &[]), fixed("echo", Some("ns"), &[])];
    })
    .await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway.upload("ns", "victim", &says("VICTIM")).await;
    assert!(!get(&gateway, "a.test", "/", &[("x-tenant", "victim")]).await.text().to_lowercase().contains("victim"));
    let inside = gateway.addresses()[1];
    let request = Request::builder().method(Method::GET).uri(format!("http://{inside}/"));
    let request = request.header(header::HOST, "a.test").header("x-tenant", "victim");
    gateway.request(request.body(Default::default()).unwrap()).await.is(200, "VICTIM");
}
