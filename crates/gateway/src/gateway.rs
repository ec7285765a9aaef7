//! The life of a client's request, in order: check, resolve, admit, dispatch, answer, record.

#[cfg(test)]
pub mod pieces;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request};
use hyper::body::Incoming;
use ipnet::IpNet;
use switchyard_catalog::Limit;
use switchyard_runtime::{Body, Socket, StatusText, Verbatim};

use crate::authority::{Authority, AuthorityError};
use crate::body::{Bounded, Cap, cap};
use crate::coding::Coding;
use crate::context::RequestContext;
use crate::dispatch::{Call, Dispatcher, Errand, MAX_DEPTH};
use crate::error::{Failure, Kind};
use crate::headers::{RAY, describe_client, remove_hop_by_hop, wants_html};
use crate::ids;
use crate::listen::Peer;
use crate::loops::Passed;
use crate::observe::{Ending, Observer, Recorded};
use crate::outbound::OutboundWorker;
use crate::resolve::{Question, Resolved, Resolvers, Waits, trusts};
use crate::routes::Route;
use crate::trace::SpanKind;
use crate::upstream::{Asked, Switched};
use crate::version::VersionChoice;
use crate::websocket::{Client, WebSockets};

/// Answers clients.
pub struct Gateway {
    pub dispatcher: Arc<Dispatcher>,
    pub observer: Arc<Observer>,
    websockets: Arc<WebSockets>,
    live: ArcSwap<Live>,
}

/// What a new reading of the configuration puts in another's place, as a whole. A request goes by
/// the one that was there when it came.
pub struct Live {
    pub resolvers: Resolvers,
    pub bounds: Bounds,
    /// For each listener, the peers whose headers every resolver believes.
    pub trusted: Vec<Vec<IpNet>>,
    /// For each listener, the port where its requests are sent, by https.
    pub redirects: Vec<Option<u16>>,
}

impl Live {
    /// Whether a listener believes a peer.
    pub fn vouches(&self, listener: usize, peer: IpAddr) -> bool {
        self.trusted.get(listener).is_some_and(|nets| trusts(nets, peer))
    }
}

/// A request that is still to find its tenant.
struct Pending {
    live: Arc<Live>,
    ctx: Arc<RequestContext>,
    authority: Authority,
    passed: Passed,
    vouched: bool,
    head: request::Parts,
    body: Incoming,
}

impl Pending {
    fn question(&self) -> Question<'_> {
        Question { authority: &self.authority, head: &self.head, peer: self.ctx.peer, vouched: self.vouched }
    }
}

/// What makes a client's answer of what became of its request.
struct Reply {
    gateway: Arc<Gateway>,
    ending: Ending,
    /// The client would rather read a page.
    html: bool,
    head_only: bool,
    /// It asks for a WebSocket.
    client: Option<Client>,
}

/// The answer to a client's request: there already, where nothing had to be waited for. Either is in a box: each
/// connection keeps the place of this, also while it is idle.
pub enum Answering {
    Now(Option<Box<Response<Recorded>>>),
    Later(Pin<Box<dyn Future<Output = Response<Recorded>> + Send>>),
}

impl Future for Answering {
    type Output = Response<Recorded>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Recorded>> {
        match self.get_mut() {
            // As other futures, it is not to be polled again.
            Self::Now(response) => response.take().map_or(Poll::Pending, |response| Poll::Ready(*response)),
            Self::Later(answer) => answer.as_mut().poll(cx),
        }
    }
}

/// What a request may bring.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub uri_bytes: usize,
    pub body_bytes: u64,
    /// Without a byte of the body.
    pub body_silence: Duration,
}

impl Gateway {
    pub fn new(dispatcher: Arc<Dispatcher>, observer: Arc<Observer>, websockets: Arc<WebSockets>, live: Live) -> Self {
        Self { dispatcher, observer, websockets, live: ArcSwap::from_pointee(live) }
    }

    /// What new requests go by.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    pub fn replace(&self, live: Live) {
        self.live.store(Arc::new(live));
    }

    /// Always answers; a failure is a response. `listener`: its number in the configuration. What needs no waiting is
    /// done before this returns.
    pub fn handle(self: &Arc<Self>, peer: Peer, listener: usize, request: Request<Incoming>) -> Answering {
        let (head, body) = request.into_parts();
        let live = self.live();
        let vouched = live.vouches(listener, peer.address.ip());
        let ctx = RequestContext::new(self.observer.clone(), ids::ray(), &peer, vouched, &head);
        let mut reply = Reply {
            gateway: self.clone(),
            ending: Ending::new(ctx.clone()),
            html: wants_html(&head.headers),
            head_only: head.method == Method::HEAD,
            client: Client::of(&head),
        };
        match self.begin(&mut reply, live, vouched, (&peer, listener), (head, body)) {
            Ok(Begun::Found(route, errand)) => Answering::Later(Box::pin(reply.dispatch(route, errand))),
            Ok(Begun::Unknown(waits, pending)) => Answering::Later(Box::pin(reply.resolve(waits, pending))),
            Ok(Begun::Redirected(response)) => Answering::Now(Some(Box::new(reply.of(Ok(response))))),
            Err(failure) => Answering::Now(Some(Box::new(reply.of(Err(failure))))),
        }
    }

    /// From its head to its tenant, as far as nothing has to be waited for.
    fn begin(
        &self,
        reply: &mut Reply,
        live: Arc<Live>,
        vouched: bool,
        (peer, listener): (&Peer, usize),
        (mut head, body): (request::Parts, Incoming),
    ) -> Result<Begun, Failure> {
        let ctx = reply.ending.ctx().clone();
        Self::check(&live.bounds, &ctx, &head, &body)?;
        let authority = Authority::of(&head.uri, &head.headers, head.version == Version::HTTP_2, ctx.https)?;
        if peer.tls.as_ref().is_some_and(|tls| !tls.is_for(authority.host())) {
            return Err(Failure::Misdirected);
        }
        if let Some(port) = live.redirects.get(listener).copied().flatten().filter(|_| !ctx.https) {
            return redirect(&authority, port, &head.uri).map(Begun::Redirected);
        }
        let passed = self.dispatcher.egress.loops().read(&head.headers);
        if passed.hops >= u32::from(MAX_DEPTH) {
            return Err(Failure::TooDeep);
        }
        reply.ending.node = Some(self.dispatcher.admission.enter_node()?);
        live.resolvers.strip(&mut head.headers, ctx.peer, vouched);
        let pending = Pending { live, ctx, authority, passed, vouched, head, body };
        let span = pending.ctx.open("resolve", SpanKind::Internal, pending.ctx.trace.span);
        let resolved = match pending.live.resolvers.resolve_now(pending.question()) {
            Ok(resolved) => resolved,
            Err(waits) => {
                span.untold();
                return Ok(Begun::Unknown(waits, Box::new(pending)));
            }
        };
        span.end(resolved.as_ref().err().map(|failure| failure.kind().as_str()));
        let (route, errand) = reply.admit(pending, resolved?)?;
        Ok(Begun::Found(route, errand))
    }

    /// What no Worker gets to see.
    fn check(bounds: &Bounds, ctx: &RequestContext, head: &request::Parts, body: &Incoming) -> Result<(), Failure> {
        if head.method == Method::CONNECT {
            return Err(Failure::MethodNotAllowed);
        }
        if !is_known(&head.method) {
            return Err(Failure::UnknownMethod);
        }
        let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
        if let Some(coding) = codings.next()
            && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return Err(Failure::TransferCoding);
        }
        if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > bounds.uri_bytes) {
            return Err(Failure::UriTooLong);
        }
        if http_body::Body::size_hint(body).lower() > bounds.body_bytes {
            ctx.met_one(Limit::RequestBytes);
            return Err(Failure::BodyTooLarge);
        }
        Ok(())
    }

    /// The request as the Worker sees it.
    fn incoming(
        bounds: &Bounds,
        ctx: &Arc<RequestContext>,
        authority: &Authority,
        mut head: request::Parts,
        body: Incoming,
    ) -> Result<Request<Body>, Failure> {
        let asks_for_socket = Client::of(&head).is_some();
        if let Some(asked) = Asked::of(&head) {
            head.extensions.insert(asked);
        }
        remove_hop_by_hop(&mut head.headers);
        if asks_for_socket {
            Client::describe(&mut head.headers);
        }
        describe_client(&mut head.headers, authority, &ctx.address, ctx.https, &ctx.ray);
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(if ctx.https { Scheme::HTTPS } else { Scheme::HTTP });
        uri.authority = Some(authority.as_str().parse().map_err(|_| AuthorityError::Malformed)?);
        let target = head.uri.into_parts().path_and_query;
        // `OPTIONS *` has no path; an absolute URL has to have one.
        uri.path_and_query = Some(match target {
            Some(target) if target.as_str().starts_with('/') => target,
            Some(target) => PathAndQuery::from_maybe_shared(Bytes::from(format!("/{target}")))
                .map_err(|_| AuthorityError::Malformed)?,
            None => PathAndQuery::from_static("/"),
        });
        head.uri = Uri::from_parts(uri).map_err(|_| AuthorityError::Malformed)?;
        let body = if http_body::Body::is_end_stream(&body) {
            Body::Empty
        } else {
            let (body, told) = (Bounded::new(body, bounds.body_silence), ctx.clone());
            let most = Cap { most: Some(bounds.body_bytes), until: None };
            cap(Body::stream(body), most, move |_| told.met_one(Limit::RequestBytes))
        };
        Ok(Request::from_parts(head, body))
    }

    /// The Worker's response as it goes on the wire: framing is the server's business, not the
    /// Worker's (workerd-facts B).
    fn outgoing(response: Response<Body>, head_only: bool) -> Response<Body> {
        let (mut head, mut body) = response.into_parts();
        head.version = Version::default();
        remove_hop_by_hop(&mut head.headers);
        if let Some(StatusText(text)) = head.extensions.remove()
            && let Ok(reason) = hyper::ext::ReasonPhrase::try_from(text)
        {
            head.extensions.insert(reason);
        } else if head.status.canonical_reason().is_none() {
            head.extensions.insert(phrase(head.status));
        }
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED) {
            body = Body::Empty;
        }
        let verbatim = head.extensions.remove::<Verbatim>().is_some();
        let coding = Coding::of(&head.headers).filter(|_| !verbatim);
        if head_only {
            // The length a GET would have had, as the Worker wrote it or as its body is.
            if coding.is_none()
                && !head.headers.contains_key(header::CONTENT_LENGTH)
                && let Some(length @ 1..) = http_body::Body::size_hint(&body).exact()
            {
                head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            return Response::from_parts(head, Body::Empty);
        }
        head.headers.remove(header::CONTENT_LENGTH);
        if let Some(coding) = coding
            && !matches!(body, Body::Empty)
        {
            body = coding.encode(body);
        }
        Response::from_parts(head, body)
    }
}

/// What becomes of a request that breaks no rule.
enum Begun {
    /// Its tenant has let it in.
    Found(Arc<Route>, Box<Errand>),
    /// Who its tenant is has to be waited for.
    Unknown(Waits, Box<Pending>),
    /// To https.
    Redirected(Response<Body>),
}

impl Reply {
    /// A place for the request, and all that its Worker is called with.
    fn admit(&mut self, pending: Pending, resolved: Resolved) -> Result<(Arc<Route>, Box<Errand>), Failure> {
        let Pending { live, ctx, authority, passed, head, body, .. } = pending;
        let Resolved { route, limits, plan, version, outbound } = resolved;
        ctx.set_route(&route);
        // Without an outbound Worker nobody reads them.
        let outbound = outbound.and_then(|text| OutboundWorker::of_namespace(&route, Some(text.get().into())));
        let call = Call {
            parent: ctx.trace.span,
            passed,
            limits,
            plan,
            outbound,
            version: VersionChoice::pinned(version),
            ..Call::default()
        };
        let dispatcher = &self.gateway.dispatcher;
        let (route, call) = dispatcher.first(route, call)?;
        let (permit, terms) = dispatcher.admit(&ctx, &route, &call)?;
        self.ending.script = Some(permit);
        let request = Gateway::incoming(&live.bounds, &ctx, &authority, head, body)?;
        Ok((route, Box::new(Errand { call, terms, request })))
    }

    async fn resolve(mut self, waits: Waits, pending: Box<Pending>) -> Response<Recorded> {
        let resolved = {
            let span = pending.ctx.open("resolve", SpanKind::Internal, pending.ctx.trace.span);
            let resolved = pending.live.resolvers.resolve_from(waits, pending.question()).await;
            span.end(resolved.as_ref().err().map(|failure| failure.kind().as_str()));
            resolved
        };
        match resolved.and_then(|resolved| self.admit(*pending, resolved)) {
            Ok((route, errand)) => Box::pin(self.dispatch(route, errand)).await,
            Err(failure) => self.of(Err(failure)),
        }
    }

    async fn dispatch(self, route: Arc<Route>, errand: Box<Errand>) -> Response<Recorded> {
        let answered = self.gateway.dispatcher.dispatch(self.ending.ctx(), &route, errand).await;
        self.of(answered)
    }

    fn of(self, answered: Result<Response<Body>, Failure>) -> Response<Recorded> {
        let Self { gateway, ending, html, head_only, client } = self;
        let ctx = ending.ctx();
        let (mut response, kind) = match answered {
            Ok(response) => (Gateway::outgoing(response, head_only), Kind::Ok),
            Err(failure) => (failure.response(html, &ctx.ray, Some(ctx.trace.id)), failure.kind()),
        };
        response.headers_mut().insert(RAY, ctx.ray.clone());
        if let Some(switched) = response.extensions_mut().remove::<Switched>() {
            return switched.begin(response, ending);
        }
        if let Some(socket) = Socket::take(response.extensions_mut()) {
            return gateway.websockets.begin(client, socket, response, ending);
        }
        let status = response.status().as_u16();
        response.map(|body| Recorded::new(body, ending, status, kind, head_only))
    }
}

/// To the same host and path by https, for all methods and for good, as Caddy does.
fn redirect(authority: &Authority, port: u16, uri: &Uri) -> Result<Response<Body>, Failure> {
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let target = if target.starts_with('/') { target } else { "/" };
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let location = format!("https://{}{port}{target}", authority.host());
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let location = HeaderValue::try_from(location).map_err(|_| AuthorityError::Malformed)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// What stands for the phrase of a status that has none of its own: its class, as workerd says it.
fn phrase(status: StatusCode) -> hyper::ext::ReasonPhrase {
    hyper::ext::ReasonPhrase::from_static(match status.as_u16() / 100 {
        1 => b"Informational",
        2 => b"Successful",
        3 => b"Redirection",
        4 => b"Client Error",
        _ => b"Server Error",
    })
}

/// The methods that Cloudflare's runtime knows; others never reach a Worker.
fn is_known(method: &Method) -> bool {
    const REST: [&str; 23] = [
        "ACL",
        "BAN",
        "CHECKOUT",
        "COPY",
        "LOCK",
        "MERGE",
        "MKACTIVITY",
        "MKCOL",
        "MOVE",
        "MSEARCH",
        "NOTIFY",
        "PROPFIND",
        "PROPPATCH",
        "PURGE",
        "QUERY",
        "REPORT",
        "SEARCH",
        "SUBSCRIBE",
        "UNLOCK",
        "UNSUBSCRIBE",
        "TRACE",
        "LINK",
        "UNLINK",
    ];
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::PATCH | Method::OPTIONS
    ) || REST.contains(&method.as_str())
}
