//! Scripts that are an origin: what reaches it, what comes back, and who may set one.

use bytes::Bytes;
use http::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{TestGateway, read_until};
use crate::origin::{LOOPBACK, Origin, gateway, gateway_with, put, set};

#[tokio::test]
async fn a_request_goes_to_the_origin_and_says_where_it_came_from() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let sent = [
        ("x-forwarded-for", "6.6.6.6"),
        ("cf-connecting-ip", "6.6.6.6"),
        ("x-mine", "1"),
        ("te", "trailers"),
        ("connection", "x-once"),
        ("x-once", "1"),
        ("cloudflare-workers-version-key", "k"),
        ("accept-encoding", "zstd"),
    ];
    let answer = gateway.send(Method::PUT, "x", "/show?a=%2F&b", &sent, "body".into()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-answered-by")), (200, "one"));
    let ray = answer.header("cf-ray").to_owned();
    let mut shown = answer.json();
    // Signed: the count is this node's alone.
    let count = shown["cdn-loop"].take();
    assert!(count.as_str().unwrap().starts_with("switchyard; hops=1; mac="), "{count}");
    // Of this request's trace.
    let trace = shown["traceparent"].take();
    assert!(trace.as_str().is_some_and(|trace| trace.starts_with("00-") && trace.len() == 55), "{trace}");
    assert_eq!(
        shown,
        json!({
            "method": "PUT", "target": "/show?a=%2F&b", "body": "body", "content-length": "4",
            "host": "x.test", "x-forwarded-host": "x.test", "x-forwarded-proto": "http",
            "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "cf-connecting-ip": "127.0.0.1",
            "cf-ray": ray, "cdn-loop": null, "traceparent": null, "x-mine": "1", "accept-encoding": "zstd",
        })
    );
    // What is not asked for is not added.
    let shown = gateway.get("x", "/show").await.json();
    assert!(shown.get("accept-encoding").is_none() && shown.get("content-length").is_none(), "{shown}");

    set(&gateway, "x", &[&origin], json!({ "host": "origin" })).await;
    let shown = gateway.get("x", "/show").await.json();
    assert_eq!((&shown["host"], &shown["x-forwarded-host"]), (&origin.address.to_string().into(), &"x.test".into()));
}

#[tokio::test]
async fn answers_come_back_untouched() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let redirect = gateway.get("x", "/redirect").await;
    assert_eq!((redirect.status.as_u16(), redirect.header("location"), redirect.text()), (302, "/show", "moved"));
    assert_eq!(origin.seen(), 1, "it is the client's to follow");
    gateway.get("x", "/missing").await.is(404, "not here");
    let gzip = gateway.get("x", "/gzip").await;
    assert_eq!((gzip.header("content-encoding"), &gzip.bytes[..2]), ("gzip", &b"\x1f\x8b"[..]));
    let once = gzip.bytes.clone();
    let mut plain = Vec::new();
    let mut decoder = async_compression::tokio::bufread::GzipDecoder::new(&once[..]);
    tokio::io::AsyncReadExt::read_to_end(&mut decoder, &mut plain).await.unwrap();
    assert_eq!(plain, b"packed", "it is not encoded twice");
    let head = gateway.send(Method::HEAD, "x", "/large", &[], Bytes::new()).await;
    assert_eq!((head.header("content-length"), head.bytes.len()), ("1048576", 0));
    let large = gateway.get("x", "/large").await;
    assert_eq!((large.header("content-length"), large.bytes.len()), ("1048576", 1 << 20));
    let hop = gateway.get("x", "/hop").await;
    assert!(hop.headers.get("x-once").is_none() && hop.headers.get("keep-alive").is_none());
    // One after the other over one connection.
    assert_eq!(origin.opened(), 1);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST /echo HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "first").await;
    stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut stream, "0\r\n\r\n").await;

    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x.test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "first").await;
    origin.release.notify_one();
    read_until(&mut stream, "0\r\n\r\n").await;

    let body: Vec<u8> = (0..8 << 20).map(|n: u32| (n % 251) as u8).collect();
    let answer = gateway.post("x", "/echo", body.clone()).await;
    assert!(answer.bytes == body, "{} bytes came back", answer.bytes.len());
}

#[tokio::test]
async fn another_protocol_is_tunnelled() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let ask = "GET /upgrade HTTP/1.1\r\nHost: x.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: shout\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: shout"), "{head}");
    for word in ["hello", "again"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        read_until(&mut stream, &word.to_ascii_uppercase()).await;
    }
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 1").await;
    metric(&gateway, "switchyard_requests_in_flight 1").await;
    drop(stream);
    metric(&gateway, "switchyard_requests_total{class=\"1xx\",kind=\"ok\",side=\"none\"} 1").await;
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 0").await;
    // An origin that does not switch just answers.
    let plain = gateway.send(Method::GET, "x", "/", &[("connection", "upgrade"), ("upgrade", "shout")], Bytes::new());
    plain.await.is(200, "one");
}

/// Waits until the metrics have this line.
pub async fn metric(gateway: &TestGateway, line: &str) {
    let mut last = String::new();
    for _ in 0..300 {
        last = gateway.admin("/metrics").await.text().to_owned();
        if last.lines().any(|other| other == line) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no {line} in\n{last}");
}

#[tokio::test]
async fn a_dispatcher_and_a_service_binding_reach_it_too() {
    let with = |config: &mut switchyard_gateway::Config| {
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
    };
    let (gateway, origin) = (gateway_with(with).await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let source = "export default { async fetch(r, env) {
        try {
            const a = await env.ns.get('x').fetch(r.url.endsWith('/redirect') ? r.url : r);
            if (r.url.endsWith('/pass')) return a;
            return Response.json([a.status, a.url, a.redirected, a.headers.get('content-encoding'), await a.text()]);
        } catch (e) { return new Response(e.message, { status: 500 }); }
    } };";
    let binding = json!([{ "type": "dispatch_namespace", "name": "ns", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    let shown = gateway.send(Method::POST, "any", "/show", &[("connection", "x-once"), ("x-once", "1")], "b".into());
    let shown = shown.await.json();
    let inner: serde_json::Value = serde_json::from_str(shown[4].as_str().unwrap()).unwrap();
    assert_eq!((&inner["host"], &inner["body"]), (&"any.test".into(), &"b".into()));
    assert!(inner["cdn-loop"].as_str().unwrap().starts_with("switchyard; hops=2; mac="), "{inner}");
    // For a Worker bodies are plain, and redirects followed, as of everything that it fetches.
    assert_eq!(gateway.get("any", "/gzip").await.json()[4], "packed");
    assert_eq!(gateway.get("any", "/redirect").await.json()[2], true);
    gateway.get("any", "/pass").await.is(200, "one");
    let url = origin.stop().await;
    let lost = gateway.get("any", "/").await;
    assert_eq!(lost.status, 500);
    assert!(lost.text().starts_with("Upstream: ") && !lost.text().contains(&url.port().to_string()), "{}", lost.text());

    // One of the account's own, by service binding.
    let origin = Origin::start("own").await;
    let path = format!("/client/v4/accounts/{}/workers/scripts/behind", gateway.account());
    let body = json!({ "metadata": { "upstream": { "origins": [{ "url": origin.url() }] } } }).to_string();
    assert_eq!(gateway.api(Method::PUT, &path, "application/json", body.into()).await.status, 200);
    let source = "export default { fetch: (r, env) => env.behind.fetch(r) };";
    let binding = json!([{ "type": "service", "name": "behind", "service": "behind" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    gateway.get("any", "/").await.is(200, "own");
}

#[tokio::test]
async fn a_version_is_an_origin_or_code_and_each_can_be_gone_back_to() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    gateway.upload("ns", "x", "export default { fetch: () => new Response('code') };").await;
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/x", gateway.account());
    set(&gateway, "x", &[&origin], json!({})).await;
    gateway.get("x", "/").await.is(200, "one");
    let versions = gateway.api(Method::GET, &format!("{path}/versions"), "", Bytes::new()).await.json();
    let id = |at: usize| versions["result"]["items"][at]["id"].clone();
    for (at, text) in [(1, "code"), (0, "one")] {
        let body = json!({ "strategy": "percentage", "versions": [{ "version_id": id(at), "percentage": 100 }] });
        let url = format!("{path}/deployments");
        let answer = gateway.api(Method::POST, &url, "application/json", body.to_string().into()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        gateway.get("x", "/").await.is(200, text);
    }
    // Settings make a version of the same origin; code takes its place.
    let body = json!({ "compatibility_flags": ["nodejs_compat"] }).to_string();
    let answer = gateway.api(Method::PATCH, &format!("{path}/settings"), "application/json", body.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    gateway.get("x", "/").await.is(200, "one");
    gateway.upload("ns", "x", "export default { fetch: () => new Response('code again') };").await;
    gateway.get("x", "/").await.is(200, "code again");
    // And after a restart it is what it was.
    set(&gateway, "x", &[&origin], json!({})).await;
    let data = gateway.stop().await;
    let allow = |config: &mut switchyard_gateway::Config| config.upstream.allow = vec![LOOPBACK.parse().unwrap()];
    let gateway = TestGateway::on(data, allow).await.unwrap();
    gateway.get("x", "/").await.is(200, "one");
}

#[tokio::test]
async fn private_origins_need_the_nodes_configuration() {
    let (gateway, origin) = (TestGateway::start().await, Origin::start("one").await);
    let one = |url: String| put(&gateway, "x", json!({ "origins": [{ "url": url }] }));
    let port = origin.address.port();
    for url in [
        format!("http://127.0.0.1:{port}"),
        format!("http://0x7f.1:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://localhost:{port}"),
        "http://10.0.0.1".into(),
        "http://169.254.169.254".into(),
        "http://no-such-name.invalid".into(),
    ] {
        let answer = one(url.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["errors"][0]["code"].as_u64()), (400, Some(10021)), "{url}");
        let text = answer.text();
        assert!(text.contains("[upstream] allow"), "{url}: {text}");
    }
    let answer = one("http://1.1.1.1:25".into()).await;
    assert!(answer.status == 400 && answer.text().contains("a port that this node does not connect to"));
    assert_eq!(one("http://1.1.1.1".into()).await.status, 200);
    assert_eq!(origin.opened(), 0);
}

#[tokio::test]
async fn what_the_node_opens_is_for_the_accounts_tokens() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    let body = json!({ "name": "t", "access": "write", "scope": "namespace", "namespace": "ns" }).to_string();
    let url = format!("/client/v4/switchyard/accounts/{}/tokens", gateway.account());
    let made = gateway.api(Method::POST, &url, "application/json", body.into()).await.json();
    let narrow = made["result"]["value"].as_str().unwrap().to_owned();
    let upload = |url: String| {
        let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/x", gateway.account());
        let body = json!({ "metadata": { "upstream": { "origins": [{ "url": url }] } } }).to_string();
        let request = http::Request::put(format!("http://{}{path}", gateway.admin_address()))
            .header("authorization", format!("Bearer {narrow}"))
            .header("content-type", "application/json");
        gateway.request(request.body(http_body_util::Full::new(body.into())).unwrap())
    };
    let answer = upload(origin.url()).await;
    assert!(answer.status == 400 && answer.text().contains("need a token of the account"), "{}", answer.text());
    assert_eq!(upload("http://1.1.1.1".into()).await.status, 200);
    // The node itself never, whoever asks.
    for address in [gateway.address(), gateway.admin_address()] {
        let answer = put(&gateway, "y", json!({ "origins": [{ "url": format!("http://{address}") }] })).await;
        assert!(answer.status == 400 && answer.text().contains("is this node itself"), "{}", answer.text());
    }
    assert_eq!(origin.opened(), 0);
}

#[tokio::test]
async fn what_was_allowed_once_is_asked_of_each_connection() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let named = json!({ "origins": [{ "url": format!("http://localhost:{}", origin.address.port()) }] });
    assert_eq!(put(&gateway, "y", named).await.status, 200);
    gateway.get("x", "/").await.is(200, "one");
    let data = gateway.stop().await;
    let (seen, gateway) = (origin.opened(), TestGateway::on(data, |_| {}).await.unwrap());
    for script in ["x", "y"] {
        gateway.get(script, "/").await.is(502, "the origin may not be reached\n");
    }
    assert_eq!(origin.opened(), seen);
    metric(&gateway, "switchyard_upstream_requests_total{end=\"refused\"} 2").await;
}
