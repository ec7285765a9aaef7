//! Origins that are slow, broken or gone, and clients that go: what is answered, what is sent again, and
//! that nothing is left behind.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestGateway, read_to_end, read_until};
use crate::origin::{Origin, gateway, put, set};
use crate::upstream::metric;

const NOTHING_LEFT: &str = "switchyard_upstream_connections{state=\"in_use\"} 0";

/// Nobody listens there.
async fn nowhere() -> Origin {
    let origin = Origin::start("gone").await;
    let address = origin.stop().await;
    Origin::unbound(address)
}

#[tokio::test]
async fn a_request_is_sent_again_only_where_that_is_safe() {
    let gateway = gateway().await;
    let (broken, good) = (Origin::saying("").await, Origin::start("good").await);
    // In turns, so that each kind of request meets the broken one first.
    let fresh = async || set(&gateway, "x", &[&broken, &good], json!({})).await;
    for (method, body, wanted) in [
        (Method::GET, "", 200),
        (Method::PUT, "", 200),
        (Method::DELETE, "", 200),
        (Method::POST, "", 502),
        (Method::POST, "body", 502),
        (Method::PATCH, "", 502),
        (Method::PUT, "body", 502),
    ] {
        fresh().await;
        let (before, before_good) = (broken.seen(), good.seen());
        let answer = gateway.send(method.clone(), "x", "/", &[], Bytes::from_static(body.as_bytes())).await;
        assert_eq!(answer.status, wanted, "{method} {body:?}: {}", answer.text());
        assert_eq!(broken.seen() - before, 1, "{method} {body:?}");
        assert_eq!(good.seen() - before_good, usize::from(wanted == 200), "{method} {body:?}");
    }
    metric(&gateway, "switchyard_upstream_retries_total 3").await;
    set(&gateway, "x", &[&broken, &good], json!({ "retries": 0 })).await;
    gateway.get("x", "/").await.is(502, "the origin gave no valid answer\n");
    // Of what was never sent, the next origin may have anything.
    let gone = nowhere().await;
    set(&gateway, "x", &[&gone, &good], json!({})).await;
    gateway.post("x", "/echo", "body").await.is(200, "body");
    set(&gateway, "x", &[&gone], json!({})).await;
    gateway.post("x", "/echo", "body").await.is(502, "the origin could not be reached\n");
    metric(&gateway, NOTHING_LEFT).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_no_failure() {
    let gateway = gateway().await;
    // It says nothing of closing, and closes.
    let origin = Origin::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    set(&gateway, "x", &[&origin], json!({})).await;
    for _ in 0..20 {
        gateway.get("x", "/").await.is(200, "ok");
    }
    // A restart of the origin, likewise.
    let origin = Origin::start("before").await;
    set(&gateway, "x", &[&origin], json!({})).await;
    gateway.get("x", "/").await.is(200, "before");
    let _origin = Origin::at(origin.stop().await, "after").await;
    gateway.get("x", "/").await.is(200, "after");
}

#[tokio::test]
async fn what_is_no_answer_is_a_502() {
    let gateway = gateway().await;
    let endless = "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"x".repeat(400 << 10);
    let many = "HTTP/1.1 200 OK\r\n".to_owned() + &"X: y\r\n".repeat(500) + "\r\n";
    for bytes in [
        "",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 999999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        &endless,
        &many,
    ] {
        let origin = Origin::saying(bytes.to_owned()).await;
        set(&gateway, "x", &[&origin], json!({})).await;
        let answer = gateway.post("x", "/", "body").await;
        let shown = &bytes[..bytes.len().min(60)];
        assert_eq!((answer.status.as_u16(), answer.text()), (502, "the origin gave no valid answer\n"), "{shown:?}");
        assert_eq!(origin.seen(), 1, "{shown:?}");
    }
    metric(&gateway, NOTHING_LEFT).await;
    // Of a body, what there was.
    let short = Origin::saying("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nshort").await;
    set(&gateway, "x", &[&short], json!({})).await;
    breaks_off(&gateway, "/").await;
    metric(&gateway, "switchyard_requests_total{class=\"2xx\",kind=\"body_failed\",side=\"tenant\"} 1").await;
    let chunks = Origin::saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz").await;
    set(&gateway, "x", &[&chunks], json!({})).await;
    breaks_off(&gateway, "/").await;
    // Without a length, the end of the connection is the end.
    let open_end = Origin::saying("HTTP/1.0 200 OK\r\n\r\nall of it").await;
    set(&gateway, "x", &[&open_end], json!({})).await;
    gateway.get("x", "/").await.is(200, "all of it");
    metric(&gateway, NOTHING_LEFT).await;
}

#[tokio::test]
async fn waiting_has_an_end() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({ "head_timeout_ms": 100, "idle_timeout_ms": 100 })).await;
    let late = gateway.get("x", "/late").await;
    late.is(504, "the origin did not answer in time\n");
    gateway.get("x", "/").await.is(200, "one");
    breaks_off(&gateway, "/stream").await;
    metric(&gateway, NOTHING_LEFT).await;
    // A tunnel in which nothing moves.
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let ask = "GET /upgrade HTTP/1.1\r\nHost: x.test\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    read_to_end(&mut stream).await;
    metric(&gateway, NOTHING_LEFT).await;
    // With time enough, each of them goes on.
    set(&gateway, "x", &[&origin], json!({})).await;
    origin.release.notify_one();
    gateway.get("x", "/late").await.is(200, "one");
    // An upload may take longer than an answer, as long as it moves.
    set(&gateway, "x", &[&origin], json!({ "head_timeout_ms": 300 })).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(b"POST /show HTTP/1.1\r\nHost: x.test\r\nContent-Length: 8\r\n\r\n").await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"x").await.unwrap();
    }
    assert!(read_until(&mut stream, "xxxxxxxx").await.starts_with("HTTP/1.1 200 "));
    // An origin that takes connections and never says a word, and one that reads nothing.
    let silent = Origin::with("127.0.0.1:0".parse().unwrap(), |stream, _, _| async move {
        let _open = stream;
        std::future::pending().await
    });
    let silent = silent.await;
    set(&gateway, "x", &[&silent], json!({ "head_timeout_ms": 100 })).await;
    gateway.get("x", "/").await.is(504, "the origin did not answer in time\n");
    let upload = vec![0; 8 << 20];
    gateway.post("x", "/", upload).await.is(504, "the origin did not answer in time\n");
    metric(&gateway, NOTHING_LEFT).await;
}

#[tokio::test]
async fn a_client_that_goes_takes_the_origins_connection_along() {
    let (gateway, origin) = (gateway().await, Origin::start("one").await);
    set(&gateway, "x", &[&origin], json!({})).await;
    for path in ["/stream", "/late"] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x.test\r\n\r\n").as_bytes()).await.unwrap();
        metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 1").await;
        drop(stream);
        metric(&gateway, NOTHING_LEFT).await;
    }
    // In the middle of an upload.
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST /show HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000\r\n\r\nsome";
    stream.write_all(head.as_bytes()).await.unwrap();
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 1").await;
    drop(stream);
    metric(&gateway, NOTHING_LEFT).await;
    // None of these was the origin's fault.
    gateway.get("x", "/").await.is(200, "one");
    assert_eq!(count(&gateway, "switchyard_upstream_taken_out_total{by=\"requests\"}").await, 0);
}

#[tokio::test]
async fn an_early_answer_does_not_spoil_the_next() {
    // It answers at once and reads the body afterwards, or never.
    let gateway = gateway().await;
    let origin = Origin::with("127.0.0.1:0".parse().unwrap(), |mut stream, _, _| async move {
        let mut request = [0; 1024];
        if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
            let answer = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 4\r\n\r\nmuch";
            let _ = stream.write_all(answer.as_bytes()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let origin = origin.await;
    set(&gateway, "x", &[&origin], json!({})).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000000\r\n\r\nsome";
    stream.write_all(head.as_bytes()).await.unwrap();
    let seen = read_until(&mut stream, "much").await;
    assert!(seen.starts_with("HTTP/1.1 413"), "{seen}");
    drop(stream);
    metric(&gateway, NOTHING_LEFT).await;
    metric(&gateway, "switchyard_upstream_connections{state=\"idle\"} 0").await;
}

#[tokio::test]
async fn tls_is_verified() {
    let gateway = gateway().await;
    // Whoever is there has no certificate of a name that we know.
    let origin = Origin::start("one").await;
    let answer = put(&gateway, "x", json!({ "origins": [{ "url": format!("https://{}", origin.address) }] })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    gateway.get("x", "/").await.is(502, "the origin could not be reached\n");
    assert_eq!(origin.seen(), 0);
}

/// An answer that is cut: its end never comes, nor its head if it was cut at once.
pub async fn breaks_off(gateway: &TestGateway, path: &str) {
    let seen = gateway.raw(&format!("GET {path} HTTP/1.1\r\nHost: x.test\r\n\r\n")).await;
    assert!(seen.is_empty() || seen.starts_with("HTTP/1.1 200 ") && !seen.ends_with("0\r\n\r\n"), "{seen}");
}

/// A metric's value.
pub async fn count(gateway: &TestGateway, name: &str) -> u64 {
    let text = gateway.admin("/metrics").await.text().to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}
