//! An upstream is held to the limits of any tenant, and observed like one.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, read_until};
use crate::namespace_settings::put as settings;
use crate::origin::{Origin, gateway, gateway_with, set};
use crate::tail::Events;
use crate::upstream::metric;
use crate::upstream_faults::{breaks_off, count};

#[tokio::test]
async fn bytes_either_way() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    settings(&gateway, json!({ "limits": { "request_bytes": 4, "response_bytes": 4 } })).await;
    gateway.post("x", "/echo", "four").await.is(200, "four");
    let seen = origin.seen();
    assert_eq!(gateway.post("x", "/echo", "fives").await.status, 413);
    assert_eq!(origin.seen(), seen, "its length was known");
    // One that is told by and by reaches the origin, and is cut on its way.
    let head = "POST /show HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let answer = gateway.raw(&format!("{head}5\r\nfives\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    gateway.get("x", "/large").await.is(503, "error code: 1102\n");
    breaks_off(&gateway, "/stream").await;
    metric(&gateway, "switchyard_limits_total{limit=\"response_bytes\"} 2").await;
    metric(&gateway, "switchyard_limits_total{limit=\"request_bytes\"} 2").await;
    // A tunnel's bytes to the client count too.
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let ask = "GET /upgrade HTTP/1.1\r\nHost: x.test\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    stream.write_all(b"four").await.unwrap();
    read_until(&mut stream, "FOUR").await;
    stream.write_all(b"!").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed in time");
    assert_eq!(rest, b"");
    metric(&gateway, "switchyard_limits_total{limit=\"response_bytes\"} 3").await;
}

#[tokio::test]
async fn wall_time() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    settings(&gateway, json!({ "limits": { "wall_ms": 60_000 } })).await;
    origin.release.notify_one();
    gateway.get("x", "/late").await.is(200, "one");
    settings(&gateway, json!({ "limits": { "wall_ms": 100 } })).await;
    gateway.get("x", "/late").await.is(503, "error code: 1102\n");
    breaks_off(&gateway, "/stream").await;
    metric(&gateway, "switchyard_limits_total{limit=\"wall_ms\"} 2").await;
    // The origin was not at fault.
    for _ in 0..5 {
        gateway.get("x", "/late").await.is(503, "error code: 1102\n");
    }
    gateway.get("x", "/").await.is(200, "one");
}

#[tokio::test]
async fn requests_at_once_and_in_a_second() {
    let gateway = gateway_with(|config| config.upstream.connections_per_script = 2).await;
    let origin = Origin::start("one").await;
    set(&gateway, "x", &[&origin], json!({})).await;
    let hold = async || {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x.test\r\n\r\n").await.unwrap();
        read_until(&mut stream, "first").await;
        stream
    };
    settings(&gateway, json!({ "limits": { "concurrent_requests": 1 } })).await;
    let one = hold().await;
    gateway.get("x", "/").await.is(429, "error code: 1015\n");
    // With more than that, the node's own bound is next.
    settings(&gateway, json!({})).await;
    let two = hold().await;
    let busy = gateway.get("x", "/").await;
    busy.is(503, "the origin has too many requests at once\n");
    assert_eq!(busy.header("retry-after"), "1");
    drop((one, two));
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 0").await;
    gateway.get("x", "/").await.is(200, "one");

    settings(&gateway, json!({ "limits": { "requests_per_second": 1 } })).await;
    gateway.get("x", "/").await.is(200, "one");
    let limited = gateway.get("x", "/").await;
    assert_eq!((limited.status.as_u16(), limited.text()), (429, "error code: 1015\n"));
}

#[tokio::test]
async fn it_is_observed_like_any_tenant() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/x/tail").await;
    gateway.get("x", "/missing?key=secret").await;
    let event = events.next().await;
    assert_eq!((&event["outcome"], &event["scriptName"]), (&"ok".into(), &"x".into()));
    assert_eq!(event["event"]["response"]["status"], 404);
    assert_eq!(event["event"]["request"]["method"], "GET");
    assert!(event["scriptVersion"]["id"].is_string());
    origin.stop().await;
    gateway.get("x", "/").await;
    let event = events.next().await;
    assert_eq!(event["outcome"], "exception");
    assert_eq!(event["exceptions"][0]["name"], "UpstreamError");
    assert_eq!(event["exceptions"][0]["message"], "the origin could not be reached");
    assert!(event["event"].get("response").is_none());
    for (name, wanted) in [
        ("switchyard_runs_total{ending=\"ok\"}", 1),
        ("switchyard_runs_total{ending=\"exception\"}", 1),
        ("switchyard_upstream_requests_total{end=\"answered\"}", 1),
        ("switchyard_requests_total{class=\"4xx\",kind=\"ok\",side=\"none\"}", 1),
        ("switchyard_requests_total{class=\"5xx\",kind=\"upstream_failed\",side=\"tenant\"}", 1),
    ] {
        assert_eq!(count(&gateway, name).await, wanted, "{name}");
    }
}
