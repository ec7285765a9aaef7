//! An origin beside the node, which counts what it gets and does as its path says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::harness::{Answer, TestGateway};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Reply = Response<UnsyncBoxBody<Bytes, Error>>;

/// Of the test's origins, and of nothing else.
pub const LOOPBACK: &str = "127.0.0.0/8";

/// A node that lets upstreams reach this machine.
pub async fn gateway() -> TestGateway {
    gateway_with(|_| {}).await
}

pub async fn gateway_with(change: impl FnOnce(&mut switchyard_gateway::Config)) -> TestGateway {
    let with = |config: &mut switchyard_gateway::Config| {
        config.upstream.allow = vec![LOOPBACK.parse().unwrap()];
        change(config);
    };
    TestGateway::with(with).await
}

/// Puts an upstream into the namespace `ns`; what the API says.
pub async fn put(gateway: &TestGateway, script: &str, upstream: Value) -> Answer {
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/{script}", gateway.account());
    let body = json!({ "metadata": { "upstream": upstream } }).to_string();
    gateway.api(Method::PUT, &path, "application/json", body.into()).await
}

/// As [`put`], of origins alone, with more fields.
pub async fn set(gateway: &TestGateway, script: &str, origins: &[&Origin], mut more: Value) {
    let origins: Vec<Value> = origins.iter().map(|origin| json!({ "url": origin.url() })).collect();
    more["origins"] = origins.into();
    let answer = put(gateway, script, more).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

pub struct Origin {
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// Lets `/stream` send the rest.
    pub release: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Origin {
    /// Answers with its name.
    pub async fn start(name: &'static str) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), name).await
    }

    pub async fn at(address: SocketAddr, name: &'static str) -> Self {
        Self::with(address, move |stream, requests, release| async move {
            let service = service_fn(move |request| {
                requests.fetch_add(1, Ordering::SeqCst);
                let release = release.clone();
                async move { Ok::<_, std::convert::Infallible>(answer(name, request, release).await) }
            });
            let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _ = served.with_upgrades().await;
        })
        .await
    }

    /// Writes these bytes to whoever has sent something, and closes.
    pub async fn saying(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::with("127.0.0.1:0".parse().unwrap(), move |mut stream, requests, _| {
            let bytes = bytes.clone();
            async move {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    requests.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(&bytes).await;
                }
            }
        })
        .await
    }

    /// Answers a check with 500 until it is released, and anything else well.
    pub async fn sick_until_released() -> Self {
        let well = Arc::<std::sync::atomic::AtomicBool>::default();
        Self::with("127.0.0.1:0".parse().unwrap(), move |stream, requests, release| {
            let well = well.clone();
            async move {
                let turned = well.clone();
                tokio::spawn(async move {
                    release.notified().await;
                    turned.store(true, Ordering::SeqCst);
                });
                let service = service_fn(move |request: Request<Incoming>| {
                    requests.fetch_add(1, Ordering::SeqCst);
                    let is_check = request.uri().query() == Some("deep=1");
                    let status = if is_check && !well.load(Ordering::SeqCst) { 500 } else { 200 };
                    async move {
                        let reply = Response::builder().status(status).body(whole("sick")).unwrap();
                        Ok::<_, std::convert::Infallible>(reply)
                    }
                });
                let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let _ = served.await;
            }
        })
        .await
    }

    /// Where nobody listens.
    pub fn unbound(address: SocketAddr) -> Self {
        let task = tokio::spawn(async {});
        let (requests, connections, release) = (Arc::default(), Arc::default(), Arc::default());
        Self { address, requests, connections, release, task }
    }

    pub async fn with<F, R>(address: SocketAddr, serve: F) -> Self
    where
        F: Fn(TcpStream, Arc<AtomicUsize>, Arc<Notify>) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (requests, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let release = Arc::<Notify>::default();
        let (counted, opened, released) = (requests.clone(), connections.clone(), release.clone());
        let task = tokio::spawn(async move {
            // Dropped with the task, which closes them.
            let mut open = JoinSet::new();
            loop {
                let Ok((stream, _)) = socket.accept().await else { return };
                opened.fetch_add(1, Ordering::SeqCst);
                open.spawn(serve(stream, counted.clone(), released.clone()));
            }
        });
        Self { address, requests, connections, release, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn opened(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Closes its socket and all its connections.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}

fn whole(text: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, Error> {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// `first`, then the rest when it is released.
fn stream(release: Arc<Notify>) -> UnsyncBoxBody<Bytes, Error> {
    let stream = futures_util::stream::unfold(0, move |step| {
        let release = release.clone();
        async move {
            let text = match step {
                0 => "first",
                1 => {
                    release.notified().await;
                    "last"
                }
                _ => return None,
            };
            Some((Ok(Frame::data(Bytes::from_static(text.as_bytes()))), step + 1))
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(stream))
}

async fn answer(name: &'static str, mut request: Request<Incoming>, release: Arc<Notify>) -> Reply {
    let path = request.uri().path().to_owned();
    let built = |status: u16, body| Response::builder().status(status).body(body).unwrap();
    let with = |status: u16, name: &str, value: &str, body| {
        Response::builder().status(status).header(name, value).body(body).unwrap()
    };
    match path.as_str() {
        "/show" => {
            let mut shown = json!({ "method": request.method().as_str(), "target": request.uri().to_string() });
            for (name, value) in request.headers() {
                shown[name.as_str()] = value.to_str().unwrap().into();
            }
            let body = request.into_body().collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
            shown["body"] = String::from_utf8_lossy(&body).into();
            with(200, "x-answered-by", name, whole(shown.to_string()))
        }
        "/echo" => Response::new(request.into_body().map_err(Into::into).boxed_unsync()),
        "/redirect" => with(302, "location", "/show", whole("moved")),
        "/missing" => built(404, whole("not here")),
        "/stream" => Response::new(stream(release)),
        // Until the test lets it.
        "/late" => {
            release.notified().await;
            built(200, whole(name))
        }
        "/gzip" => {
            let mut bytes = Vec::new();
            let mut encoder = async_compression::tokio::bufread::GzipEncoder::new(&b"packed"[..]);
            encoder.read_to_end(&mut bytes).await.unwrap();
            with(200, "content-encoding", "gzip", whole(bytes))
        }
        "/large" => built(200, whole(vec![b'x'; 1 << 20])),
        "/hop" => {
            let mut reply = with(200, "keep-alive", "timeout=5", whole(name));
            reply.headers_mut().insert("x-once", "1".parse().unwrap());
            reply.headers_mut().insert(header::CONNECTION, "x-once".parse().unwrap());
            reply
        }
        // What comes in goes out in upper case.
        "/upgrade" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let mut io = TokioIo::new(upgraded);
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = io.read(&mut bytes).await {
                    bytes[..read].make_ascii_uppercase();
                    if io.write_all(&bytes[..read]).await.is_err() {
                        return;
                    }
                }
            });
            let mut reply = with(101, "connection", "upgrade", whole(""));
            reply.headers_mut().insert(header::UPGRADE, request.headers()[header::UPGRADE].clone());
            reply
        }
        _ => built(200, whole(name)),
    }
}
