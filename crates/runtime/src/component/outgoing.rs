//! How a component reaches others: everything goes through the request's [`Outbound`](crate::Outbound), as a
//! JavaScript Worker's `fetch` does, and is counted as one.
//!
//! Bindings have host names. `http://<binding>.worker/…` is the service or the assets of that binding, and
//! `http://<script>.<binding>.worker/…` a user Worker in its dispatch namespace; a `switchyard-dispatch` field
//! may hold the call's options as JSON (`args`, `limits`, `outbound`). Such names never reach the network.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Response, header};
use http_body::Frame;
use http_body_util::BodyExt;
use switchyard_catalog::{Limit, LimitSet, Limits, WorkerBinding};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::meter::{CALLER, CpuMeter};
use crate::outbound::AbortOnDrop;
use crate::{Body, BodyError, Cf, FetchError, FetchRequest, FetchResponse, Outbound, RedirectMode, Target};

/// What the host names of bindings end with.
const WORKER: &str = ".worker";
/// Options of a dispatch call.
const OPTIONS: HeaderName = HeaderName::from_static("switchyard-dispatch");
/// Longest wait that a guest may ask for; what is longer is none.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A request as a guest made it.
pub struct Asked {
    pub method: Method,
    /// Absolute.
    pub url: String,
    /// The URL's.
    pub authority: String,
    pub headers: HeaderMap,
    pub body: Body,
    pub connect: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub between_bytes: Option<Duration>,
}

/// Why nothing came back.
#[derive(Debug, Clone)]
pub enum Failed {
    TooMany,
    /// The Worker has no such binding.
    NoBinding,
    /// What it made is no URL.
    NoUrl,
    TimedOut,
    Fetch(FetchError),
}

impl Failed {
    /// As 0.2 tells it.
    pub fn code(&self) -> ErrorCode {
        match self.error() {
            Error::DestinationNotFound => ErrorCode::DestinationNotFound,
            Error::HttpRequestUriInvalid => ErrorCode::HttpRequestUriInvalid,
            Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
            Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
            Error::InternalError(text) => ErrorCode::InternalError(text),
            _ => ErrorCode::InternalError(None),
        }
    }

    /// As 0.3 tells it.
    fn error(&self) -> Error {
        match self {
            Self::TooMany => Error::InternalError(Some("Too many subrequests by single Worker invocation.".into())),
            Self::NoBinding => Error::DestinationNotFound,
            Self::NoUrl => Error::HttpRequestUriInvalid,
            Self::TimedOut => Error::HttpResponseTimeout,
            Self::Fetch(FetchError { message, .. }) => match message.as_str() {
                "Worker not found." => Error::DestinationNotFound,
                "Network connection lost." => Error::ConnectionTerminated,
                message => Error::InternalError(Some(message.to_owned())),
            },
        }
    }
}

/// An error code for people.
pub fn text_of(code: &ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(text)) => text.chars().take(1024).collect(),
        other => format!("{other:?}").chars().take(1024).collect(),
    }
}

/// What a request may reach, and has asked for.
pub struct Calls {
    pub meter: Arc<CpuMeter>,
    pub tokio: tokio::runtime::Handle,
    pub outbound: Arc<dyn Outbound>,
    pub depth: u8,
    pub limits: Limits,
    pub bindings: Arc<[(String, WorkerBinding)]>,
    /// Made for the first request to the network.
    pub connections: Option<Arc<Semaphore>>,
    pub subrequests: u32,
    pub met: LimitSet,
}

/// A request on its way; dropped, it is cancelled.
pub enum Fetching {
    Refused(Option<Failed>),
    Sent(AbortOnDrop<Result<FetchResponse, Failed>>),
}

impl Fetching {
    /// Not to be polled again when it was ready.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<FetchResponse, Failed>> {
        match self {
            Self::Refused(why) => Poll::Ready(Err(why.take().unwrap_or(Failed::TimedOut))),
            Self::Sent(task) => Pin::new(task)
                .poll(cx)
                .map(|done| done.unwrap_or_else(|_| Err(Failed::Fetch(FetchError::error("internal error"))))),
        }
    }
}

impl Calls {
    /// Sends a request.
    pub fn fetch(&mut self, asked: Asked) -> Fetching {
        self.subrequests = self.subrequests.saturating_add(1);
        if self.subrequests > self.limits.subrequests.or(Limits::DEFAULT.subrequests).unwrap_or(u32::MAX) {
            self.met.insert(Limit::Subrequests);
            return Fetching::Refused(Some(Failed::TooMany));
        }
        let Asked { method, url, authority, mut headers, body, connect, first_byte, between_bytes } = asked;
        let options = headers.remove(OPTIONS);
        let target = match self.target(&authority, options.as_ref().and_then(|value| value.to_str().ok())) {
            Ok(target) => target,
            Err(refused) => return Fetching::Refused(Some(refused)),
        };
        headers.remove(header::CONTENT_LENGTH); // the body knows it
        // As every Worker's: whoever gets it sees a URL as `URL` writes it.
        let Ok(url) = url::Url::parse(&url).map(String::from) else {
            return Fetching::Refused(Some(Failed::NoUrl));
        };
        let request =
            FetchRequest { method, url, headers, redirect: RedirectMode::Manual, raw: true, body, cf: Cf::None };
        // Taken here, so that a request that has to wait for one is known as such.
        let turn = matches!(target, Target::Internet).then(|| {
            let connections = self.connections();
            Arc::clone(&connections).try_acquire_owned().map_err(|_| connections)
        });
        if matches!(turn, Some(Err(_))) {
            self.met.insert(Limit::Connections);
        }
        let (outbound, depth) = (Arc::clone(&self.outbound), self.depth);
        let fetching = async move {
            let _connection = match turn {
                Some(Ok(connection)) => Some(connection),
                Some(Err(connections)) => connections.acquire_owned().await.ok(),
                None => None,
            };
            let fetched = outbound.fetch(depth, target, request);
            let response = match first_byte.map(|wait| wait.saturating_add(connect.unwrap_or_default())) {
                Some(wait) if wait < LONGEST => {
                    tokio::time::timeout(wait, fetched).await.map_err(|_| Failed::TimedOut)?
                }
                _ => fetched.await,
            };
            let response = response.map_err(Failed::Fetch)?;
            if response.socket.is_some() {
                return Err(Failed::Fetch(FetchError::error("A component cannot hold a WebSocket.")));
            }
            Ok(match between_bytes.filter(|wait| *wait < LONGEST) {
                Some(wait) => FetchResponse { body: timed(response.body, wait), ..response },
                None => response,
            })
        };
        let fetching = CALLER.scope(Arc::clone(&self.meter), fetching);
        Fetching::Sent(AbortOnDrop::spawn(&self.tokio, fetching))
    }

    fn connections(&mut self) -> Arc<Semaphore> {
        let most = self.limits.connections.or(Limits::DEFAULT.connections).unwrap_or(1).max(1);
        Arc::clone(self.connections.get_or_insert_with(|| Arc::new(Semaphore::new(most as usize))))
    }

    /// Whom a host name means.
    fn target(&self, authority: &str, options: Option<&str>) -> Result<Target, Failed> {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let at = host.len().saturating_sub(WORKER.len());
        let is_binding = host.is_char_boundary(at) && host[at..].eq_ignore_ascii_case(WORKER) && at > 0;
        if !is_binding {
            return Ok(Target::Internet);
        }
        let name = &host[..at];
        let (script, name) = name.rsplit_once('.').map_or((None, name), |(script, name)| (Some(script), name));
        let exact = self.bindings.iter().find(|(own, _)| own == name);
        // Host names have no case.
        let bound = exact.or_else(|| self.bindings.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)));
        match (bound.map(|(_, binding)| binding), script) {
            (Some(binding @ (WorkerBinding::Service { .. } | WorkerBinding::Assets { .. })), None) => {
                Ok(Target::Binding { binding: binding.clone() })
            }
            (Some(binding @ WorkerBinding::DispatchNamespace { .. }), Some(script)) => Ok(Target::Dispatch {
                binding: binding.clone(),
                name: script.to_owned(),
                options: options.map(str::to_owned),
            }),
            _ => Err(Failed::NoBinding),
        }
    }
}

/// What wasmtime's own `wasi:http` 0.3 asks of us.
impl WasiHttpHooks for Calls {
    fn set_host_header(&mut self) -> bool {
        false // the URL says it
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        super::pipe::MAX_WRITE
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<
        dyn Future<Output = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>>
            + Send,
    > {
        let (parts, body) = request.into_parts();
        let asked = Asked {
            method: parts.method,
            url: parts.uri.to_string(),
            authority: parts.uri.authority().map(ToString::to_string).unwrap_or_default(),
            headers: parts.headers,
            body: if http_body::Body::is_end_stream(&body) { Body::Empty } else { Body::stream(body) },
            connect: options.and_then(|options| options.connect_timeout),
            first_byte: options.and_then(|options| options.first_byte_timeout),
            between_bytes: options.and_then(|options| options.between_bytes_timeout),
        };
        let mut fetching = self.fetch(asked);
        Box::new(async move {
            let response = std::future::poll_fn(|cx| fetching.poll(cx)).await.map_err(|failed| failed.error())?;
            let FetchResponse { status, headers, body, .. } = response;
            let body = body.map_err(|error| Error::InternalError(Some(error.0))).boxed_unsync();
            let mut response = Response::new(body);
            *response.status_mut() = http::StatusCode::from_u16(status).map_err(|_| Error::HttpProtocolError)?;
            *response.headers_mut() = headers;
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

/// A body of which no part may take longer than that to come.
fn timed(body: Body, wait: Duration) -> Body {
    Body::Stream(http_body_util::combinators::UnsyncBoxBody::new(Timed { body, wait, sleep: None }))
}

struct Timed {
    body: Body,
    wait: Duration,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.sleep = None;
            return Poll::Ready(frame);
        }
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.wait)));
        std::task::ready!(sleep.as_mut().poll(cx));
        this.body = Body::Empty;
        Poll::Ready(Some(Err(BodyError("the next bytes did not come in the time that was set for them".into()))))
    }
}
