//! The baselines: hyper that answers hello, or with what it was posted, or passes on, and nothing else, one thread, with the socket
//! and buffer settings of the gateway's listener. What HTTP itself costs on this machine, now.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::load::with_runtime;

/// Serves until it is killed. Says where on stdout.
///
/// # Errors
/// When it cannot listen.
pub fn serve(http2: bool) -> anyhow::Result<()> {
    listen(http2, hello)
}

/// The same server, which passes requests on to an origin by hyper-util's pooled client, with the headers that
/// every proxy adds and removes, and nothing else.
///
/// # Errors
/// When it cannot listen.
pub fn proxy(origin: SocketAddr) -> anyhow::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let authority: Authority = origin.to_string().parse()?;
    listen(false, move |request| pass(client.clone(), authority.clone(), request))
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    (uri.scheme, uri.authority) = (Some(Scheme::HTTP), Some(authority));
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    let headers = request.headers_mut();
    for name in [header::CONNECTION, header::TE, header::TRAILER, header::UPGRADE, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    let mut response = client.request(request).await?;
    for name in [header::CONNECTION, header::TRAILER, header::UPGRADE, header::TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    Ok(response)
}

fn listen<F, R, B, E>(prior_knowledge: bool, answer: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("could not listen")?;
        println!("ready {}", listener.local_addr()?);
        std::io::stdout().flush()?;
        accept(listener, prior_knowledge, answer).await
    })
}

/// Serves all who come.
async fn accept<F, R, B, E>(listener: TcpListener, prior_knowledge: bool, answer: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            // The load generator closes connections when it has measured enough.
            if prior_knowledge {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.timer(TokioTimer::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
                return;
            }
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(128 << 10);
            let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

/// The same answer from the thread that makes the load, while it makes it ([`crate::load::with_runtime`]): an origin
/// that is never asleep, so that no proxy pays for waking it. With a core for both, the slower proxy would pay most.
pub struct Origin {
    pub address: SocketAddr,
    accepts: JoinHandle<anyhow::Result<()>>,
}

impl Origin {
    /// # Errors
    /// When it cannot listen.
    pub fn start() -> anyhow::Result<Self> {
        with_runtime(|runtime| {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("could not listen")?;
            let address = listener.local_addr()?;
            Ok(Self { address, accepts: runtime.spawn(accept(listener, false, hello)) })
        })?
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

/// Hello; what is posted comes back.
async fn hello(request: Request<Incoming>) -> Result<Response<Either<Full<Bytes>, Incoming>>, Infallible> {
    if request.method() == Method::POST {
        return Ok(Response::new(Either::Right(request.into_body())));
    }
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(b"hello from a tenant\n"))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}
