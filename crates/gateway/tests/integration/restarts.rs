//! SIGTERM under load: every request that a node has taken is answered, however often it is restarted.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::harness::{PATIENCE, data, scaled};
use crate::process::{line, switchyard};

const CLIENTS: usize = 12;
/// What [`client`] calls.
pub const SCRIPT: &str = "export default { async fetch(r) { const text = await r.text();
    if (r.url.endsWith('/slow')) await scheduler.wait(150);
    return new Response(text + ' back'); } };";

async fn start(file: &Path) -> Child {
    let mut child = switchyard(&["serve", "--config", file.to_str().unwrap()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(line(&mut lines).await.starts_with("ready "));
    child
}

/// One whole answer on a connection.
async fn answer(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = Vec::new();
    loop {
        let head = text.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let start = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let length = start.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length = length.and_then(|length| length.parse::<usize>().ok()).ok_or(ErrorKind::InvalidData)?;
            if text.len() >= head + 4 + length {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
        }
        if tokio::time::timeout(PATIENCE, stream.read_buf(&mut text)).await?? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Connects whenever a node listens, and sends one request after the other until it is told to connect
/// anew. A connection that is refused has taken no request; nor has one whose first is reset: the kernel made it
/// for a listener that was closed before it was accepted.
pub async fn client(
    number: usize,
    node: SocketAddr,
    host: &'static str,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
) -> Vec<String> {
    let mut failed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(node).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let mut first = true;
        loop {
            let path = if number.is_multiple_of(3) { "/slow" } else { "/" };
            let request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello");
            let answered = match stream.write_all(request.as_bytes()).await {
                Ok(()) => answer(&mut stream).await,
                Err(error) => Err(error),
            };
            let text = match answered {
                Ok(text) => text,
                Err(error) if first && error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => {
                    failed.push(format!("a request had no answer: {error}"));
                    break;
                }
            };
            first = false;
            if !text.starts_with("HTTP/1.1 200 ") || !text.ends_with("hello back") {
                failed.push(text);
                break;
            }
            sent.fetch_add(1, Ordering::Relaxed);
            if text.to_ascii_lowercase().contains("connection: close") || stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_times_under_load() {
    let data = data().await;
    let file = data.path().join("node.toml");
    let node = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "data = {:?}\n[[listener]]\nbind = \"{node}\"\n[admin]\nbind = \"127.0.0.1:0\"\n\
         [[resolver]]\nkind = \"subdomain\"\nsuffix = \"test\"\nnamespace = \"ns\"\n\
         [bootstrap]\nnamespaces = [\"ns\"]\n[log]\naccess = \"off\"\n\
         [timeouts]\ndrain_idle = \"10s\"\n", // on a busy machine a client may take its time between two requests
        data.path()
    );
    std::fs::write(&file, text).unwrap();
    let mut child = start(&file).await;
    let source = data.path().join("t.js");
    std::fs::write(&source, SCRIPT).unwrap();
    let arguments = ["deploy", "ns/t", source.to_str().unwrap(), "--data", data.path().to_str().unwrap()];
    let output = switchyard(&arguments).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");

    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(client(number, node, "t.test", stop.clone(), sent.clone()))).collect();
    let rounds = scaled(20).max(2);
    for round in 0..rounds {
        let before = sent.load(Ordering::Relaxed);
        while sent.load(Ordering::Relaxed) < before + 100 {
            assert!(child.try_wait().unwrap().is_none(), "the node ended by itself");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let told = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
        assert!(told.success());
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
        assert_eq!(ended.code(), Some(0), "round {round}");
        child = start(&file).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut failed = Vec::new();
    for client in clients {
        failed.extend(client.await.unwrap());
    }
    let sent = sent.load(Ordering::Relaxed);
    println!("{sent} requests over {rounds} restarts");
    assert_eq!(failed, Vec::<String>::new(), "of {sent}");
    assert!(sent >= 100 * rounds as u64);
}
