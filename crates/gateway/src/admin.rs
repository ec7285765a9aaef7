//! The inside listener: health, metrics, and Cloudflare's API. It answers from the first moment, so
//! that an orchestrator sees a node that starts, and to the last, so that it sees one that drains.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use parking_lot::Mutex;
use switchyard_api::{Api, ReplyBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::dispatch::Dispatcher;
use crate::listen::{Handler, Peer};
use crate::observe::{Gauges, Observer};
use crate::tail;

/// Where the node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    Starting,
    Ready,
    Draining,
}

pub struct Admin {
    phase: AtomicU8,
    observer: Arc<Observer>,
    parts: OnceLock<Parts>,
    /// One for each that may be writing to the data folder.
    writers: Arc<Semaphore>,
    /// All of them, while another process takes the data over.
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

/// More than connections of the listener have requests.
const WRITERS: u32 = 1 << 16;

/// What is there once the node is ready.
struct Parts {
    api: Api,
    dispatcher: Arc<Dispatcher>,
}

impl Admin {
    pub fn new(observer: Arc<Observer>) -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Starting as u8),
            observer,
            parts: OnceLock::new(),
            writers: Arc::new(Semaphore::new(WRITERS as usize)),
            held: Mutex::default(),
        })
    }

    /// From here on the API answers.
    pub fn ready(&self, api: Api, dispatcher: Arc<Dispatcher>) {
        let _ = self.parts.set(Parts { api, dispatcher });
        self.phase.store(Phase::Ready as u8, Ordering::Release);
    }

    pub fn draining(&self) {
        self.phase.store(Phase::Draining as u8, Ordering::Release);
    }

    /// From here on nothing is written to the data folder, until [`Admin::resume`]; false: what was being written did
    /// not end in time, and goes on.
    pub async fn hold(&self, patience: Duration) -> bool {
        let all = self.writers.clone().acquire_many_owned(WRITERS);
        let Ok(Ok(all)) = tokio::time::timeout(patience, all).await else { return false };
        *self.held.lock() = Some(all);
        true
    }

    pub fn resume(&self) {
        self.held.lock().take();
    }

    /// What whoever writes to the data folder holds one of.
    pub fn writers(&self) -> Arc<Semaphore> {
        self.writers.clone()
    }

    /// Tail Workers are told what waits for them; live logs end, for which a drain would else wait.
    pub async fn end_tails(&self, grace: Duration) {
        if let Some(parts) = self.parts.get() {
            parts.dispatcher.tails.drain(grace).await;
            parts.dispatcher.tails.end();
        }
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    async fn answer(&self, peer: IpAddr, mut request: Request<Incoming>) -> Response<ReplyBody> {
        let path = request.uri().path();
        if path == "/client/v4" || path.starts_with("/client/v4/") {
            let Some(parts) = self.parts.get() else {
                return text(StatusCode::SERVICE_UNAVAILABLE, "starting\n").map(Either::Left);
            };
            if let Some(response) = tail::upgrade(&parts.dispatcher.tails, &mut request) {
                return response.map(Either::Left);
            }
            let Ok(_writer) = self.writers.try_acquire() else {
                let mut held = text(StatusCode::SERVICE_UNAVAILABLE, "another process takes over: try again\n");
                held.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                return held.map(Either::Left);
            };
            let write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
            let response = parts.api.handle(peer, request).await;
            self.observer.metrics.api(write, response.status().as_u16());
            return response;
        }
        self.plain(request.method(), path).map(Either::Left)
    }

    /// What is not the API.
    fn plain(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        }
        match path {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.phase() {
                Phase::Ready => text(StatusCode::OK, "ok\n"),
                Phase::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
                Phase::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            },
            "/metrics" => self.metrics(),
            "/docs" => switchyard_api::docs_page(),
            _ => text(StatusCode::NOT_FOUND, "not found: /livez, /readyz, /metrics, /docs, /client/v4\n"),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let (access_dropped, trace) = (self.observer.access_dropped(), self.observer.tracer.stats());
        let mut gauges = Gauges { access_dropped, trace, ..Gauges::default() };
        if let Some(Parts { dispatcher, .. }) = self.parts.get() {
            gauges.in_flight = dispatcher.admission.in_flight().into();
            gauges.scripts = dispatcher.routes.scripts() as u64;
            gauges.runtime = dispatcher.runtime.stats();
            let (in_use, idle) = dispatcher.upstreams.connections();
            self.observer.metrics.upstream().connections(in_use, idle);
            gauges.cache = dispatcher.caches.usage();
            gauges.overload = dispatcher.admission.overload.stats();
        }
        let mut response = Response::new(Full::new(self.observer.metrics.scrape(&gauges).into()));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// [`Admin`] as a listener's handler.
#[derive(Clone)]
pub struct AdminHandler(pub Arc<Admin>);

impl Handler for AdminHandler {
    type Body = ReplyBody;
    type Answer = Pin<Box<dyn Future<Output = Response<ReplyBody>> + Send>>;

    fn handle(&self, peer: Peer, request: Request<Incoming>) -> Self::Answer {
        let admin = self.0.clone();
        Box::pin(async move { admin.answer(peer.address.ip(), request).await })
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
