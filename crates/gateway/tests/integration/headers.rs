//! Which headers cross the gateway, in both directions.

use bytes::Bytes;
use http::Method;

use crate::harness::TestGateway;

const ECHO: &str = "export default { fetch: r => Response.json(Object.fromEntries(r.headers)) };";

#[tokio::test]
async fn a_worker_learns_the_clients_address_from_the_socket() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "echo", ECHO).await;
    let claims = [
        ("cf-connecting-ip", "6.6.6.6"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("x_forwarded_for", "6.6.6.6"),
        ("true-client-ip", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("cf-ray", "mine"),
        ("x-own", "1"),
    ];
    let answer = gateway.send(Method::GET, "echo", "/", &claims, Bytes::new()).await;
    let seen = answer.json();
    for name in ["cf-connecting-ip", "x-forwarded-for", "x-real-ip"] {
        assert_eq!(seen[name], "127.0.0.1", "{name}");
    }
    assert_eq!(seen["x-forwarded-proto"], "http");
    assert_eq!(seen["x-forwarded-host"], "echo.test");
    assert_eq!(seen["host"], "echo.test");
    assert_eq!(seen["x-own"], "1");
    assert_eq!(seen["cf-ray"], answer.header("cf-ray"));
    assert!(!answer.text().contains("6.6.6.6") && !answer.text().contains("mine"), "{}", answer.text());
}

#[tokio::test]
async fn hop_by_hop_headers_end_at_the_gateway() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "echo", ECHO).await;
    let head = "GET / HTTP/1.1\r\nHost: echo.test\r\nConnection: close, X-Once\r\nX-Once: 1\r\nTE: trailers\r\n\
                Upgrade: websocket\r\nKeep-Alive: 5\r\nX-Stays: 1\r\n\r\n";
    let answer = gateway.raw(head).await;
    assert!(answer.contains("\"x-stays\""), "{answer}");
    for name in ["x-once", "\"te\"", "upgrade", "\"keep-alive\"", "\"connection\""] {
        assert!(!answer.contains(name), "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_workers_response_is_framed_by_the_server() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(r) {
        const headers = new Headers({ 'content-length': '99', 'connection': 'close', 'keep-alive': 'x', 'server': 'mine' });
        headers.append('set-cookie', 'a=1'); headers.append('set-cookie', 'b=2');
        if (new URL(r.url).pathname === '/204') return new Response(null, { status: 204, headers });
        return new Response('four', { status: 201, statusText: 'Very Well', headers });
    } };";
    gateway.upload("ns", "x", source).await;
    let answer = gateway.get("x", "/").await;
    answer.is(201, "four");
    assert_eq!(answer.header("content-length"), "4");
    assert_eq!(answer.header("server"), "mine");
    assert_eq!(answer.header("keep-alive"), "");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    let raw = gateway.raw("GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n").await;
    assert!(raw.starts_with("HTTP/1.1 201 Very Well\r\n"), "{raw}");

    let answer = gateway.get("x", "/204").await;
    answer.is(204, "");
    assert_eq!(answer.header("content-length"), "");
    let answer = gateway.send(Method::HEAD, "x", "/", &[], Bytes::new()).await;
    answer.is(201, "");
}

/// As kj and workerd have it: a body keeps the length that it is known to have, wherever it was passed through.
#[tokio::test]
async fn a_body_of_known_length_keeps_it() {
    let gateway = TestGateway::start().await;
    let source = "const text = () => new Response('h\u{e9}llo');
      const ways = {
        body() { const r = text(); return new Response(r.body, r) },
        twice() { const r = text(); return new Response(new Response(r.body).body) },
        looked() { const r = text(); r.body; return r.clone() },
        clone() { const r = text(); const c = r.clone(); return new Response(c.body) },
        tee() { return new Response(text().body.tee()[1]) },
        blob() { return new Response(new Blob(['abc', 'def']).stream()) },
        fixed() { const f = new FixedLengthStream(6); const w = f.writable.getWriter(); w.write(new Uint8Array(6)); w.close(); return new Response(f.readable) },
        request() { return new Response(new Request('http://x', { method: 'POST', body: 'abcdef' }).body) },
        async both() { const r = text(); const q = new Response(r.body); return new Response(String([await q.text(), r.bodyUsed])) },
        async old() { const r = text(); const q = new Response(r.body); await r.text(); try { return await q.text() } catch (e) { return new Response(e.message) } },
      };
      export default { fetch: r => ways[new URL(r.url).pathname.slice(1)]() };";
    gateway.upload("ns", "x", source).await;
    for way in ["body", "twice", "looked", "clone", "tee", "blob", "fixed", "request"] {
        let answer = gateway.get("x", &format!("/{way}")).await;
        assert_eq!((answer.header("content-length"), answer.bytes.len()), ("6", 6), "{way}");
        let head = gateway.send(Method::HEAD, "x", &format!("/{way}"), &[], Bytes::new()).await;
        assert_eq!((head.header("content-length"), head.bytes.len()), ("6", 0), "HEAD {way}");
    }
    gateway.get("x", "/both").await.is(200, "h\u{e9}llo,true");
    let old = gateway.get("x", "/old").await;
    assert!(old.text().starts_with("Body has already been used."), "{}", old.text());
}

#[tokio::test]
async fn a_status_without_a_phrase_gets_that_of_its_class() {
    let gateway = TestGateway::start().await;
    let source =
        "export default { fetch: r => new Response(null, { status: Number(new URL(r.url).pathname.slice(1)) }) };";
    gateway.upload("ns", "x", source).await;
    for (status, line) in [
        ("299", "299 Successful"),
        ("399", "399 Redirection"),
        ("499", "499 Client Error"),
        ("599", "599 Server Error"),
    ] {
        let raw = gateway.raw(&format!("GET /{status} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")).await;
        assert!(raw.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{raw}");
    }
}

#[tokio::test]
async fn a_content_encoding_is_applied() {
    use tokio::io::AsyncReadExt;
    let gateway = TestGateway::start().await;
    let source =
        "export default { fetch: () => new Response('plain text', { headers: { 'content-encoding': 'gzip' } }) };";
    gateway.upload("ns", "x", source).await;
    let answer = gateway.get("x", "/").await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut decoder = async_compression::tokio::bufread::GzipDecoder::new(&answer.bytes[..]);
    let mut text = String::new();
    decoder.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "plain text");
    let head = gateway.send(Method::HEAD, "x", "/", &[], Bytes::new()).await;
    assert_eq!(head.header("content-length"), "");
}
