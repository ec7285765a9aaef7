//! What a WebSocket may take, of its client and of its Worker, and how a node that drains ends it.

use std::time::Duration;

use serde_json::json;
use switchyard_gateway::Config;
use tokio::io::AsyncWriteExt;

use crate::harness::{PATIENCE, TestGateway};
use crate::tail::Events;
use crate::websocket::ECHO;
use crate::websocket_client::{BINARY, Client, FINAL, TEXT, frame};

/// Waits until something is so.
pub async fn until(so: impl AsyncFn() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in time");
}

/// A node on which one script is held to this.
async fn node(change: impl FnOnce(&mut Config)) -> TestGateway {
    let gateway = TestGateway::with(change).await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway
}

async fn open(gateway: &TestGateway, script: &str) -> Client {
    Client::open(gateway.address(), &format!("{script}.test"), "/").await
}

#[tokio::test]
async fn a_message_is_as_long_as_it_may_be() {
    let gateway = node(|config| config.websocket.message_bytes = 70_000).await;
    let fits = "x".repeat(70_000);
    let mut client = open(&gateway, "echo").await;
    assert_eq!(client.asks(&fits).await, fits);
    client.frame(TEXT, &fits.as_bytes()[..50_000]).await;
    client.frame(FINAL, &fits.as_bytes()[50_000..]).await;
    assert_eq!(client.hears().await, fits);
    // It is refused by its header: not a byte of it has come.
    client.stream.write_all(&frame(FINAL | TEXT, &[b'x'; 70_001], true)[..14]).await.unwrap();
    assert_eq!(client.closed().await, (1009, "Message is too large: 70001 > 70000".into()));
    client.ended().await;
    let mut client = open(&gateway, "echo").await;
    client.frame(TEXT, &fits.as_bytes()[..50_000]).await;
    client.frame(0, &[b'x'; 20_001]).await;
    assert_eq!(client.closed().await.0, 1009);
    let mut client = open(&gateway, "echo").await;
    client.stream.write_all(&[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]).await.unwrap();
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn silence_and_a_close_without_an_answer_end_it() {
    let gateway = node(|config| {
        config.websocket.idle_timeout = Duration::from_millis(300);
        config.websocket.close_timeout = Duration::from_millis(300);
    })
    .await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/echo/tail").await;
    let mut client = open(&gateway, "echo").await;
    assert_eq!(client.closed().await, (1001, "The connection was idle for too long.".into()));
    client.ended().await;
    let event = events.next().await;
    assert_eq!(event["logs"][0]["message"][1], 1001, "{event}");
    let mut client = open(&gateway, "echo").await;
    client.text("close").await;
    assert_eq!(client.closed().await.0, 4001);
    client.ended().await;
}

#[tokio::test]
async fn a_worker_over_its_limits_takes_nobody_along() {
    let gateway = node(|_| {}).await;
    gateway.upload_with("ns", "spins", ECHO, json!({ "limits": { "cpu_ms": 50 } })).await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/spins/tail").await;
    let (mut other, mut client) = (open(&gateway, "echo").await, open(&gateway, "spins").await);
    assert_eq!((other.asks("a").await, client.asks("b").await), ("a".into(), "b".into()));
    client.text("spin").await;
    client.ended().await;
    assert_eq!(events.next().await["outcome"], "exceededCpu");
    assert_eq!(other.asks("still").await, "still");
    assert_eq!(open(&gateway, "spins").await.asks("anew").await, "anew");
}

#[tokio::test]
async fn what_nobody_reads_is_bounded() {
    let gateway = node(|config| config.limits.memory = 24 << 20).await;
    let source = "export default { fetch(request) {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        const text = 'x'.repeat(Number(new URL(request.url).pathname.slice(1)));
        server.addEventListener('message', () => {
            const more = () => { for (let i = 0; i < 1000; i++) server.send(text); setTimeout(more, 0); };
            more();
        });
        return new Response(null, { status: 101, webSocket: client });
    } }";
    gateway.upload("ns", "floods", source).await;
    let mut other = open(&gateway, "echo").await;
    for size in [100, 100_000] {
        let mut events = Events::open(&gateway, "/namespaces/ns/scripts/floods/tail").await;
        let mut client = Client::open(gateway.address(), "floods.test", &format!("/{size}")).await;
        client.text("go").await;
        let event = events.next().await;
        assert_eq!(event["outcome"], "exceededMemory", "{size}: {event}");
        assert_eq!(other.asks("still").await, "still");
    }
    // A Worker that does not listen: its client has to wait.
    let source = "export default { fetch(request, env, ctx) {
        ctx.waitUntil(new Promise((done) => setTimeout(done, 60000)));
        return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
    } }";
    gateway.upload("ns", "deaf", source).await;
    let mut client = open(&gateway, "deaf").await;
    let piece = frame(FINAL | BINARY, &[7; 50_000], true);
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_secs(2), client.stream.write_all(&piece)).await {
        written.unwrap();
        sent += piece.len();
        assert!(sent < 64 << 20, "nobody stops it");
    }
    assert_eq!(other.asks("still").await, "still");
}

#[tokio::test]
async fn response_bytes_and_requests_at_once_hold_for_it() {
    let gateway = node(|config| {
        config.limits.response_bytes = 1_000;
        config.limits.requests_per_script = 2;
    })
    .await;
    let mut first = open(&gateway, "echo").await;
    let _second = open(&gateway, "echo").await;
    let busy = gateway.get("echo", "/").await;
    assert!(busy.status == 429 || busy.status == 503, "{}", busy.status);
    let text = "x".repeat(500);
    assert_eq!(first.asks(&text).await, text);
    assert_eq!(first.asks(&text).await, text);
    first.text("y").await;
    first.ended().await;
    until(async || gateway.get("echo", "/").await.status == 200).await;
    // Its place is free a moment before its end is counted.
    until(async || {
        gateway.admin("/metrics").await.text().contains("switchyard_limits_total{limit=\"response_bytes\"} 1\n")
    })
    .await;
}

#[tokio::test]
async fn a_node_that_drains_says_goodbye() {
    let mut gateway = node(|config| config.websocket.close_timeout = Duration::from_millis(500)).await;
    let (mut polite, mut silent) = (open(&gateway, "echo").await, open(&gateway, "echo").await);
    assert_eq!((polite.asks("a").await, silent.asks("b").await), ("a".into(), "b".into()));
    let drained = tokio::spawn(gateway.take_app().drain());
    assert_eq!(polite.closed().await, (1001, "The server is going away.".into()));
    polite.close(1001, "").await;
    polite.ended().await;
    assert_eq!(silent.closed().await.0, 1001);
    assert!(tokio::time::timeout(PATIENCE, drained).await.unwrap().unwrap());
    silent.ended().await;
}

#[tokio::test]
async fn what_moves_is_counted() {
    let gateway = node(|_| {}).await;
    let mut client = open(&gateway, "echo").await;
    client.asks("a").await;
    client.asks("b").await;
    let text = gateway.admin("/metrics").await.text().to_owned();
    for line in [
        "switchyard_websockets 1",
        "switchyard_websocket_messages_total{direction=\"received\"} 2",
        "switchyard_websocket_messages_total{direction=\"sent\"} 2",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
    }
    client.close(1000, "").await;
    client.closed().await;
    until(async || {
        let text = gateway.admin("/metrics").await.text().to_owned();
        text.contains("\nswitchyard_websockets 0\n") && text.contains("class=\"1xx\",kind=\"ok\",side=\"none\"} 1")
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_messages_holds_up_no_neighbour() {
    for isolation in ["request", "warm"] {
        let gateway = TestGateway::with(|config| config.runtime.threads = 1).await;
        crate::namespace_settings::put(&gateway, json!({ "isolation": isolation })).await;
        gateway.upload("ns", "echo", ECHO).await;
        gateway.upload("ns", "other", ECHO).await;
        // One that floods comes first, in an instance for all, and one between the others.
        let one = open(&gateway, "echo").await;
        let (mut first, mut other) = (open(&gateway, "echo").await, open(&gateway, "other").await);
        let two = open(&gateway, "echo").await;
        let mut beside = open(&gateway, "echo").await;
        let mut floods = Vec::new();
        for mut client in [one, two] {
            floods.push(tokio::spawn(async move {
                let burst = frame(FINAL | TEXT, b"x", true).repeat(200);
                let (mut read, mut write) = client.stream.split();
                let mut nowhere = tokio::io::sink();
                let sink = tokio::io::copy(&mut read, &mut nowhere);
                let flood = async { while write.write_all(&burst).await.is_ok() {} };
                let _ = tokio::join!(sink, flood);
            }));
        }
        for round in 0..20 {
            let text = format!("{round}");
            for client in [&mut first, &mut beside, &mut other] {
                assert_eq!(client.asks(&text).await, text);
            }
            gateway.get("other", "/").await.is(200, "no upgrade");
        }
        floods.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn a_socket_belongs_to_its_request() {
    let gateway = node(|_| {}).await;
    let source = "let kept;
        export default { fetch(request) {
            if (request.headers.get('upgrade') !== 'websocket') {
                try { kept[new URL(request.url).pathname.slice(1)]('stolen'); return new Response('done'); }
                catch (error) { return new Response(`${error.name}: ${error.message.slice(0, 52)} … ${error.message.slice(-20)}`); }
            }
            const [client, server] = Object.values(new WebSocketPair());
            server.accept();
            server.addEventListener('message', ({ data }) => server.send(data));
            kept = server;
            return new Response(null, { status: 101, webSocket: client });
        } }";
    crate::namespace_settings::put(&gateway, json!({ "isolation": "warm" })).await;
    gateway.upload("ns", "keeps", source).await;
    let mut client = open(&gateway, "keeps").await;
    assert_eq!(client.asks("mine").await, "mine");
    for call in ["send", "close", "accept"] {
        let answer = gateway.get("keeps", &format!("/{call}")).await;
        answer.is(200, "Error: Cannot perform I/O on behalf of a different request. … . (I/O type: Native)");
    }
    assert_eq!(client.asks("still mine").await, "still mine");
}

#[tokio::test]
async fn bytes_that_are_no_frames_are_survived() {
    let gateway = node(|config| config.websocket.message_bytes = 1 << 20).await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for round in 0..crate::harness::scaled(100) {
        let mut client = open(&gateway, "echo").await;
        let mut bytes: Vec<u8> = (0..round * 7 % 300).map(|_| random()).collect();
        if round % 2 == 0 {
            // Begins as a frame does.
            bytes.splice(0..0, [0x81, 0x80 | random() & 0x7f]);
        }
        // The server may have seen enough before all of it is sent.
        let _ = client.stream.write_all(&bytes).await;
    }
    assert_eq!(open(&gateway, "echo").await.asks("well").await, "well");
    until(async || gateway.admin("/metrics").await.text().contains("\nswitchyard_websockets 0\n")).await;
}
