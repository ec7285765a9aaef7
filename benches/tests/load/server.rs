//! Servers that do as the path says, and tell what they were asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub line: String,
    pub host: String,
    pub headers: String,
    pub body: String,
}

/// One on loopback; it ends with the test's process.
pub struct Server {
    pub address: SocketAddr,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

/// When a server stalls: so long after its first request, for so long.
#[derive(Debug, Clone, Copy)]
pub struct Stall {
    pub after: Duration,
    pub length: Duration,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Ways {
    pub stall: Option<Stall>,
    /// Accepts so many connections, then listens no more.
    pub accepts: Option<usize>,
}

impl Server {
    /// HTTP/1.1 by hand: `/404` and other numbers answer so, `/broken` is no HTTP, `/long` has more than it says,
    /// `/closed` is cut within the body, `/silent` never answers, `/last` closes after the answer, all others say hello.
    pub fn start(ways: Ways) -> Self {
        Self::with(move |listener, asked| async move {
            let first: Arc<Mutex<Option<Instant>>> = Arc::default();
            let mut left = ways.accepts.unwrap_or(usize::MAX);
            while left > 0 {
                let Ok((stream, _)) = listener.accept().await else { return };
                left -= 1;
                tokio::spawn(serve(stream, ways.stall, first.clone(), asked.clone()));
            }
            drop(listener);
            std::future::pending::<()>().await;
        })
    }

    pub fn hello() -> Self {
        Self::start(Ways::default())
    }

    /// HTTP/1.1 and HTTP/2 by hyper; with TLS where an acceptor is given.
    pub fn hyper(tls: Option<TlsAcceptor>) -> Self {
        Self::with(move |listener, asked| async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, asked) = (tls.clone(), asked.clone());
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(request, asked.clone()));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // The generator closes connections as it likes.
                    let _ = match tls {
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            builder.serve_connection(TokioIo::new(stream), service).await
                        }
                        None => builder.serve_connection(TokioIo::new(stream), service).await,
                    };
                });
            }
        })
    }

    fn with<F, R>(serve: F) -> Self
    where
        F: FnOnce(TcpListener, Arc<Mutex<Vec<Asked>>>) -> R + Send + 'static,
        R: Future<Output = ()>,
    {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (told, tells) = std::sync::mpsc::channel();
        let of = asked.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("the test waits");
                serve(listener, of).await;
            });
        });
        Self { address: tells.recv().expect("an address"), asked }
    }

    /// How often each host was asked for, by name.
    pub fn hosts(&self) -> std::collections::BTreeMap<String, usize> {
        let mut hosts = std::collections::BTreeMap::new();
        for asked in self.asked.lock().expect("no panic").iter() {
            *hosts.entry(asked.host.clone()).or_default() += 1;
        }
        hosts
    }
}

async fn serve(
    mut stream: TcpStream,
    stall: Option<Stall>,
    first: Arc<Mutex<Option<Instant>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = next(&mut stream, &mut buffer).await {
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        asked.lock().expect("no panic").push(request);
        if let Some(stall) = stall {
            let first = *first.lock().expect("no panic").get_or_insert_with(Instant::now);
            let now = Instant::now();
            if now >= first + stall.after && now < first + stall.after + stall.length {
                tokio::time::sleep_until((first + stall.after + stall.length).into()).await;
            }
        }
        let (answer, closes) = match path.trim_start_matches('/') {
            "broken" => ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), false),
            "long" => ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nhello".to_owned(), false),
            "closed" => ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello".to_owned(), true),
            "last" => ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello".to_owned(), true),
            "silent" => return tokio::time::sleep(Duration::from_secs(60)).await,
            status if status.parse::<u16>().is_ok() => {
                (format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"), false)
            }
            _ => ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_owned(), false),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || closes {
            return;
        }
    }
}

/// `None`: the connection has ended.
async fn next(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    loop {
        let head = buffer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = head.map(|at| at + 4) {
            let headers = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let value = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let length: usize = value("content-length:").map_or(0, |length| length.parse().expect("a length"));
            if buffer.len() >= end + length {
                let body = String::from_utf8_lossy(&buffer[end..end + length]).into_owned();
                let line = headers.lines().next().unwrap_or_default().to_owned();
                let host = value("host:").unwrap_or_default().to_owned();
                buffer.drain(..end + length);
                return Some(Asked { line, host, headers, body });
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let host = head.uri.authority().map(ToString::to_string);
    let host = host.or_else(|| head.headers.get("host")?.to_str().ok().map(str::to_owned)).unwrap_or_default();
    let body = body.collect().await.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    let line = format!("{} {} {:?}", head.method, head.uri.path(), head.version);
    let asking = Asked { line, host, headers: format!("{:?}", head.headers), body: body.unwrap_or_default() };
    asked.lock().expect("no panic").push(asking);
    // Over HTTP/2 nobody takes the body away for a server.
    let hello = if head.method == http::Method::HEAD { "" } else { "hello" };
    let mut response = Response::new(Full::new(Bytes::from_static(hello.as_bytes())));
    match head.uri.path().trim_start_matches('/') {
        "silent" => tokio::time::sleep(Duration::from_secs(60)).await,
        status => {
            if let Ok(status) = status.parse::<u16>() {
                *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            }
        }
    }
    Ok(response)
}
