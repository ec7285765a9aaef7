//! A node that ends fails no request.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::basics::HELLO;
use crate::harness::{TestGateway, read_to_end, read_until};

const SLOW: &str = "export default { async fetch() {
    await new Promise(done => setTimeout(done, 300)); return new Response('slow but well'); } };";

async fn connect(gateway: &TestGateway, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn requests_under_way_are_answered_and_their_connections_close() {
    let mut gateway = TestGateway::start().await;
    gateway.upload("ns", "slow", SLOW).await;
    let mut under_way = connect(&gateway, "GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (drained, answer) = tokio::join!(gateway.take_app().drain(), read_to_end(&mut under_way));
    assert!(drained);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("slow but well"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_request_on_an_open_connection_is_still_answered() {
    let mut gateway = TestGateway::with(|config| config.timeouts.drain_idle = Duration::from_secs(5)).await;
    gateway.upload("ns", "hello", HELLO).await;
    let mut used = connect(&gateway, "GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n").await;
    read_until(&mut used, "hello").await;
    let mut fresh = connect(&gateway, "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let app = gateway.take_app();
    let drain = tokio::spawn(app.drain());
    tokio::time::sleep(Duration::from_millis(50)).await;
    for stream in [&mut used, &mut fresh] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n").await.unwrap();
        let answer = read_to_end(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"), "{answer}");
    }
    assert!(drain.await.unwrap());
}

#[tokio::test]
async fn readiness_goes_before_anything_else() {
    let mut gateway = TestGateway::with(|config| config.timeouts.drain_delay = Duration::from_millis(500)).await;
    gateway.upload("ns", "hello", HELLO).await;
    let (address, admin) = (gateway.address(), gateway.admin_address());
    let drain = tokio::spawn(gateway.take_app().drain());
    tokio::time::sleep(Duration::from_millis(50)).await;
    for (address, head, wanted) in [
        (admin, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "draining"),
        (admin, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "ok"),
        (address, "GET / HTTP/1.1\r\nHost: hello.test\r\nConnection: close\r\n\r\n", "hello"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(read_to_end(&mut stream).await.trim_end().ends_with(wanted));
    }
    assert!(drain.await.unwrap());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn requests_that_outlive_the_grace_are_cut() {
    let mut gateway = TestGateway::with(|config| config.timeouts.drain = Duration::from_millis(200)).await;
    let never = "export default { async fetch() { await new Promise(done => setTimeout(done, 60000)); } };";
    gateway.upload("ns", "never", never).await;
    let mut stream = connect(&gateway, "GET / HTTP/1.1\r\nHost: never.test\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!gateway.take_app().drain().await);
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_http2_client_that_asks_for_nothing_is_closed() {
    let gateway = TestGateway::with(|config| config.timeouts.body = Duration::from_millis(200)).await;
    let endless = "export default { fetch: () => new Response(new ReadableStream({
        pull: c => c.enqueue(new Uint8Array(1000)) })) };";
    gateway.upload("ns", "endless", endless).await;
    let io = hyper_util::rt::TokioIo::new(TcpStream::connect(gateway.address()).await.unwrap());
    let mut client = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
    client.initial_stream_window_size(1_000);
    let (mut sender, connection) = client.handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let request = http::Request::get("http://endless.test/").body(body).unwrap();
    let _unread = sender.send_request(request).await.unwrap();
    let ended = tokio::time::timeout(crate::harness::PATIENCE, connection).await;
    ended.expect("the server closes in time").unwrap().ok();
}

#[tokio::test]
async fn slow_and_silent_clients_are_closed() {
    let gateway = TestGateway::with(|config| {
        config.timeouts.head = Duration::from_millis(200);
        config.timeouts.idle = Duration::from_millis(200);
        config.timeouts.body = Duration::from_millis(200);
    })
    .await;
    gateway.upload("ns", "hello", HELLO).await;
    gateway.upload("ns", "text", "export default { fetch: async r => new Response(await r.text()) };").await;
    for (name, bytes) in [
        ("silent", ""),
        ("half a head", "GET / HTTP/1.1\r\nHost: hello"),
        ("half a preface", "PRI * HTTP/2.0\r\n"),
        ("idle", "GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n"),
        ("half a body", "POST / HTTP/1.1\r\nHost: text.test\r\nContent-Length: 10\r\n\r\n12345"),
    ] {
        let mut stream = connect(&gateway, bytes).await;
        let answer = read_to_end(&mut stream).await;
        assert_eq!(answer.starts_with("HTTP/1.1 200 "), name == "idle", "{name}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_clients_see_every_answer_of_a_node_that_drains() {
    let mut gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    let address = gateway.address();
    let clients: Vec<_> = (0..24)
        .map(|_| {
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let mut answers = 0;
                loop {
                    stream.write_all(b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n").await.unwrap();
                    let answer = read_until(&mut stream, "hello").await;
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    answers += 1;
                    if answer.to_lowercase().contains("connection: close") {
                        return answers;
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(gateway.take_app().drain().await);
    for client in clients {
        assert!(client.await.unwrap() > 1);
    }
}

#[tokio::test]
async fn an_http2_client_is_told_and_its_requests_finish() {
    let mut gateway = TestGateway::start().await;
    gateway.upload("ns", "slow", SLOW).await;
    let io = hyper_util::rt::TokioIo::new(TcpStream::connect(gateway.address()).await.unwrap());
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let request = http::Request::get("http://slow.test/").body(body).unwrap();
    let answer = tokio::spawn(sender.send_request(request));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(gateway.take_app().drain().await);
    crate::harness::collect(answer.await.unwrap().unwrap()).await.is(200, "slow but well");
    connection.await.unwrap().unwrap();
}
