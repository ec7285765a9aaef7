//! What a script may use, by its namespace's settings: each limit on both sides of its line, what a
//! client reads, what a dispatcher reads, and how often it is counted.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::harness::{PATIENCE, TestGateway};
use crate::namespace_settings::put;
use crate::tail::Events;

async fn times(gateway: &TestGateway, limit: &str) -> u64 {
    let text = gateway.admin("/metrics").await.text().to_owned();
    let line = format!("switchyard_limits_total{{limit=\"{limit}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

/// What a run reached is counted once nothing of it is left: a moment after its response.
async fn counted(gateway: &TestGateway, limit: &str, wanted: u64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while times(gateway, limit).await < wanted {
        assert!(tokio::time::Instant::now() < deadline, "{limit}: {} of {wanted}", times(gateway, limit).await);
    }
    assert_eq!(times(gateway, limit).await, wanted, "{limit}");
}

/// A node whose dispatcher tells what it caught, and is reached as `dispatcher` by its own resolver.
async fn node() -> TestGateway {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(r, env) {
        try { const a = await env.dispatcher.get(new URL(r.url).pathname.slice(1)).fetch(r);
            return new Response(await a.text(), a); }
        catch (e) { return new Response(`${e.name}: ${e.message}`); } } };";
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    let front = "export default { fetch: (r, env) => env.D.fetch(r) };";
    let service = json!([{ "name": "D", "type": "service", "service": "dispatcher" }]);
    gateway.upload_with("ns", "front", front, json!({ "bindings": service })).await;
    gateway
}

#[tokio::test]
async fn wall_time() {
    let gateway = node().await;
    let waits = "export default { async fetch(r) { await new Promise((done) => setTimeout(done, 200)); return new Response('waited'); } };";
    gateway.upload("ns", "waits", waits).await;
    put(&gateway, json!({ "limits": { "wall_ms": 60_000 } })).await;
    gateway.get("waits", "/").await.is(200, "waited");
    assert_eq!(times(&gateway, "wall_ms").await, 0);
    put(&gateway, json!({ "limits": { "wall_ms": 20 } })).await;
    gateway.get("waits", "/").await.is(503, "error code: 1102\n");
    counted(&gateway, "wall_ms", 1).await;
    // Bodies are part of it: written by the Worker, or passed on from elsewhere.
    let drips = "export default { fetch: () => new Response(new ReadableStream({ async pull(c) {
        c.enqueue(new Uint8Array(10)); await new Promise((done) => setTimeout(done, 5)); } })) };";
    gateway.upload("ns", "drips", drips).await;
    let response = gateway.open(Method::GET, "drips", "/", &[], Bytes::new()).await;
    assert!(response.status() == 200 && response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn wall_time_as_a_dispatcher_sees_it() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { async fetch(r, env) {
        try { return await env.dispatcher.get('waits').fetch(r); } catch (e) { return new Response(e.message); } } };";
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    let waits = "export default { async fetch() { await new Promise((done) => setTimeout(done, 10_000)); } };";
    gateway.upload("ns", "waits", waits).await;
    put(&gateway, json!({ "limits": { "wall_ms": 20 } })).await;
    gateway.get("any", "/").await.is(200, "Worker exceeded wall time limit.");
}

#[tokio::test]
async fn request_bytes() {
    let gateway = node().await;
    gateway
        .upload(
            "ns",
            "echo",
            "export default { fetch: async (r) => new Response(await r.text().catch((e) => 'cut')) };",
        )
        .await;
    put(&gateway, json!({ "limits": { "request_bytes": 10 } })).await;
    gateway.post("echo", "/", "0123456789").await.is(200, "0123456789");
    assert_eq!(times(&gateway, "request_bytes").await, 0);
    gateway.post("echo", "/", "0123456789a").await.is(413, "the request body is too large\n");
    counted(&gateway, "request_bytes", 1).await;
    // Of a length that nobody knows: the body ends there.
    let chunked = "POST / HTTP/1.1\r\nHost: echo.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = gateway.raw(&format!("{chunked}6\r\n012345\r\n6\r\n6789ab\r\n0\r\n\r\n")).await;
    assert!(answer.contains("cut"), "{answer}");
    counted(&gateway, "request_bytes", 2).await;
    let answer = gateway.raw(&format!("{chunked}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n")).await;
    assert!(answer.contains("0123456789"), "{answer}");
    // The network is not the only one who sends.
    put(&gateway, json!({ "limits": { "request_bytes": 0 } })).await;
    gateway.upload_worker("dispatcher", "export default { fetch: (r, env) => env.dispatcher.get('echo').fetch('http://x/', { method: 'POST', body: 'x' }).catch((e) => new Response(e.message)) };", json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }])).await;
    gateway.get("front", "/").await.is(200, "The request's body is larger than the Worker's limits allow.");
}

#[tokio::test]
async fn response_bytes() {
    let gateway = node().await;
    let answers = "export default { fetch(r) {
        const n = Number(r.url.split('?')[1]);
        if (!r.url.includes('/stream')) return new Response('x'.repeat(n));
        return new Response(new ReadableStream({ start(c) { for (let i = 0; i < n; i++) c.enqueue(new Uint8Array(1)); c.close(); } }));
    } };";
    gateway.upload("ns", "answers", answers).await;
    put(&gateway, json!({ "limits": { "response_bytes": 10 } })).await;
    gateway.get("answers", "/?10").await.is(200, "xxxxxxxxxx");
    assert_eq!(gateway.get("answers", "/stream?10").await.bytes.len(), 10);
    assert_eq!(times(&gateway, "response_bytes").await, 0);
    gateway.get("answers", "/?11").await.is(503, "error code: 1102\n");
    // The head may be lost with the body that is cut.
    if let Ok(response) = gateway.try_open(Method::GET, "answers", "/stream?11", Bytes::new()).await {
        assert!(response.status() == 200 && response.into_body().collect().await.is_err());
    }
    counted(&gateway, "response_bytes", 2).await;
}

#[tokio::test]
async fn concurrent_requests() {
    let gateway = node().await;
    let slow = "export default { async fetch() { await new Promise((done) => setTimeout(done, 200)); return new Response('ok'); } };";
    gateway.upload("ns", "slow", slow).await;
    gateway.upload("ns", "other", "export default { fetch: () => new Response('ok') };").await;
    put(&gateway, json!({ "limits": { "concurrent_requests": 2 } })).await;
    let three = || async { tokio::join!(gateway.get("slow", "/"), gateway.get("slow", "/"), gateway.get("slow", "/")) };
    let (a, b, c) = three().await;
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
    counted(&gateway, "concurrent_requests", 1).await;
    let (a, b, other) = tokio::join!(gateway.get("slow", "/"), gateway.get("slow", "/"), gateway.get("other", "/"));
    assert!([a, b, other].iter().all(|answer| answer.text() == "ok"));
}

#[tokio::test]
async fn requests_per_second() {
    let gateway = node().await;
    gateway.upload("ns", "ok", "export default { fetch: () => new Response('ok') };").await;
    gateway.upload("ns", "other", "export default { fetch: () => new Response('ok') };").await;
    put(&gateway, json!({ "limits": { "requests_per_second": 2 } })).await;
    let asks = futures_util::future::join_all((0..40).map(|_| gateway.get("ok", "/"))).await;
    let (well, refused): (Vec<_>, Vec<_>) = asks.into_iter().partition(|answer| answer.status == 200);
    assert!(well.len() >= 2 && !refused.is_empty(), "{} of 40", well.len());
    for answer in &refused {
        answer.is(429, "error code: 1015\n");
        assert_eq!(answer.header("retry-after"), "1");
    }
    counted(&gateway, "requests_per_second", refused.len() as u64).await;
    gateway.get("other", "/").await.is(200, "ok");
    put(&gateway, json!({})).await;
    gateway.get("ok", "/").await.is(200, "ok");
}

#[tokio::test]
async fn connections_at_once() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    // Tells the most that it ever saw at once.
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let seen = most.clone();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = socket.accept().await else { return };
            let (now, most) = (now.clone(), most.clone());
            let service = service_fn(move |_: Request<Incoming>| {
                let (now, most) = (now.clone(), most.clone());
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let source = format!(
        "export default {{ async fetch(r) {{
            const n = Number(r.url.split('?')[1]);
            const all = await Promise.all(Array.from({{ length: n }}, () => fetch('http://{address}/').then((a) => a.text())));
            return new Response(all.filter((text) => text === 'ok').length);
        }} }};"
    );
    gateway.upload("ns", "many", &source).await;
    put(&gateway, json!({ "limits": { "connections": 2 } })).await;
    gateway.get("many", "/?2").await.is(200, "2");
    assert_eq!(times(&gateway, "connections").await, 0);
    gateway.get("many", "/?12").await.is(200, "12");
    assert!(seen.load(Ordering::SeqCst) <= 2, "{seen:?}");
    counted(&gateway, "connections", 1).await;
    // A namespace cannot have more than the node gives.
    put(&gateway, json!({ "limits": { "connections": 100 } })).await;
    gateway.get("many", "/?30").await.is(200, "30");
    assert!(seen.load(Ordering::SeqCst) <= 6, "{seen:?}");
}

#[tokio::test]
async fn log_bytes() {
    let gateway = node().await;
    // A line counts 16 bytes beside its text, two brackets and two quotes; where nobody listens, nothing.
    gateway
        .upload("ns", "logs", "export default { fetch() { console.log('x'.repeat(80)); return new Response('ok'); } };")
        .await;
    put(&gateway, json!({ "limits": { "log_bytes": 99 } })).await;
    gateway.get("logs", "/").await.is(200, "ok");
    let _tail = Events::open(&gateway, "/namespaces/ns/scripts/logs/tail").await;
    put(&gateway, json!({ "limits": { "log_bytes": 100 } })).await;
    gateway.get("logs", "/").await.is(200, "ok");
    assert_eq!(times(&gateway, "log_bytes").await, 0);
    put(&gateway, json!({ "limits": { "log_bytes": 99 } })).await;
    gateway.get("logs", "/").await.is(200, "ok");
    counted(&gateway, "log_bytes", 1).await;
}
