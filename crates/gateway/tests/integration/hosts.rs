//! Whom a request is for is never in doubt.

use crate::basics::HELLO;
use crate::harness::TestGateway;

#[tokio::test]
async fn a_host_in_doubt_is_refused() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    for (name, head) in [
        ("none", "GET / HTTP/1.1\r\n"),
        ("none in 1.0", "GET / HTTP/1.0\r\n"),
        ("two", "GET / HTTP/1.1\r\nHost: hello.test\r\nHost: hello.test\r\n"),
        ("two that differ", "GET / HTTP/1.1\r\nHost: hello.test\r\nHost: other.test\r\n"),
        ("conflict with the target", "GET http://other.test/ HTTP/1.1\r\nHost: hello.test\r\n"),
        ("user info", "GET / HTTP/1.1\r\nHost: u@hello.test\r\n"),
        ("path", "GET / HTTP/1.1\r\nHost: hello.test/x\r\n"),
        ("empty label", "GET / HTTP/1.1\r\nHost: hello..test\r\n"),
        ("bad port", "GET / HTTP/1.1\r\nHost: hello.test:99999\r\n"),
        ("list", "GET / HTTP/1.1\r\nHost: hello.test, other.test\r\n"),
        ("empty", "GET / HTTP/1.1\r\nHost:\r\n"),
    ] {
        let answer = gateway.raw(&format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.0 400 "), "{name}: {answer}");
    }
}

#[tokio::test]
async fn one_host_has_many_spellings() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "url", "export default { fetch: r => new Response(`<${r.url}>`) };").await;
    for (head, url) in [
        ("GET / HTTP/1.1\r\nHost: url.test\r\n", "<http://url.test/>"),
        ("GET / HTTP/1.1\r\nHost: URL.Test.\r\n", "<http://url.test/>"),
        ("GET / HTTP/1.1\r\nHost: url.test:80\r\n", "<http://url.test/>"),
        ("GET / HTTP/1.1\r\nHost: url.test:8080\r\n", "<http://url.test:8080/>"),
        ("GET http://url.test/p HTTP/1.1\r\nHost: url.test\r\n", "<http://url.test/p>"),
        // Not normalised: the target is the client's.
        ("GET /a/../b//c?x=%zz HTTP/1.1\r\nHost: url.test\r\n", "<http://url.test/a/../b//c?x=%zz>"),
    ] {
        let answer = gateway.raw(&format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(url), "{head}: {answer}");
    }
}

#[tokio::test]
async fn odd_methods_and_framing_are_refused() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    for (head, status) in [
        ("FOO / HTTP/1.1\r\n", "501"),
        ("CONNECT hello.test:80 HTTP/1.1\r\n", "405"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n", "501"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: +1\r\n", "400"),
        ("GET / HTTP/1.1\r\nBad Header: x\r\n", "400"),
    ] {
        let host = if head.starts_with("CONNECT") { "hello.test:80" } else { "hello.test" };
        let answer = gateway.raw(&format!("{head}Host: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
    let long = "a".repeat(20 << 10);
    let answer = gateway.raw(&format!("GET /{long} HTTP/1.1\r\nHost: hello.test\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
}
