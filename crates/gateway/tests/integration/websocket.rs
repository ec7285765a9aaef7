//! WebSockets of clients: every probe answers as on workerd, and what a Worker and its client say to each other
//! goes over the wire as RFC 6455 has it.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::TestGateway;
use crate::namespace_settings::put;
use crate::tail::Events;
use crate::websocket_client::{BINARY, CLOSE, Came, Client, FINAL, PING, PONG, TEXT, frame, handshake};
use crate::workerd;

/// Echoes; some words make it do other things. What it hears besides is told to the next client that asks.
pub const ECHO: &str = "export default { fetch(request, env, ctx) {
    if (request.headers.get('upgrade') !== 'websocket') return new Response('no upgrade');
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    let heard = [];
    server.addEventListener('message', ({ data }) => {
        if (data === 'close') server.close(4001, 'as you like');
        else if (data === 'throw') throw new RangeError('thrown in a listener');
        else if (data === 'spin') for (;;);
        else if (data === 'headers') server.send(JSON.stringify([...request.headers]));
        else if (data === 'later') setTimeout(() => server.send('later'), 5);
        else server.send(data);
    });
    server.addEventListener('close', (event) => {
        console.log('close', event.code, event.reason, event.wasClean);
        if (event.code === 4900) return; // without an answer
        server.close(event.wasClean && event.code !== 1005 ? event.code : 1000, `${event.reason}!`);
    });
    server.addEventListener('error', (event) => console.log('error', event.message));
    return new Response(null, { status: 101, webSocket: client, headers: { 'x-from': 'the Worker', 'sec-websocket-protocol': 'chat' } });
} };";

async fn echo() -> TestGateway {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway
}

#[tokio::test]
async fn probes_answer_as_on_workerd() {
    workerd::probes_of("websocket").await;
}

#[tokio::test]
async fn a_worker_echoes() {
    let gateway = echo().await;
    let lines = "Sec-WebSocket-Protocol: chat, other\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let mut client = Client::asking(gateway.address(), "echo.test", "/room?x=1", lines).await;
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n",
        "x-from: the worker\r\n",
        "sec-websocket-protocol: chat\r\n",
        "cf-ray: ",
    ] {
        assert!(client.head.contains(line), "{line}: {}", client.head);
    }
    assert!(!client.head.contains("extensions") && !client.head.contains("content-length"), "{}", client.head);
    assert_eq!(client.asks("hello").await, "hello");
    assert_eq!(client.asks("").await, "");
    assert_eq!(client.asks("grüß dich \u{1f600}").await, "grüß dich \u{1f600}");
    assert_eq!(client.asks("later").await, "later");
    let seen = client.asks("headers").await;
    for header in [r#"["upgrade","websocket"]"#, r#"["connection","Upgrade"]"#, r#"["sec-websocket-version","13"]"#] {
        assert!(seen.contains(header), "{seen}");
    }
    client.frame(FINAL | BINARY, &[0, 255, 7]).await;
    assert_eq!(client.next().await, Came::Frame(FINAL | BINARY, vec![0, 255, 7]));
    // In pieces, with a Ping between them.
    client.frame(TEXT, b"pie").await;
    client.frame(FINAL | PING, b"there?").await;
    client.frame(0, b"c").await;
    client.frame(FINAL, b"es").await;
    assert_eq!(client.next().await, Came::Frame(FINAL | PONG, b"there?".to_vec()));
    assert_eq!(client.hears().await, "pieces");
    client.frame(FINAL | PONG, b"nobody asked").await;
    for length in [125, 126, 65_535, 65_536, 300_000] {
        let text = "x".repeat(length);
        assert_eq!(client.asks(&text).await, text);
    }
    client.close(4321, "bye").await;
    assert_eq!(client.closed().await, (4321, "bye!".into()));
    client.ended().await;
    gateway.get("echo", "/").await.is(200, "no upgrade");
}

#[tokio::test]
async fn a_client_that_others_wrote_gets_on_with_it() {
    let gateway = echo().await;
    let client = Client::open(gateway.address(), "echo.test", "/").await;
    let mut client = WebSocketStream::from_raw_socket(client.stream, Role::Client, None).await;
    for length in [1, 1_000, 1_000_000] {
        let message = Message::binary(vec![7; length]);
        client.send(message.clone()).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), message);
    }
    client.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("x".into()));
    client.close(None).await.unwrap();
    while let Some(Ok(_)) = client.next().await {}
}

#[tokio::test]
async fn each_side_may_close_first() {
    let gateway = echo().await;
    let open = || Client::open(gateway.address(), "echo.test", "/");
    let mut client = open().await;
    client.text("close").await;
    assert_eq!(client.closed().await, (4001, "as you like".into()));
    client.close(4001, "").await;
    client.ended().await;
    // Without a code.
    let mut client = open().await;
    client.frame(FINAL | CLOSE, &[]).await;
    assert_eq!(client.closed().await, (1000, "!".into()));
    client.ended().await;
    // What a Worker sends after it heard of the client's Close still comes, and its own Close is its own.
    let mut client = open().await;
    client.text("later").await;
    client.close(4900, "").await;
    assert_eq!(client.hears().await, "later");
    // Gone without a word: the next one finds all as it was.
    drop(client);
    assert_eq!(open().await.asks("again").await, "again");
}

#[tokio::test]
async fn what_is_no_websocket_is_refused() {
    let gateway = echo().await;
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let ask = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (lines, status, said) in [
        (format!("{ask}{key}"), "426", "sec-websocket-version: 13"),
        (format!("{ask}{key}Sec-WebSocket-Version: 8\r\n"), "426", "sec-websocket-version: 13"),
        (format!("{ask}Sec-WebSocket-Version: 13\r\n"), "400", "content-type: text/plain"),
        // No upgrade at all.
        (format!("Upgrade: websocket\r\n{key}Sec-WebSocket-Version: 13\r\n"), "200", ""),
        (format!("Connection: Upgrade\r\nUpgrade: h2c\r\n{key}Sec-WebSocket-Version: 13\r\n"), "200", ""),
    ] {
        let (head, _) = handshake(gateway.address(), "echo.test", "/", &lines).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")) && head.contains(said), "{lines}: {head}");
    }
    for (name, source) in [
        ("plain", "export default { fetch: () => new Response('not today', { status: 403 }) }"),
        (
            "twice",
            "export default { fetch() { const [a, b] = Object.values(new WebSocketPair()); a.accept();
            return new Response(null, { status: 101, webSocket: a }) } }",
        ),
    ] {
        gateway.upload("ns", name, source).await;
        let lines = format!("{ask}{key}Sec-WebSocket-Version: 13\r\n");
        let (head, _) = handshake(gateway.address(), &format!("{name}.test"), "/", &lines).await;
        let status = if name == "plain" { "403" } else { "500" };
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{name}: {head}");
    }
    // Nobody asked for it.
    let source =
        "export default { fetch: () => new Response(null, { status: 101, webSocket: new WebSocketPair()[0] }) }";
    gateway.upload("ns", "unasked", source).await;
    assert_eq!(gateway.get("unasked", "/").await.status, 500);
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told() {
    let gateway = echo().await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/echo/tail").await;
    for (bytes, code, why) in [
        (frame(FINAL | 3, b"x", true), 1002, "Unknown opcode 3"),
        (frame(FINAL, b"x", true), 1002, "Unexpected continuation frame"),
        ([frame(TEXT, b"x", true), frame(FINAL | TEXT, b"y", true)].concat(), 1002, "Missing continuation frame"),
        (frame(PING, b"x", true), 1002, "Received fragmented control frame"),
        (frame(FINAL | PING, &[0; 126], true), 1002, "Received a control frame that is too long"),
        (frame(FINAL | 0x20 | TEXT, b"x", true), 1002, "Received frame had RSV bits 2 or 3 set"),
        (frame(FINAL | CLOSE, &[3], true), 1002, "Received a Close frame whose code is cut off"),
        (frame(FINAL | TEXT, &[0xff, 0xfe], true), 1007, "Received a text message that is not UTF-8"),
    ] {
        let mut client = Client::open(gateway.address(), "echo.test", "/").await;
        client.stream.write_all(&bytes).await.unwrap();
        assert_eq!(client.closed().await, (code, why.into()));
        client.ended().await;
        let event = events.next().await;
        let line = event["logs"][0]["message"].to_string();
        assert!(line.contains(&format!("statusCode = {code}; protocolError.description = {why}")), "{event}");
    }
    // As workerd, it takes what is not masked.
    let mut client = Client::open(gateway.address(), "echo.test", "/").await;
    client.stream.write_all(&frame(FINAL | TEXT, b"bare", false)).await.unwrap();
    assert_eq!(client.hears().await, "bare");
}

#[tokio::test]
async fn its_event_is_told_when_it_ends() {
    let gateway = echo().await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/echo/tail").await;
    let mut client = Client::open(gateway.address(), "echo.test", "/one").await;
    client.asks("x").await;
    client.close(1000, "well").await;
    client.closed().await;
    let event = events.next().await;
    assert_eq!(event["event"]["response"]["status"], 101, "{event}");
    assert_eq!(
        (&event["outcome"], &event["logs"][0]["message"]),
        (&json!("ok"), &json!(["close", 1000, "well", true])),
        "{event}"
    );
    // The client is gone without a word.
    let mut client = Client::open(gateway.address(), "echo.test", "/two").await;
    client.asks("x").await;
    drop(client);
    let event = events.next().await;
    assert_eq!(event["outcome"], "canceled", "{event}");
    assert_eq!(event["logs"][0]["message"][1], 1006, "{event}");
    // A listener that throws ends it.
    let mut client = Client::open(gateway.address(), "echo.test", "/three").await;
    client.text("throw").await;
    client.ended().await;
    let event = events.next().await;
    assert_eq!(event["outcome"], "exception", "{event}");
    assert_eq!(event["exceptions"][0]["message"], "thrown in a listener", "{event}");
    assert_eq!(event["logs"][0]["message"], json!(["error", "Uncaught RangeError: thrown in a listener"]), "{event}");
}

#[tokio::test]
async fn many_share_a_warm_instance() {
    let gateway = TestGateway::with(|config| config.runtime.threads = 1).await;
    put(&gateway, json!({ "isolation": "warm" })).await;
    let room = "const all = new Set();
        export default { fetch(request, env, ctx) {
            if (!request.headers.has('upgrade')) return new Response(String(all.size));
            const [client, server] = Object.values(new WebSocketPair());
            server.accept();
            const name = new URL(request.url).pathname.slice(1);
            all.add(name);
            server.addEventListener('message', ({ data }) => server.send(`${name} of ${all.size}: ${data}`));
            server.addEventListener('close', ({ code }) => { all.delete(name); server.close(code === 1006 ? 1000 : code) });
            return new Response(null, { status: 101, webSocket: client });
        } }";
    gateway.upload("ns", "room", room).await;
    let mut clients = Vec::new();
    for name in ["a", "b", "c"] {
        clients.push((name, Client::open(gateway.address(), "room.test", &format!("/{name}")).await));
    }
    for (name, client) in &mut clients {
        assert_eq!(client.asks("hi").await, format!("{name} of 3: hi"));
    }
    gateway.get("room", "/").await.is(200, "3");
    let (_, mut first) = clients.remove(0);
    first.close(4000, "").await;
    assert_eq!(first.closed().await.0, 4000);
    assert_eq!(clients[0].1.asks("still").await, "b of 2: still");
    drop(clients);
    crate::websocket_limits::until(async || gateway.get("room", "/").await.text() == "0").await;
}

#[tokio::test]
async fn wait_until_goes_on_after_the_last_word() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(request, env, ctx) {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        server.addEventListener('close', (event) => {
            server.close(event.code);
            ctx.waitUntil(new Promise((done) => setTimeout(done, 50)).then(() => console.log('afterwards')));
        });
        return new Response(null, { status: 101, webSocket: client });
    } }";
    gateway.upload("ns", "late", source).await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/late/tail").await;
    let mut client = Client::open(gateway.address(), "late.test", "/").await;
    client.close(1000, "").await;
    assert_eq!(client.closed().await.0, 1000);
    assert_eq!(events.next().await["logs"][0]["message"], json!(["afterwards"]));
}

#[tokio::test]
async fn newer_dates_answer_a_close_by_themselves() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch(request) {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept({ allowHalfOpen: request.url.endsWith('/half') });
        server.addEventListener('close', (event) => console.log(event.code, server.readyState, server.binaryType));
        return new Response(null, { status: 101, webSocket: client });
    } }";
    let flags = json!({ "compatibility_flags": ["web_socket_auto_reply_to_close", "websocket_standard_binary_type"] });
    gateway.upload_with("ns", "new", source, flags).await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/new/tail").await;
    let mut client = Client::open(gateway.address(), "new.test", "/").await;
    client.close(4567, "me").await;
    assert_eq!(client.closed().await, (4567, "me".into()));
    assert_eq!(events.next().await["logs"][0]["message"], json!([4567, 3, "blob"]));
    let mut client = Client::open(gateway.address(), "new.test", "/half").await;
    client.close(4567, "me").await;
    // The Worker has nothing left that could ever answer.
    client.ended().await;
    let event = events.next().await;
    assert_eq!(event["outcome"], "ok", "{event}");
    assert_eq!(event["logs"][0]["message"], json!([4567, 2, "blob"]));
}
