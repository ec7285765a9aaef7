//! Bodies through the runtime's own pipes, and event sources: what a client sees of them.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{TestGateway, read_until};

/// The pipe is over before the body has come: nobody looked at it, so it goes from the host to the host.
#[tokio::test]
async fn a_body_passes_through_an_identity_unread() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(request) {
        const { readable, writable } = new IdentityTransformStream();
        await request.body.pipeTo(writable);
        return new Response(readable);
    } };";
    gateway.upload("ns", "through", source).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: through.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "first").await;
    stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut stream, "0\r\n\r\n").await;
    let body: Vec<u8> = (0..3 << 20).map(|n: u32| (n % 251) as u8).collect();
    let answer = gateway.post("through", "/", body.clone()).await;
    assert!(answer.bytes == body, "{} bytes came back", answer.bytes.len());
}

/// The same where the script reads what passed, cancels it, or goes on writing.
#[tokio::test]
async fn a_body_piped_into_an_identity_is_a_stream_like_any() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(request) {
        const { readable, writable } = new IdentityTransformStream();
        const how = new URL(request.url).pathname;
        if (how === '/more') {
            (async () => {
                await request.body.pipeTo(writable, { preventClose: true });
                const writer = writable.getWriter();
                await writer.write(' and more');
                await writer.close();
            })();
            return new Response(readable);
        }
        const piped = request.body.pipeTo(writable);
        const state = [request.bodyUsed, writable.locked];
        if (how === '/cancel') {
            await readable.cancel('enough');
            return Response.json([...state, await piped.then(() => 'piped', (error) => String(error))]);
        }
        const reader = readable.getReader({ mode: 'byob' });
        const { value } = await reader.read(new Uint8Array(3));
        reader.releaseLock();
        return Response.json([...state, new TextDecoder().decode(value), (await readable.getReader().read()).value?.length]);
    } };";
    gateway.upload("ns", "x", source).await;
    gateway.post("x", "/more", "body").await.is(200, "body and more");
    let read = gateway.post("x", "/", "body").await.json();
    assert_eq!(read[0], true, "{read}");
    assert_eq!(read[2], "bod", "{read}");
    assert_eq!(read[3], 1, "{read}");
    let cancelled = gateway.post("x", "/cancel", "body").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
}

/// A fixed length is the body's on the wire; a wrong one breaks the connection.
#[tokio::test]
async fn a_fixed_length_goes_out_as_content_length() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(request) {
        const { readable, writable } = new FixedLengthStream(6);
        if (request.body !== null) {
            request.body.pipeTo(writable).catch(() => {});
            return new Response(readable);
        }
        const writer = writable.getWriter();
        (async () => {
            await writer.write('abc');
            if (request.url.endsWith('/whole')) await writer.write('def');
            await writer.close();
        })().catch(() => {});
        return new Response(readable);
    } };";
    gateway.upload("ns", "x", source).await;
    let whole = gateway.get("x", "/whole").await;
    whole.is(200, "abcdef");
    assert_eq!(whole.header("content-length"), "6");
    let piped = gateway.post("x", "/piped", "fedcba").await;
    piped.is(200, "fedcba");
    assert_eq!(piped.header("content-length"), "6");
    let short = gateway.raw("GET /short HTTP/1.1\r\nHost: x.test\r\n\r\n").await;
    assert!(!short.contains("abcdef") && !short.ends_with("0\r\n\r\n"), "{short}");
}

/// Messages come from a binding's fetch; when the server ends the stream the source connects again, and says what it
/// heard last.
#[tokio::test]
async fn an_event_source_reconnects_with_the_last_id() {
    let gateway = TestGateway::dispatching().await;
    let server = "export default { fetch(request) {
        const last = request.headers.get('last-event-id') ?? 'none';
        if (new URL(request.url).pathname !== '/events') return new Response('no', { status: 404 });
        const body = `retry: 1\\nid: ${last === 'none' ? 1 : 2}\\ndata: after ${last}, ${request.headers.get('accept')}\\n\\n`;
        return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
    } };";
    let client = "export default { async fetch(request, env) {
        const seen = [];
        const told = (e) => seen.push(e.type === 'error' ? `${e.type} ${e.error.message} ${e.target.readyState}` : e.data ?? e.type);
        const source = new EventSource('http://server.test/events', { fetcher: env.SERVER });
        await new Promise((resolve) => {
            for (const type of ['open', 'message', 'error']) source.addEventListener(type, told);
            source.addEventListener('message', () => { if (seen.length > 4) resolve(); });
        });
        source.close();
        const failed = new EventSource('http://server.test/none', { fetcher: env.SERVER });
        await new Promise((resolve) => failed.addEventListener('error', (e) => { told(e); resolve(); }));
        return Response.json([...seen, source.readyState, failed.readyState]);
    } };";
    gateway.upload_worker("server", server, json!([])).await;
    let bindings = json!([{ "name": "SERVER", "type": "service", "service": "server" }]);
    gateway.upload_worker("dispatcher", client, bindings).await;
    let seen = gateway.get("any", "/").await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    let expected = json!([
        "open",
        "after none, text/event-stream",
        "error The server disconnected. 0",
        "open",
        "after 1, text/event-stream",
        "error The response status code was 404. 2",
        2,
        2
    ]);
    assert_eq!(seen.json(), expected);
}
