//! Bodies are streams, both ways.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, TestGateway, read_until};

const ECHO: &str = "export default { fetch: r => new Response(r.body) };";

#[tokio::test]
async fn a_body_comes_back_as_it_went() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "echo", ECHO).await;
    let body: Vec<u8> = (0..8 << 20).map(|n: u32| (n % 251) as u8).collect();
    let answer = gateway.post("echo", "/", body.clone()).await;
    assert!(answer.bytes == body, "{} bytes came back", answer.bytes.len());
    gateway.post("echo", "/", "").await.is(200, "");
}

#[tokio::test]
async fn the_first_chunk_comes_before_the_last_is_sent() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "echo", ECHO).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: echo.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "first").await;
    stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut stream, "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_workers_stream_arrives_piece_by_piece() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(r) {
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        const encoder = new TextEncoder();
        (async () => {
            await writer.write(encoder.encode('one'));
            await new Promise(done => setTimeout(done, 20));
            await writer.write(encoder.encode('two'));
            await writer.close();
        })();
        return new Response(readable);
    } };";
    gateway.upload("ns", "x", source).await;
    gateway.get("x", "/").await.is(200, "onetwo");
}

#[tokio::test]
async fn a_stream_that_fails_breaks_the_connection() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch() {
        let n = 0;
        return new Response(new ReadableStream({ async pull(c) {
            if (n++ === 0) c.enqueue(new TextEncoder().encode('first'));
            else { await new Promise(done => setTimeout(done, 20)); c.error(new Error('broken')); }
        } }));
    } };";
    gateway.upload("ns", "x", source).await;
    let raw = gateway.raw("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n").await;
    assert!(raw.contains("first") && !raw.ends_with("0\r\n\r\n"), "{raw}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let gateway = TestGateway::with(|config| config.limits.body_bytes = 10).await;
    gateway.upload("ns", "echo", "export default { fetch: async r => new Response(await r.text()) };").await;
    gateway.post("echo", "/", "0123456789").await.is(200, "0123456789");
    assert_eq!(gateway.post("echo", "/", "0123456789a").await.status, 413);
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back() {
    let gateway = TestGateway::with(|config| config.limits.requests_per_script = 1).await;
    let source = "export default { fetch: r => r.url.endsWith('/wait')
        ? new Response(new ReadableStream({ pull: c => c.enqueue(new Uint8Array(1000)) })) : new Response('ok') };";
    gateway.upload("ns", "x", source).await;
    let mut response = gateway.open(Method::GET, "x", "/wait", &[], Bytes::new()).await;
    response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(gateway.get("x", "/").await.status, 429);
    drop(response);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while gateway.get("x", "/").await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "the place did not come back");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
