//! One client's request as it is observed, from its head until nothing of it runs any more. Whoever
//! works for the request holds the context; the last to let go of it writes the access line.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method};
use switchyard_catalog::{Limit, LimitSet, ScriptId};
use switchyard_runtime::Outcome;

use crate::error::Kind;
use crate::listen::Peer;
use crate::observe::Observer;
use crate::routes::Route;
use crate::tail::Traces;
use crate::tls::Version;
use crate::trace::{OpenSpan, SpanKind, Trace};

/// For observing only: nothing here decides anything.
pub struct RequestContext {
    pub ray: HeaderValue,
    pub peer: IpAddr,
    pub trace: Trace,
    pub http2: bool,
    pub https: bool,
    /// `None`: without TLS on this node.
    pub tls: Option<Version>,
    pub method: Method,
    /// The client's address as its Worker reads it.
    pub address: HeaderValue,
    /// As the client sent them, for the access line; none where nobody reads it.
    host: Option<HeaderValue>,
    target: Option<PathAndQuery>,
    pub started: Instant,
    route: OnceLock<Arc<Route>>,
    observer: Arc<Observer>,

    status: AtomicU16,
    kind: AtomicU8,
    /// Bytes of the response's body.
    sent: AtomicU64,
    wall_micros: AtomicU64,
    cpu_micros: AtomicU64,
    subrequests: AtomicU32,
    /// Limits that the Workers that worked for it reached.
    limits: AtomicU16,
    /// For tail Workers; sent when nothing of the request runs any more.
    pub traces: Traces,
    /// It is a client's: it has a line in the access log.
    is_logged: bool,
}

impl RequestContext {
    /// `vouched`: the client is believed when it says that its trace is recorded.
    pub fn new(
        observer: Arc<Observer>,
        ray: HeaderValue,
        peer: &Peer,
        vouched: bool,
        head: &http::request::Parts,
    ) -> Arc<Self> {
        let trace = Trace::of(&head.headers, vouched, &observer.tracer);
        let mut ctx = Self::begin(observer, ray, peer.address.ip(), trace);
        ctx.address = peer.text.clone();
        (ctx.https, ctx.tls) = (peer.https, peer.tls.as_ref().map(|tls| tls.version));
        ctx.http2 = head.version == http::Version::HTTP_2;
        ctx.method = head.method.clone();
        ctx.is_logged = true;
        // Until the response has ended otherwise.
        ctx.kind = AtomicU8::new(Kind::ClientGone as u8);
        if ctx.observer.logs_access() {
            // Kept, not copied: what they lie in is there as long as the request.
            ctx.host = head.headers.get(http::header::HOST).cloned();
            if let (None, Some(authority)) = (&ctx.host, head.uri.authority()) {
                ctx.host = HeaderValue::from_str(authority.as_str()).ok();
            }
            ctx.target = head.uri.path_and_query().cloned();
        }
        Arc::new(ctx)
    }

    /// Of a call of a tail Worker's handler, which no client waits for; `tailed`: see [`Traces::below`].
    pub fn of_tail(observer: Arc<Observer>, tailed: Vec<ScriptId>) -> Arc<Self> {
        let trace = Trace::of(&http::HeaderMap::new(), false, &observer.tracer);
        let mut ctx = Self::begin(observer, crate::ids::ray(), IpAddr::V4(Ipv4Addr::UNSPECIFIED), trace);
        ctx.traces = Traces::below(tailed);
        Arc::new(ctx)
    }

    /// Of nobody's request, and in no log.
    fn begin(observer: Arc<Observer>, ray: HeaderValue, peer: IpAddr, trace: Trace) -> Self {
        Self {
            ray,
            peer,
            trace,
            http2: false,
            https: false,
            tls: None,
            method: Method::POST,
            address: HeaderValue::from_static("0.0.0.0"),
            host: None,
            target: None,
            started: Instant::now(),
            route: OnceLock::new(),
            observer,
            status: AtomicU16::new(0),
            kind: AtomicU8::new(Kind::Ok as u8),
            sent: AtomicU64::new(0),
            wall_micros: AtomicU64::new(0),
            cpu_micros: AtomicU64::new(0),
            subrequests: AtomicU32::new(0),
            limits: AtomicU16::new(0),
            traces: Traces::default(),
            is_logged: false,
        }
    }

    /// Something begins for this request, done by what `parent` is the span of.
    pub fn open(&self, name: &'static str, kind: SpanKind, parent: u64) -> OpenSpan<'_> {
        self.trace.open(&self.observer.tracer, name, kind, parent)
    }

    pub fn observer(&self) -> &Arc<Observer> {
        &self.observer
    }

    /// Who got the request first. Set once.
    pub fn set_route(&self, route: &Arc<Route>) {
        let _ = self.route.set(route.clone());
    }

    pub fn route(&self) -> Option<&Arc<Route>> {
        self.route.get()
    }

    /// The response ended: its body was sent, broke off, or nobody waits for it any more.
    pub fn ended(&self, status: u16, kind: Kind, sent: u64) {
        let wall = self.started.elapsed();
        self.status.store(status, Ordering::Relaxed);
        self.kind.store(kind as u8, Ordering::Relaxed);
        self.sent.store(sent, Ordering::Relaxed);
        self.wall_micros.store(wall.as_micros() as u64, Ordering::Relaxed);
        self.observer.metrics.request(kind, status, wall);
    }

    /// One Worker that worked for this request has ended.
    pub fn ran(&self, route: &Route, outcome: &Outcome) {
        self.cpu_micros.fetch_add(outcome.cpu.as_micros() as u64, Ordering::Relaxed);
        self.subrequests.fetch_add(outcome.subrequests, Ordering::Relaxed);
        self.met(outcome.limits());
        self.observer.ran(route, outcome);
    }

    /// Limits were reached. Counted once each time, named once in the access line.
    pub fn met(&self, limits: LimitSet) {
        if limits != LimitSet::default() {
            self.limits.fetch_or(limits.bits(), Ordering::Relaxed);
            limits.iter().for_each(|limit| self.observer.metrics.limit(limit));
        }
    }

    pub fn met_one(&self, limit: Limit) {
        let mut limits = LimitSet::default();
        limits.insert(limit);
        self.met(limits);
    }

    pub fn limits(&self) -> LimitSet {
        LimitSet::from_bits(self.limits.load(Ordering::Relaxed))
    }

    /// Empty where nobody reads it, or it is no text.
    pub fn host(&self) -> &str {
        self.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default()
    }

    /// Without the query: it is where people put secrets. Empty where nobody reads it.
    pub fn path(&self) -> &str {
        self.target.as_ref().map_or("", PathAndQuery::path)
    }

    pub fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }

    pub fn kind(&self) -> Kind {
        Kind::ALL.get(usize::from(self.kind.load(Ordering::Relaxed))).copied().unwrap_or(Kind::Internal)
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// From the head to the end of the body.
    pub fn wall(&self) -> Duration {
        Duration::from_micros(self.wall_micros.load(Ordering::Relaxed))
    }

    /// Of all Workers that worked for it.
    pub fn cpu(&self) -> Duration {
        Duration::from_micros(self.cpu_micros.load(Ordering::Relaxed))
    }

    pub fn subrequests(&self) -> u32 {
        self.subrequests.load(Ordering::Relaxed)
    }
}

impl Drop for RequestContext {
    fn drop(&mut self) {
        self.traces.send();
        if self.is_logged {
            self.observer.done(self);
        }
    }
}
