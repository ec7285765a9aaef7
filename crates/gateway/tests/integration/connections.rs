//! How many connections there may be: of one client, by its address, and of all, on whichever listener they come in.

use std::net::SocketAddr;
use std::time::Duration;

use switchyard_gateway::Config;
use switchyard_gateway::config::{Listener, ProxyProtocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::basics::HELLO;
use crate::harness::{PATIENCE, TestGateway};
use crate::tls::metric_is;
use crate::websocket_client::Client;

const REFUSED: &str = "switchyard_connections_refused_total";

async fn node(change: impl FnOnce(&mut Config)) -> TestGateway {
    let gateway = TestGateway::with(change).await;
    gateway.upload("ns", "hello", HELLO).await;
    gateway
}

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// One request on a connection that stays open. False: the connection was closed instead.
async fn is_served(stream: &mut TcpStream, before: &[u8]) -> bool {
    let whole = [before, b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n"].concat();
    if stream.write_all(&whole).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(b"hello") {
            let mut bytes = [0; 1_024];
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return answer.is_empty(),
                Ok(len) => answer.extend_from_slice(&bytes[..len]),
            }
        }
        false
    };
    let closed = tokio::time::timeout(PATIENCE, read).await.expect("an end in time");
    assert!(closed || answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
    !closed
}

/// A connection that holds a place.
async fn held(from: &str, to: SocketAddr, before: &[u8]) -> Option<TcpStream> {
    let mut stream = connect(from, to).await;
    is_served(&mut stream, before).await.then_some(stream)
}

/// As [`held`], once a place is free again.
async fn held_soon(from: &str, to: SocketAddr, before: &[u8]) -> TcpStream {
    let tried = async {
        loop {
            match held(from, to, before).await {
                Some(stream) => break stream,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.expect("a place in time")
}

#[tokio::test]
async fn an_address_has_so_many_and_others_have_theirs() {
    let gateway = node(|config| {
        config.limits.connections_per_address = 3;
        config.listener.push(Listener::at("127.0.0.1:0".parse().unwrap()));
    })
    .await;
    let [first, second] = *gateway.addresses() else { panic!("two listeners") };
    let from = "127.0.0.2";
    let mut open = Vec::new();
    for to in [first, second, first] {
        open.push(held(from, to, b"").await.expect("below the line"));
    }
    metric_is(&gateway, REFUSED, 0).await;
    for to in [first, second] {
        assert!(held(from, to, b"").await.is_none(), "one more is closed, whichever listener it comes by");
    }
    metric_is(&gateway, REFUSED, 2).await;
    assert!(held("127.0.0.3", first, b"").await.is_some(), "another address");
    // Those that are open serve on, and one that ends makes room for one.
    for stream in &mut open {
        assert!(is_served(stream, b"").await);
    }
    open.pop();
    open.push(held_soon(from, second, b"").await);
    assert!(held(from, first, b"").await.is_none());
}

#[tokio::test]
async fn a_load_balancers_clients_are_counted_and_not_itself() {
    let trusted = vec!["127.0.0.1".parse::<std::net::IpAddr>().unwrap().into()];
    let gateway = node(|config| {
        config.limits.connections_per_address = 2;
        config.listener[0].proxy_protocol = Some(ProxyProtocol { trusted });
    })
    .await;
    let to = gateway.address();
    let mut open = Vec::new();
    let v4 = |client: &str| format!("PROXY TCP4 {client} 10.0.0.1 4660 80\r\n").into_bytes();
    let v6 = |client: &str| format!("PROXY TCP6 {client} ::1 4660 80\r\n").into_bytes();
    for (header, served) in [
        (v4("192.0.2.7"), true),
        (v4("192.0.2.7"), true),
        (v4("192.0.2.7"), false),
        (v6("::ffff:192.0.2.7"), false),
        (v4("192.0.2.8"), true),
        // A /64 is one client, the next one another.
        (v6("2001:db8:0:1::1"), true),
        (v6("2001:db8:0:1:2:3:4:5"), true),
        (v6("2001:db8:0:1:ffff::"), false),
        (v6("2001:db8:0:2::1"), true),
        // Its own checks, and connections of it knows not whom.
        (b"PROXY UNKNOWN\r\n".to_vec(), true),
        (b"PROXY UNKNOWN\r\n".to_vec(), true),
        (b"PROXY UNKNOWN\r\n".to_vec(), true),
    ] {
        let held = held("127.0.0.1", to, &header).await;
        assert_eq!(held.is_some(), served, "{}", header.escape_ascii());
        open.extend(held);
    }
    metric_is(&gateway, REFUSED, 3).await;
    drop(open);
    held_soon("127.0.0.1", to, &v4("192.0.2.7")).await;
}

/// Whose headers a listener believes stands for many.
#[tokio::test]
async fn a_trusted_peer_may_have_them_all() {
    let gateway = node(|config| {
        config.limits.connections_per_address = 1;
        config.listener[0].trusted = vec!["127.0.0.2/32".parse().unwrap()];
    })
    .await;
    let to = gateway.address();
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(held("127.0.0.2", to, b"").await.expect("it is not counted"));
    }
    open.push(held("127.0.0.3", to, b"").await.unwrap());
    assert!(held("127.0.0.3", to, b"").await.is_none());
}

#[tokio::test]
async fn it_can_be_off_and_is_read_again() {
    let mut gateway = node(|config| config.limits.connections_per_address = 0).await;
    let to = gateway.address();
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(held("127.0.0.2", to, b"").await.unwrap());
    }
    let mut app = gateway.take_app();
    let mut config = app.config().clone();
    config.limits.connections_per_address = 1;
    assert_eq!(app.reload(&config).await.unwrap(), [""; 0]);
    gateway.put_app(app);
    // From the next connection on: those that are open were not counted, and stay.
    let _one = held("127.0.0.2", to, b"").await.unwrap();
    assert!(held("127.0.0.2", to, b"").await.is_none());
    for stream in &mut open {
        assert!(is_served(stream, b"").await);
    }
    metric_is(&gateway, REFUSED, 1).await;
}

/// What has become of a connection is still one.
#[tokio::test]
async fn a_websocket_is_a_connection_to_its_end() {
    const ECHO: &str = "export default { fetch() {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        server.addEventListener('message', event => server.send(event.data));
        return new Response(null, { status: 101, webSocket: client });
    } };";
    let gateway = node(|config| config.limits.connections_per_address = 2).await;
    gateway.upload("ns", "echo", ECHO).await;
    let to = gateway.address();
    let mut first = Client::open(to, "echo.test", "/").await;
    let _second = Client::open(to, "echo.test", "/").await;
    assert!(held("127.0.0.1", to, b"").await.is_none());
    metric_is(&gateway, "switchyard_connections", 2).await;
    assert_eq!(first.asks("still").await, "still");
    drop(first);
    held_soon("127.0.0.1", to, b"").await;
    metric_is(&gateway, "switchyard_connections", 1).await;
}

/// A listener that waits for a client holds no place that a client of another one could have.
#[tokio::test]
async fn one_listener_can_have_all_places() {
    let gateway = node(|config| {
        config.limits.connections = 3;
        for _ in 0..3 {
            config.listener.push(Listener::at("127.0.0.1:0".parse().unwrap()));
        }
    })
    .await;
    let to = gateway.addresses()[2];
    // Of the upload, and what else is idle.
    metric_is(&gateway, "switchyard_connections", 0).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(held("127.0.0.1", to, b"").await.unwrap());
    }
    // One more waits until one has gone.
    let mut waits = connect("127.0.0.1", to).await;
    let served = tokio::spawn(async move { is_served(&mut waits, b"").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!served.is_finished());
    metric_is(&gateway, "switchyard_connections", 3).await;
    open.pop();
    assert!(tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap());
}

/// Its client has seen it succeed.
#[tokio::test]
async fn a_connection_that_waits_for_a_place_is_served_in_the_drain() {
    let gateway = node(|config| config.limits.connections = 1).await;
    let to = gateway.address();
    let _held = held("127.0.0.1", to, b"").await.unwrap();
    let mut waits = connect("127.0.0.1", to).await;
    let served = tokio::spawn(async move { is_served(&mut waits, b"").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!served.is_finished());
    gateway.stop().await;
    assert!(tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap());
}
