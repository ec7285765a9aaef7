//! One request of an upstream tenant, as dispatch sees it: limits and live logs as for a Worker, the head
//! made fit for another hop, and the answer's body on its way back.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header, response};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use switchyard_catalog::{Limits, Timestamp, Upstream, VersionId};
use switchyard_runtime::{Body, Ending, Exception, Outcome, StatusText, Verbatim, wants_socket};

use super::UpstreamError;
use super::body::{Exchange, OriginBody};
use super::exchange::{Answered, Terms, limit};
use super::link::Link;
use super::trailers;
use super::tunnel::{self, Tunnel, Wanted};
use crate::body::{Bounded, Cap};
use crate::coding::Coding;
use crate::context::RequestContext;
use crate::dispatch::{Call, Dispatcher, capped_request, capped_response};
use crate::error::Failure;
use crate::headers::remove_hop_by_hop;
use crate::loops::Passed;
use crate::routes::Route;
use crate::tail::{Observed, Run, RunEvent};
use crate::version;
use crate::websocket::Key;

/// A body that is known to be no longer is looked for at once, since mostly it has come with its head.
const READ_AHEAD: u64 = 64 << 10;

impl Dispatcher {
    /// Sends a request to the origin that a version is. Returns with the response's head.
    ///
    /// # Errors
    /// Why there is no response.
    pub(crate) async fn proxy(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        (version, upstream): (VersionId, &Arc<Upstream>),
        (call, limits): (Call, Limits),
        request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = capped_request(ctx, request, &limits)?;
        let until = limits.wall().map(|wall| tokio::time::Instant::now() + wall);
        let tailed = self.tails.observe(
            ctx,
            &Run {
                route,
                version,
                entrypoint: None,
                dispatchers: &call.dispatchers,
                hops: call.passed.hops,
                event: RunEvent::Fetch(&request),
            },
        );
        let running = Running::new(ctx, route, tailed);
        let wanted = Wanted::take(&mut request);
        let from_worker = call.depth > 0;
        let hops = call.passed.hops.saturating_add(call.depth.into()).saturating_add(1);
        let passed = Passed { hops, ..call.passed };
        let asks = from_worker && wants_socket(request.headers()) && matches!(request.body(), Body::Empty);
        let mut request = onward(request, wanted.as_ref(), from_worker);
        let key = asks.then(|| Key::write(request.headers_mut()));
        self.egress.loops().mark(request.headers_mut(), &passed);
        let terms = Terms { upgrade: wanted.is_some() || key.is_some(), until };
        let answered = self.upstreams.exchange(version, upstream, request, terms).await;
        self.upstreams.metrics.ended(answered.as_ref().err());
        let Answered { response, link, exchange } = match answered {
            Ok(answered) => answered,
            Err(error) => {
                running.failed(&error);
                return Err(error.into());
            }
        };
        running.answered(response.status());
        let (mut head, incoming) = response.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            if let Some(key) = key {
                return Ok(self.join(key, link, (exchange, running), head)?);
            }
            let tunnel = Tunnel { link, exchange, running, until, most: limits.response_bytes };
            let Some(wanted) = wanted else {
                tunnel.running.failed(&UpstreamError::Lost);
                return Err(UpstreamError::Lost.into());
            };
            return Ok(tunnel::open(wanted, tunnel, head)?);
        }
        if from_worker {
            remove_hop_by_hop(&mut head.headers);
        }
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            head.extensions.insert(Verbatim);
        }
        let idle = limit(upstream.idle_timeout_ms, self.upstreams.config().idle_timeout);
        let body = arriving(incoming, link, exchange, running, idle).await.map_err(|_| UpstreamError::Lost)?;
        capped_response(ctx, Response::from_parts(head, body), Cap { most: limits.response_bytes, until })
    }
}

impl Dispatcher {
    /// An origin has agreed to a WebSocket that a Worker asked for.
    fn join(
        &self,
        key: Key,
        link: Link,
        (exchange, running): (Exchange, Running),
        head: response::Parts,
    ) -> Result<Response<Body>, UpstreamError> {
        let parts = if key.is_answered(&head.headers) { link.into_stream() } else { None };
        let Some(parts) = parts else {
            running.failed(&UpstreamError::Lost);
            return Err(UpstreamError::Lost);
        };
        let early = parts.read_buf;
        let socket = self.upstreams.websockets.join(parts.io.into_inner(), early, move || {
            drop(exchange); // its places were held to the end
            running.done();
        });
        let mut response = Response::from_parts(head, Body::Empty);
        socket.put(response.extensions_mut());
        Ok(response)
    }
}

/// The body of an answer: whole, if it is here.
async fn arriving(
    incoming: Incoming,
    link: Link,
    exchange: Exchange,
    running: Running,
    idle: std::time::Duration,
) -> Result<Body, switchyard_runtime::BodyError> {
    if http_body::Body::is_end_stream(&incoming) {
        let mut held = Some((link, exchange));
        poll_fn(|cx| {
            if let Some((link, exchange)) = held.take() {
                exchange.give_back(link, cx);
            }
            Poll::Ready(())
        })
        .await;
        running.done();
        return Ok(Body::Empty);
    }
    let short = http_body::Body::size_hint(&incoming).exact().is_some_and(|length| length <= READ_AHEAD);
    let mut body = OriginBody::new(incoming, link, exchange);
    if short {
        match poll_fn(|cx| Poll::Ready(body.read_ahead(cx))).await {
            Ok(Some(whole)) => {
                running.done();
                return Ok(Body::Whole(whole));
            }
            Ok(None) => {}
            Err(error) => {
                running.failed(&UpstreamError::Lost);
                return Err(error);
            }
        }
    }
    let trailers = running.context().http2;
    let body = Bounded::new(body.of_run(running), idle);
    // Others could not be told of them before the body, as they have to be.
    Ok(Body::stream(if trailers { body.with_trailers(trailers::fit) } else { body }))
}

/// The request as the origin gets it. A client's has lost what ends at this hop already, and says truly
/// where it comes from; a Worker's says what the Worker likes.
fn onward(request: Request<Body>, wanted: Option<&Wanted>, from_worker: bool) -> Request<Body> {
    let (mut head, body) = request.into_parts();
    let headers: &mut HeaderMap = &mut head.headers;
    if from_worker {
        remove_hop_by_hop(headers);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(version::OVERRIDES);
        headers.remove(version::KEY);
    }
    headers.remove(header::EXPECT);
    one_cookie(headers);
    headers.remove(header::CONNECTION);
    headers.remove(header::UPGRADE);
    if let Some(wanted) = wanted {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, wanted.protocol());
    }
    let mut onward = Request::new(body);
    *onward.method_mut() = head.method;
    *onward.headers_mut() = head.headers;
    if let Some(target) = head.uri.into_parts().path_and_query {
        *onward.uri_mut() = Uri::from(target);
    }
    onward
}

/// HTTP/2 clients may send a line for each cookie; HTTP/1.1 has one for all (RFC 9113 §8.2.3).
fn one_cookie(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let cookies: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(one) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(header::COOKIE, one);
    }
}

/// What a Worker that called another gets: a plain body, as of all that it fetches; with `raw` one in the coding that
/// its header names.
pub fn for_worker(head: &mut response::Parts, body: Body, raw: bool) -> Body {
    if let Some(reason) = head.extensions.remove::<ReasonPhrase>() {
        let text = String::from_utf8_lossy(reason.as_bytes()).into_owned();
        head.extensions.insert(StatusText(text));
    }
    let verbatim = head.extensions.remove::<Verbatim>().is_some();
    match Coding::of(&head.headers) {
        Some(coding) if verbatim && !raw && !matches!(body, Body::Empty) => coding.decode(body),
        Some(coding) if !verbatim && raw && !matches!(body, Body::Empty) => coding.encode(body),
        _ => body,
    }
}

/// A request of an upstream tenant under way: told once how it ended, like the run of a Worker. Dropped
/// without a word, nobody waited for its end.
pub struct Running {
    ctx: Arc<RequestContext>,
    route: Arc<Route>,
    tailed: Option<Arc<Observed>>,
    began: Instant,
    told: bool,
}

impl Running {
    fn new(ctx: &Arc<RequestContext>, route: &Arc<Route>, tailed: Option<Arc<Observed>>) -> Self {
        Self { ctx: ctx.clone(), route: route.clone(), tailed, began: Instant::now(), told: false }
    }

    pub(super) fn context(&self) -> &Arc<RequestContext> {
        &self.ctx
    }

    fn answered(&self, status: StatusCode) {
        if let Some(tailed) = &self.tailed {
            tailed.answered(Ok(status.as_u16()));
        }
    }

    /// All of the answer has come.
    pub(super) fn done(mut self) {
        self.tell(Ending::Ok, None);
    }

    /// It broke off.
    pub(super) fn broke(mut self, why: &str) {
        self.tell(Ending::Exception, Some(format!("the origin's answer broke off: {why}")));
    }

    pub(super) fn failed(mut self, error: &UpstreamError) {
        let ending = match error {
            UpstreamError::Wall => Ending::ExceededWall,
            UpstreamError::Busy => Ending::Overloaded,
            UpstreamError::BodyTooLarge | UpstreamError::BodyBroken => Ending::Canceled,
            _ => Ending::Exception,
        };
        self.tell(ending, Some(error.to_string()));
    }

    pub(super) fn exceeded_wall(mut self) {
        self.tell(Ending::ExceededWall, None);
    }

    fn tell(&mut self, ending: Ending, message: Option<String>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let at_ms = u64::try_from(Timestamp::now().micros() / 1_000).unwrap_or_default();
        let name = "UpstreamError".to_owned();
        let outcome = Outcome {
            exception: message.map(|message| Exception { name, message, stack: String::new(), at_ms }),
            ..Outcome::without_a_run(ending, self.began.elapsed())
        };
        self.ctx.ran(&self.route, &outcome);
        if let Some(tailed) = self.tailed.take() {
            tailed.ended(outcome);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tell(Ending::Canceled, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_in_one_line() {
        let of = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (header::COOKIE, HeaderValue::from_static(line)));
            let mut headers: HeaderMap = lines.collect();
            one_cookie(&mut headers);
            headers.get_all(header::COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(of(&[]).is_empty());
        assert_eq!(of(&["a=1; b=2"]), ["a=1; b=2"]);
        assert_eq!(of(&["a=1", "b=2", "c=3"]), ["a=1; b=2; c=3"]);
    }
}
