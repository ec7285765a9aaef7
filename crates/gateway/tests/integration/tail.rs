//! Live logs: what a listener is told, by WebSocket and by server-sent events, and what it is not.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::{PATIENCE, TestGateway};

const TALKS: &str = "export default { async fetch(r, env, ctx) {
    console.log('hello', { a: 1 });
    console.warn('from ' + new URL(r.url).pathname);
    if (r.url.includes('/throw')) throw new RangeError('boom');
    if (r.url.includes('/spin')) for (;;);
    const status = r.url.includes('/missing') ? 404 : 200;
    return new Response('ok', { status });
} };";

/// A stream of server-sent events.
pub struct Events {
    body: Incoming,
    /// A frame may end within a character.
    bytes: Vec<u8>,
}

impl Events {
    /// Below `/client/v4/switchyard/accounts/{account}`.
    pub async fn open(gateway: &TestGateway, path: &str) -> Self {
        Self::open_by(gateway, path, &gateway.token()).await
    }

    /// With another token than the node's own.
    pub async fn open_by(gateway: &TestGateway, path: &str, token: &str) -> Self {
        let uri =
            format!("http://{}/client/v4/switchyard/accounts/{}{path}", gateway.admin_address(), gateway.account());
        let request = Request::builder().uri(uri);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client.request(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Self { body: response.into_body(), bytes: Vec::new() };
        assert_eq!(events.line().await, ": listening");
        events
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).take(end).collect();
                if !line.is_empty() {
                    return String::from_utf8(line).unwrap();
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an event in time");
            let data = frame.expect("the stream goes on").unwrap().into_data().unwrap();
            self.bytes.extend_from_slice(&data);
        }
    }

    pub async fn next(&mut self) -> Value {
        loop {
            let line = self.line().await;
            if let Some(data) = line.strip_prefix("data: ") {
                assert!(!data.chars().any(char::is_control), "{data:?}");
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// The stream comes to its end.
    pub async fn ends(mut self) {
        while let Some(frame) = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an end in time") {
            frame.unwrap();
        }
    }
}

fn url_of(event: &Value) -> &str {
    event["event"]["request"]["url"].as_str().unwrap()
}

async fn open_tail(gateway: &TestGateway, script: &str, filters: Value) -> Value {
    open_tail_by(gateway, script, filters, &gateway.token()).await
}

pub async fn open_tail_by(gateway: &TestGateway, script: &str, filters: Value, token: &str) -> Value {
    let path = format!("/client/v4/accounts/{}/workers/{script}/tails", gateway.account());
    let request = Request::post(format!("http://{}{path}", gateway.admin_address()));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = gateway.request(request.body(Full::new(filters.to_string().into())).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["result"].clone()
}

/// Connects as a client does; the status when it is refused.
pub async fn socket(gateway: &TestGateway, url: &str, protocol: &str) -> Result<WebSocketStream<TcpStream>, u16> {
    let (host, path) = url.strip_prefix("ws://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(gateway.admin_address()).await.unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // No byte of what follows the head.
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(
            tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap(),
        ));
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status != 101 {
        return Err(status);
    }
    // The RFC's own example.
    let head = head.to_ascii_lowercase();
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    assert!(head.contains("sec-websocket-protocol: trace-v1\r\n"), "{head}");
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

pub async fn message(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message in time");
        if let Message::Text(text) = message.expect("the socket is open").unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test]
async fn a_tail_is_a_websocket_of_trace_events() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", TALKS, json!([])).await;
    let tail = open_tail(&gateway, "scripts/dispatcher", json!({ "filters": [] })).await;
    let url = tail["url"].as_str().unwrap();
    let admin = gateway.admin_address();
    assert!(url.starts_with(&format!("ws://{admin}/client/v4/switchyard/tails/")), "{url}");
    // Without its protocol, without a session, without a WebSocket.
    assert_eq!(socket(&gateway, url, "chat").await.err(), Some(400));
    let other = format!("{}00000000000000000000000000000000", &url[..url.len() - 32]);
    assert_eq!(socket(&gateway, &other, "trace-v1").await.err(), Some(404));
    let path = url.split_once(&admin.to_string()).unwrap().1;
    assert_eq!(gateway.admin(path).await.status, 426);
    let mut listening = socket(&gateway, url, "trace-v1").await.unwrap();
    assert_eq!(socket(&gateway, url, "trace-v1").await.err(), Some(404), "one listener at a time");

    let secret = [("authorization", "Bearer s3cret"), ("cookie", "a=1"), ("x-shop", "one")];
    gateway.send(Method::POST, "x", "/path?q=1", &secret, "body".into()).await.is(200, "ok");
    let event = message(&mut listening).await;
    assert_eq!((&event["outcome"], &event["scriptName"]), (&json!("ok"), &json!("dispatcher")));
    assert_eq!((&event["truncated"], &event["exceptions"]), (&json!(false), &json!([])));
    assert_eq!(event.get("dispatchNamespace"), None);
    assert_eq!(event["scriptVersion"]["id"].as_str().map(str::len), Some(36));
    assert_eq!(event["event"]["response"], json!({ "status": 200 }));
    let request = &event["event"]["request"];
    assert_eq!((&request["method"], url_of(&event)), (&json!("POST"), "http://x.test/path?q=1"));
    assert_eq!(
        (&request["headers"]["authorization"], &request["headers"]["cookie"]),
        (&"REDACTED".into(), &"REDACTED".into())
    );
    assert_eq!(
        (&request["headers"]["x-shop"], &request["headers"]["cf-connecting-ip"]),
        (&"one".into(), &"127.0.0.1".into())
    );
    let logs: Vec<_> = event["logs"].as_array().unwrap().iter().map(|log| (&log["level"], &log["message"])).collect();
    let (hello, from) = (json!(["hello", { "a": 1 }]), json!(["from /path"]));
    assert_eq!(logs, [(&json!("log"), &hello), (&json!("warn"), &from)]);
    for time in [&event["eventTimestamp"], &event["logs"][0]["timestamp"]] {
        assert!(time.as_u64().unwrap() > 1_700_000_000_000, "{event}");
    }
    assert!(event["cpuTime"].is_u64() && event["wallTime"].is_u64());

    assert_eq!(gateway.get("x", "/throw").await.status, 500);
    let event = message(&mut listening).await;
    assert_eq!((&event["outcome"], event["event"].get("response")), (&json!("exception"), None));
    let exception = &event["exceptions"][0];
    assert_eq!((&exception["name"], &exception["message"]), (&json!("RangeError"), &json!("boom")));
    assert!(exception["stack"].as_str().unwrap().trim_start().starts_with("at Object.fetch (index.js"), "{exception}");
    assert_eq!(event["logs"].as_array().unwrap().len(), 2);

    // Deleted, it closes as wrangler takes for an end.
    let path = format!("/client/v4/accounts/{}/workers/scripts/dispatcher/tails", gateway.account());
    assert_eq!(gateway.admin(&path).await.json()["result"][0]["id"], tail["id"]);
    let answer =
        gateway.api(Method::DELETE, &format!("{path}/{}", tail["id"].as_str().unwrap()), "", Bytes::new()).await;
    assert_eq!(answer.status, 200);
    let closed = tokio::time::timeout(PATIENCE, listening.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));
    assert_eq!(gateway.admin(&path).await.json()["result"], json!([]));
}

#[tokio::test]
async fn two_tenants_tails_never_mix() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(r) { console.log(new URL(r.url).host); return new Response('ok') } };";
    for script in ["red", "blue"] {
        gateway.upload("ns", script, source).await;
    }
    let mut red = Events::open(&gateway, "/namespaces/ns/scripts/red/tail").await;
    let mut blue = Events::open(&gateway, "/namespaces/ns/scripts/blue/tail").await;
    let mut both = Events::open(&gateway, "/namespaces/ns/tail").await;
    const EACH: usize = 100;
    let calls = (0..EACH * 2).map(|n| {
        let gateway = &gateway;
        async move { gateway.get(["red", "blue"][n % 2], &format!("/{n}")).await.is(200, "ok") }
    });
    futures_util::stream::iter(calls).buffer_unordered(8).collect::<Vec<_>>().await;
    for (events, name) in [(&mut red, "red"), (&mut blue, "blue")] {
        for _ in 0..EACH {
            let event = events.next().await;
            assert_eq!((&event["scriptName"], &event["dispatchNamespace"]), (&json!(name), &json!("ns")));
            assert!(url_of(&event).starts_with(&format!("http://{name}.test/")));
            assert_eq!(event["logs"][0]["message"], json!([format!("{name}.test")]));
        }
    }
    let mut seen = [0, 0];
    for _ in 0..EACH * 2 {
        seen[usize::from(both.next().await["scriptName"] == "blue")] += 1;
    }
    assert_eq!(seen, [EACH, EACH]);
    // Deleted and made again under the name, it is another's: the tail hears nothing more.
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/red", gateway.account());
    assert_eq!(gateway.api(Method::DELETE, &path, "", Bytes::new()).await.status, 200);
    gateway.upload("ns", "red", source).await;
    gateway.get("red", "/new").await.is(200, "ok");
    assert_eq!(both.next().await["scriptName"], "red");
    assert!(tokio::time::timeout(Duration::from_millis(200), red.line()).await.is_err());
}

#[tokio::test]
async fn a_dispatch_workers_tail_sees_the_user_workers_it_calls() {
    let gateway = TestGateway::dispatching().await;
    let dispatcher = "export default { async fetch(r, env) {
        console.log('dispatching');
        try { return await env.dispatcher.get('user').fetch(r) } catch (e) { return new Response(e.message, { status: 500 }) } } };";
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", dispatcher, binding).await;
    gateway.upload_worker("service", TALKS, json!([])).await;
    let bindings = json!({ "bindings": [{ "name": "S", "type": "service", "service": "service" }] });
    let user = "export default { async fetch(r, env) { console.log('user'); await env.S.fetch('http://service/inner'); throw new Error('user error') } };";
    gateway.upload_with("ns", "user", user, bindings).await;
    let mut above = Events::open(&gateway, "/scripts/dispatcher/tail").await;
    let mut own = Events::open(&gateway, "/namespaces/ns/scripts/user/tail").await;
    let mut service = Events::open(&gateway, "/scripts/service/tail").await;
    gateway.get("x", "/").await.is(500, "user error");
    let mut names = Vec::new();
    for _ in 0..3 {
        let event = above.next().await;
        if event["scriptName"] == "user" {
            assert_eq!(
                (&event["outcome"], &event["exceptions"][0]["message"]),
                (&"exception".into(), &"user error".into())
            );
        }
        names.push(event["scriptName"].as_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["dispatcher", "service", "user"]);
    // What is called sees itself alone.
    assert_eq!(own.next().await["scriptName"], "user");
    assert_eq!(url_of(&service.next().await), "http://service/inner");
    gateway.get("x", "/again").await.is(500, "user error");
    assert_eq!(
        (&own.next().await["scriptName"], &service.next().await["scriptName"]),
        (&"user".into(), &"service".into())
    );
}

#[tokio::test]
async fn filters_leave_out_what_does_not_match() {
    let gateway = TestGateway::with(|config| config.limits.cpu = Duration::from_millis(50)).await;
    gateway.upload("ns", "x", TALKS).await;
    let at = |query: &str| format!("/namespaces/ns/scripts/x/tail?{query}");
    let mut errors = Events::open(&gateway, &at("status=error")).await;
    let mut missing = Events::open(&gateway, &at("status=4xx")).await;
    let mut posts = Events::open(&gateway, &at("method=post&status=ok")).await;
    let mut found = Events::open(&gateway, &at("search=from%20/needle")).await;
    let mut header = Events::open(&gateway, &at("header=x-shop:two")).await;
    let mut here = Events::open(&gateway, &at("ip=self&header=x-last")).await;
    let mut elsewhere = Events::open(&gateway, &at("ip=192.0.2.1")).await;
    let mut version = Events::open(&gateway, &at("version_id=7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11")).await;
    let mut sampled = Events::open(&gateway, &at("sampling_rate=0.5")).await;
    const SAMPLED: usize = 60;
    for n in 0..SAMPLED {
        gateway.get("x", &format!("/{n}")).await.is(200, "ok");
    }
    gateway.get("x", "/throw").await;
    gateway.get("x", "/spin").await;
    gateway.get("x", "/missing").await.is(404, "ok");
    gateway.post("x", "/post", "").await.is(200, "ok");
    gateway.get("x", "/needle").await.is(200, "ok");
    for shop in ["one", "two"] {
        gateway.send(Method::GET, "x", &format!("/shop/{shop}"), &[("x-shop", shop)], Bytes::new()).await.is(200, "ok");
    }
    gateway.send(Method::GET, "x", "/last", &[("x-last", "1")], Bytes::new()).await.is(200, "ok");
    let url = |path: &str| format!("http://x.test{path}");
    assert_eq!(url_of(&errors.next().await), url("/throw"));
    let spun = errors.next().await;
    assert_eq!((url_of(&spun), &spun["outcome"]), (url("/spin").as_str(), &json!("exceededCpu")));
    assert_eq!(spun["exceptions"][0]["message"], "Worker exceeded CPU time limit.");
    assert_eq!(url_of(&missing.next().await), url("/missing"));
    assert_eq!(url_of(&posts.next().await), url("/post"));
    assert_eq!(url_of(&found.next().await), url("/needle"));
    assert_eq!(url_of(&header.next().await), url("/shop/two"));
    assert_eq!(url_of(&here.next().await), url("/last"));
    for nothing in [&mut errors, &mut missing, &mut posts, &mut found, &mut header, &mut elsewhere, &mut version] {
        assert!(tokio::time::timeout(Duration::from_millis(100), nothing.line()).await.is_err());
    }
    let mut seen = 0;
    while tokio::time::timeout(Duration::from_millis(200), sampled.next()).await.is_ok() {
        seen += 1;
    }
    // All of them, or none, once in 2^60 runs.
    assert!((1..SAMPLED + 8).contains(&seen), "{seen}");
}

/// Reliability 27: whatever a tenant prints, an event is a line that parses, and holds it unchanged.
#[tokio::test]
async fn random_bytes_in_log_lines_stay_lines_that_parse() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(r) {
        const seed = Number(new URL(r.url).searchParams.get('seed'));
        let state = seed * 2654435761 >>> 0;
        const next = () => (state = (state * 1664525 + 1013904223) >>> 0) >>> 24;
        const sums = [];
        for (let n = 0; n < 500; n++) {
            let line = '';
            for (let i = next() % 40; i > 0; i--) line += String.fromCharCode(next());
            console.log(line);
            sums.push([...line].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1000003, 7));
        }
        return Response.json(sums);
    } };";
    gateway.upload("ns", "noise", source).await;
    let mut tail = Events::open(&gateway, "/namespaces/ns/scripts/noise/tail").await;
    for seed in 0..20 {
        let sums = gateway.get("noise", &format!("/?seed={seed}")).await.json();
        let event = tail.next().await;
        let logs = event["logs"].as_array().unwrap();
        assert_eq!(logs.len(), 500);
        for (log, sum) in logs.iter().zip(sums.as_array().unwrap()) {
            let text = log["message"][0].as_str().unwrap();
            let seen = text.chars().fold(7_u64, |sum, c| (sum * 31 + u64::from(u32::from(c))) % 1_000_003);
            assert_eq!(json!(seen), *sum, "{text:?}");
        }
    }
}

#[tokio::test]
async fn tails_are_bounded_counted_and_end_with_the_node() {
    let gateway = TestGateway::with(|config| config.limits.tails = 2).await;
    gateway.upload("ns", "x", TALKS).await;
    let sessions = async || {
        let text = gateway.admin("/metrics").await.text().to_owned();
        assert!(text.contains("switchyard_tail_events_dropped_total{to=\"session\"} 0"), "{text}");
        let line = text.lines().find(|line| line.starts_with("switchyard_tail_sessions ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    let path = "/namespaces/ns/scripts/x/tail";
    let (one, two) = (Events::open(&gateway, path).await, Events::open(&gateway, path).await);
    assert_eq!(sessions().await, 2);
    let full = format!("/client/v4/switchyard/accounts/{}{path}", gateway.account());
    let answer = gateway.admin(&full).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    drop(one);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while sessions().await != 1 {
        assert!(tokio::time::Instant::now() < deadline, "the place did not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let namespaced = "dispatch/namespaces/ns/scripts/x";
    let tail = open_tail(&gateway, namespaced, json!({})).await;
    let mut listening = socket(&gateway, tail["url"].as_str().unwrap(), "trace-v1").await.unwrap();
    gateway.get("x", "/").await.is(200, "ok");
    assert_eq!(message(&mut listening).await["scriptName"], "x");
    let stopping = tokio::spawn(gateway.stop());
    two.ends().await;
    let closed = tokio::time::timeout(PATIENCE, listening.next()).await.unwrap().unwrap().unwrap();
    // Not an end: wrangler comes again.
    assert!(matches!(closed, Message::Close(Some(frame)) if u16::from(frame.code) == 1001));
    stopping.await.unwrap();
}
