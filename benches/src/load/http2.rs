//! A connection of HTTP/2, by the library that hyper's client stands on: several requests under way on it. hyper's own
//! client has a task and two channels for each request, which cost the generator more than the server that it loads.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes as Body;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Error, SendStream};
use http::{Request, Uri, Version};

use super::connect::{Bytes, Link};
use super::plan::Plan;
use super::tally::{Failed, Kind};
use super::target::Origin;

/// What the server may send before the generator says that there is room.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// One connection, made anew when it is gone; shared by its streams, which are of one thread.
#[derive(Default)]
pub struct Connection {
    sender: RefCell<Option<Sender>>,
    /// One of the streams connects, the others wait for it.
    connecting: tokio::sync::Mutex<()>,
}

/// What a stream sends with, as long as the connection is there.
#[derive(Clone)]
pub struct Sender {
    send: SendRequest<Body>,
    gone: Rc<Cell<bool>>,
}

impl Connection {
    /// Has `own` be what sends on it, after connecting where that is needed.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub async fn open(
        &self,
        plan: &Plan,
        origin: &Origin,
        bytes: &Arc<Bytes>,
        own: &mut Option<Sender>,
    ) -> Result<(), Failed> {
        let is_there = |sender: &Sender| !sender.gone.get();
        if own.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let late = |_| Failed::new(Kind::ConnectTimeout, format!("{origin}: no connection in time"));
        let _turn = tokio::time::timeout(plan.timeout, self.connecting.lock()).await.map_err(late)?;
        own.clone_from(&self.sender.borrow());
        if own.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let link = Link::open(plan, origin, bytes.clone()).await?;
        let mut builder = Builder::new();
        builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW).enable_push(false);
        let made = tokio::time::timeout(plan.timeout, builder.handshake(link)).await.map_err(late)?;
        let (send, connection) = made.map_err(|error| Failed::new(Kind::Connect, format!("{origin}: {error}")))?;
        let gone = Rc::new(Cell::new(false));
        let goes = gone.clone();
        // Ends with its senders, or with the server; what ended it is told to those who wait for answers.
        tokio::task::spawn_local(async move {
            let _ = connection.await;
            goes.set(true);
        });
        let sender = Sender { send, gone };
        *self.sender.borrow_mut() = Some(sender.clone());
        *own = Some(sender);
        Ok(())
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

    fn request(&self, turn: usize, host: &str) -> Result<Request<()>, http::Error> {
        let path = turn % self.paths.len();
        let uri = match self.fixed.get(path) {
            Some(uri) => uri.clone(),
            None => self.uri(path, host)?,
        };
        let mut request = Request::new(());
        *request.method_mut() = self.request.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.request.headers.clone();
        if !self.request.body.is_empty() {
            request.headers_mut().insert(http::header::CONTENT_LENGTH, self.request.body.len().into());
        }
        Ok(request)
    }
}

/// One request and its answer's status, within the time-out.
///
/// # Errors
/// [`Kind::Timeout`], [`Kind::Closed`] or [`Kind::Broken`].
pub async fn call(
    sender: &mut Sender,
    template: &Template,
    turn: usize,
    host: &str,
    timeout: Duration,
) -> Result<u16, Failed> {
    let request = template.request(turn, host).map_err(|error| Failed::new(Kind::Broken, error))?;
    match tokio::time::timeout(timeout, exchange(sender, request, &template.request.body)).await {
        Ok(answer) => answer.map_err(|error| failed(&error)),
        Err(_) => Err(Failed::new(Kind::Timeout, "no whole answer in time")),
    }
}

async fn exchange(sender: &mut Sender, request: Request<()>, body: &Body) -> Result<u16, Error> {
    poll_fn(|context| sender.send.poll_ready(context)).await?;
    let (answer, stream) = sender.send.send_request(request, body.is_empty())?;
    let answer = if body.is_empty() { answer.await? } else { answer_to(answer, stream, body.clone()).await? };
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    while let Some(part) = body.data().await {
        let length = part?.len();
        body.flow_control().release_capacity(length)?;
    }
    if !body.is_end_stream() {
        body.trailers().await?;
    }
    Ok(status)
}

/// Sends a body, until there is an answer: a server need not read it all.
async fn answer_to(
    mut answer: ResponseFuture,
    mut stream: SendStream<Body>,
    mut body: Body,
) -> Result<http::Response<h2::RecvStream>, Error> {
    let send = async {
        while !body.is_empty() {
            stream.reserve_capacity(body.len());
            let Some(room) = poll_fn(|context| stream.poll_capacity(context)).await else { return };
            let Ok(room) = room else { return };
            let part = body.split_to(room.min(body.len()));
            if stream.send_data(part, body.is_empty()).is_err() {
                return; // the answer says why
            }
        }
    };
    tokio::select! {
        () = send => answer.await,
        answer = &mut answer => answer,
    }
}

fn failed(error: &Error) -> Failed {
    // The server's own doing; what is left are bytes that are no HTTP/2.
    let closed = error.is_io() || error.is_remote();
    Failed::new(if closed { Kind::Closed } else { Kind::Broken }, error)
}
