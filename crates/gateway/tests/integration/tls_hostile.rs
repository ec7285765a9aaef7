//! Clients that do with TLS what none should: nothing of it takes the node from the others.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::basics::HELLO;
use crate::harness::{PATIENCE, read_to_end, scaled};
use crate::tls::{NAMES, metric, metric_is, node};
use crate::tls_client::{Ca, Offer, ask, get};
use crate::websocket_limits::until;

/// What a client sends first.
fn client_hello(ca: &Ca, host: &str) -> Vec<u8> {
    let config = Arc::new(ca.client(&Offer::of(host)));
    let mut client = ClientConnection::new(config, ServerName::try_from(host.to_owned()).unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

async fn send(node: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(node).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes, or resets, the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _ = read.expect("the server closes in time");
    bytes
}

fn end(name: &str) -> String {
    format!("switchyard_tls_handshakes_total{{end=\"{name}\"}}")
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |config| config.timeouts.handshake = Duration::from_millis(300)).await;
    gateway.upload("ns", "hello", HELLO).await;
    let hello = client_hello(&ca, "hello.test");
    for (number, bytes) in [&[][..], &hello[..1], &hello[..100], &hello].into_iter().enumerate() {
        let mut stream = send(gateway.address(), bytes).await;
        let answer = rest(&mut stream).await;
        assert_eq!(!answer.is_empty(), bytes.len() == hello.len());
        metric_is(&gateway, &end("late"), number as u64 + 1).await;
    }
    drop(send(gateway.address(), &hello[..50]).await);
    metric_is(&gateway, &end("gone"), 1).await;
    let stream = ca.connect(gateway.address(), Offer::of("hello.test")).await;
    ask(stream, get("hello.test", "/")).await.is(200, "hello");
    metric_is(&gateway, "switchyard_connections", 0).await;
}

#[tokio::test]
async fn what_is_no_tls_is_told_so_or_closed() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |_| {}).await;
    for plain in ["GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PROXY UNKNOWN\r\n"]
    {
        let answer = read_to_end(&mut send(gateway.address(), plain.as_bytes()).await).await;
        assert!(answer.starts_with("HTTP/1.0 400 ") && answer.contains("speaks HTTPS"), "{answer}");
    }
    assert_eq!(rest(&mut send(gateway.address(), b"\x00\x01\x02").await).await, b"");
    metric_is(&gateway, &end("not_tls"), 4).await;

    let hello = client_hello(&ca, "hello.test");
    let with = |at: usize, byte: u8| {
        let mut bytes = hello.clone();
        bytes[at] = byte;
        bytes
    };
    // Its record and message are longer than they say, a message of another kind, and noise.
    let noise: Vec<u8> = [&[0x16, 3, 1, 0x02, 0][..], &[0xa5; 0x200]].concat();
    for bytes in [with(8, 0xff), with(5, 2), noise, [&[0x16, 9, 9, 0, 1][..], &[1]].concat()] {
        let mut stream = send(gateway.address(), &bytes).await;
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer[0] == 0x15, "{}", answer.escape_ascii());
    }
    // No place for a first message of 64 KiB is made for anyone: it says how long it is, and is believed.
    let record = [&[0x16, 3, 1, 0x40, 0][..], &[0; 0x4000]].concat();
    let mut huge = record.clone();
    huge[5..9].copy_from_slice(&[1, 0, 0xff, 0xff]);
    let mut stream = send(gateway.address(), &huge).await;
    let _ = stream.write_all(&record).await;
    rest(&mut stream).await;
    // The client may be through before its end is counted.
    until(async || metric(&gateway, &end("failed")).await + metric(&gateway, &end("gone")).await == 5).await;
    let failed = metric(&gateway, &end("failed")).await;
    assert!(failed >= 3, "{failed}");
    metric_is(&gateway, &end("ok"), 0).await;
}

#[tokio::test]
async fn ten_thousand_names_leave_nothing_behind() {
    let ca = Ca::new();
    let strict = |config: &mut switchyard_gateway::Config| {
        config.listener[0].tls.as_mut().unwrap().strict_sni = true;
    };
    let (gateway, _) = node(&ca, &["hello.test"], strict).await;
    gateway.upload("ns", "hello", HELLO).await;
    let series = async || gateway.admin("/metrics").await.text().lines().filter(|line| !line.starts_with('#')).count();
    let before = series().await;
    let names = scaled(10_000);
    let config = Arc::new(ca.client(&Offer::of("x.test")));
    for number in 0..names {
        // Longer, shorter, deeper.
        let name = format!("{}{number:x}.{}example", "a".repeat(number % 50), "b.".repeat(number % 20));
        let mut client = ClientConnection::new(config.clone(), ServerName::try_from(name).unwrap()).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        let answer = rest(&mut send(gateway.address(), &bytes).await).await;
        assert_eq!(answer, [0x15, 3, 3, 0, 2, 2, 112], "unrecognized_name");
    }
    metric_is(&gateway, &end("unknown_name"), names as u64).await;
    assert_eq!(series().await, before);
    let stream = ca.connect(gateway.address(), Offer::of("hello.test")).await;
    ask(stream, get("hello.test", "/")).await.is(200, "hello");
}

/// More clients than may compute at once begin and go no further: the next one is served all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes_keeps_nobody_out() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |config| {
        config.limits.handshakes = 1;
        config.timeouts.handshake = Duration::from_secs(20);
    })
    .await;
    gateway.upload("ns", "hello", HELLO).await;
    let hello = client_hello(&ca, "hello.test");
    let mut held = Vec::new();
    for number in 0..scaled(300) {
        held.push(send(gateway.address(), if number % 3 == 0 { &hello[..40] } else { &hello }).await);
        if number % 30 == 0 {
            let stream = ca.connect(gateway.address(), Offer::of("hello.test")).await;
            ask(stream, get("hello.test", "/")).await.is(200, "hello");
        }
    }
    // Nor are those in the way who have no use for TLS.
    let uri = format!("http://{}/", gateway.addresses()[1]);
    let request = http::Request::get(uri).header("host", "hello.test").body(Default::default()).unwrap();
    gateway.request(request).await.is(200, "hello");
    drop(held);
    metric_is(&gateway, &end("gone"), scaled(300) as u64).await;
}

/// More than there may be of connections: further ones wait in the kernel and are served when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_have_a_bound_before_their_handshake() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |config| {
        config.listener.truncate(1); // each keeps a place for the next to come
        config.limits.connections = 10;
        config.timeouts.handshake = Duration::from_secs(3);
    })
    .await;
    gateway.upload("ns", "hello", HELLO).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(send(gateway.address(), b"").await);
    }
    metric_is(&gateway, "switchyard_connections", 10).await;
    // Served when the deadline of the others has passed.
    let stream = ca.connect(gateway.address(), Offer::of("hello.test")).await;
    ask(stream, get("hello.test", "/")).await.is(200, "hello");
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_cut() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |config| config.timeouts.body = Duration::from_millis(300)).await;
    let big = "export default { fetch: () => new Response(new ReadableStream({
        pull: c => c.enqueue(new Uint8Array(100000)) })) };";
    gateway.upload("ns", "big", big).await;
    let mut stream = ca.connect(gateway.address(), Offer::of("big.test")).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: big.test\r\n\r\n").await.unwrap();
    metric_is(&gateway, "switchyard_connections", 0).await;
}

/// OpenSSL's client, where there is one: what it makes of the node, and what becomes of a renegotiation.
#[tokio::test]
async fn openssl_agrees() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &["hello.test"], |config| config.timeouts.head = Duration::from_secs(2)).await;
    gateway.upload("ns", "hello", HELLO).await;
    let authority = gateway.data.path().join("ca.pem");
    std::fs::write(&authority, ca.pem()).unwrap();
    let node = gateway.address().to_string();
    let run = async |more: &[&str], input: &str| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &node, "-servername", "hello.test", "-verify_return_error"]);
        command.args(["-CAfile", authority.to_str().unwrap()]).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().ok()?;
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        // It is told to go on until the server closes.
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends in time").unwrap();
        drop(stdin);
        Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let request = "GET / HTTP/1.1\r\nHost: hello.test\r\nConnection: close\r\n\r\n";
    let Some(told) = run(&["-ign_eof", "-crlf"], &request.replace("\r\n", "\n")).await else {
        println!("SKIPPED: there is no openssl");
        return;
    };
    for part in ["TLSv1.3", "Verify return code: 0 (ok)", "HTTP/1.1 200", "hello"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // A line "R" asks to negotiate anew.
    let told = run(&["-tls1_2"], "R\n").await.unwrap();
    assert!(told.contains("RENEGOTIATING") && !told.contains("HTTP/1.1"), "{told}");
    assert!(told.contains(":error:"), "{told}");
    // Nothing older than TLS 1.2, and nothing without forward secrecy.
    for old in [&["-tls1_1", "-cipher", "ALL@SECLEVEL=0"][..], &["-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0"]] {
        let told = run(old, "").await.unwrap();
        assert!(told.contains("alert") || told.contains("no protocols available"), "{told}");
        assert!(!told.contains("Verify return code: 0 (ok)\n---\nHTTP"), "{told}");
    }
}

/// curl, where there is one: a client that people use.
#[tokio::test]
async fn curl_agrees() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &["hello.test"], |_| {}).await;
    gateway.upload("ns", "hello", HELLO).await;
    let authority = gateway.data.path().join("ca.pem");
    std::fs::write(&authority, ca.pem()).unwrap();
    let port = gateway.address().port();
    for (version, seen) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let mut command = Command::new("curl");
        command.args(["-sS", version, "--cacert", authority.to_str().unwrap(), "-w", " %{http_version}"]);
        command.args(["--resolve", &format!("hello.test:{port}:127.0.0.1"), &format!("https://hello.test:{port}/")]);
        let Ok(output) = command.kill_on_drop(true).output().await else {
            println!("SKIPPED: there is no curl");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("hello {seen}"), "{output:?}");
    }
}
