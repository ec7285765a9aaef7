//! A connection of HTTP/2, by hyper's client: several requests under way on it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes as Body;
use http::{Request, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::connect::{Bytes, Link};
use super::plan::Plan;
use super::tally::{Failed, Kind};
use super::target::Origin;

/// Bodies larger than this wait for the generator to say that there is room.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// One connection, made anew when it is gone; shared by its streams, which are of one thread.
#[derive(Default)]
pub struct Connection {
    sender: RefCell<Option<SendRequest<Full<Body>>>>,
    /// One of the streams connects, the others wait for it.
    connecting: tokio::sync::Mutex<()>,
}

impl Connection {
    /// What sends on it, after connecting where that is needed.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub async fn open(
        &self,
        plan: &Plan,
        origin: &Origin,
        bytes: &Arc<Bytes>,
    ) -> Result<SendRequest<Full<Body>>, Failed> {
        let there = || self.sender.borrow().as_ref().filter(|sender| !sender.is_closed()).cloned();
        if let Some(sender) = there() {
            return Ok(sender);
        }
        let late = |_| Failed::new(Kind::ConnectTimeout, format!("{origin}: no connection in time"));
        let _turn = tokio::time::timeout(plan.timeout, self.connecting.lock()).await.map_err(late)?;
        if let Some(sender) = there() {
            return Ok(sender);
        }
        let link = Link::open(plan, origin, bytes.clone()).await?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let made = tokio::time::timeout(plan.timeout, builder.handshake(TokioIo::new(link))).await;
        let made = made.map_err(|_| Failed::new(Kind::ConnectTimeout, format!("{origin}: no HTTP/2 in time")))?;
        let (sender, connection) = made.map_err(|error| Failed::new(Kind::Connect, format!("{origin}: {error}")))?;
        // Ends with its senders, or with the server; what ended it is told to those who wait for answers.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        *self.sender.borrow_mut() = Some(sender.clone());
        Ok(sender)
    }
}

/// What all requests to one origin have in common.
pub struct Template {
    scheme: &'static str,
    paths: Vec<String>,
    request: super::plan::Request,
    /// Built once where all requests are for the same host.
    fixed: Vec<Uri>,
}

impl Template {
    /// # Errors
    /// When a host and a path make no URL.
    pub fn new(plan: &Plan, origin: &Origin, host: Option<&str>) -> anyhow::Result<Self> {
        let (method, headers) = (plan.request.method.clone(), plan.request.headers.clone());
        let request = super::plan::Request { method, headers, body: plan.request.body.clone() };
        let mut template = Self { scheme: origin.scheme(), paths: origin.paths.clone(), request, fixed: Vec::new() };
        if let Some(host) = host {
            template.fixed =
                (0..template.paths.len()).map(|path| template.uri(path, host)).collect::<Result<_, _>>()?;
        }
        Ok(template)
    }

    fn uri(&self, path: usize, host: &str) -> Result<Uri, http::Error> {
        Uri::builder().scheme(self.scheme).authority(host).path_and_query(self.paths[path].as_str()).build()
    }

    fn request(&self, turn: usize, host: &str) -> Result<Request<Full<Body>>, http::Error> {
        let path = turn % self.paths.len();
        let uri = match self.fixed.get(path) {
            Some(uri) => uri.clone(),
            None => self.uri(path, host)?,
        };
        let mut request = Request::new(Full::new(self.request.body.clone()));
        *request.method_mut() = self.request.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().clone_from(&self.request.headers);
        Ok(request)
    }
}

/// One request and its answer's status, within the time-out.
///
/// # Errors
/// [`Kind::Timeout`], [`Kind::Closed`] or [`Kind::Broken`].
pub async fn call(
    mut sender: SendRequest<Full<Body>>,
    template: &Template,
    turn: usize,
    host: &str,
    timeout: Duration,
) -> Result<u16, Failed> {
    let request = template.request(turn, host).map_err(|error| Failed::new(Kind::Broken, error))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(status)
    };
    match tokio::time::timeout(timeout, exchange).await {
        Ok(answer) => answer.map_err(|error: hyper::Error| failed(&error)),
        Err(_) => Err(Failed::new(Kind::Timeout, "no whole answer in time")),
    }
}

fn failed(error: &hyper::Error) -> Failed {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    let mut closed = error.is_closed() || error.is_canceled() || error.is_incomplete_message();
    while let Some(cause) = source {
        closed |= cause.is::<std::io::Error>();
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    Failed::new(if closed { Kind::Closed } else { Kind::Broken }, why)
}
