//! A request's way to an origin and back: whose turn it is, a connection, and once more where that is
//! safe. Everything here has an end: one deadline for the head, whatever is tried until then.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, Request, Response, header};
use hyper::body::Incoming;
use switchyard_catalog::{Upstream, UpstreamHost, UpstreamProtocol, VersionId};
use switchyard_runtime::Body;
use tokio::time::Instant;

use super::body::Exchange;
use super::link::Link;
use super::pool::{OriginPool, Tenant};
use super::upload::Moved;
use super::{UpstreamError, Upstreams};

/// How a request goes out, besides the request.
pub struct Terms {
    /// Another protocol is asked for: the connection must be had afterwards.
    pub upgrade: bool,
    /// The script's wall time.
    pub until: Option<Instant>,
}

/// An answer's head; its body comes by the link.
pub struct Answered {
    pub response: Response<Incoming>,
    pub link: Link,
    pub exchange: Exchange,
}

impl Upstreams {
    /// Sends a request as it is to be on the wire, but for its `Host`. Sends it again, as often as the
    /// upstream says, when the connection failed before an answer, and either nothing of it was sent or
    /// its method is idempotent and it has no body.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub(super) async fn exchange(
        self: &Arc<Self>,
        version: VersionId,
        upstream: &Arc<Upstream>,
        mut request: Request<Body>,
        terms: Terms,
    ) -> Result<Answered, UpstreamError> {
        let tenant = self.tenant(version, upstream);
        tenant.used(self.now());
        let places = self.enter(&tenant)?;
        let config = self.config();
        let patience = limit(upstream.head_timeout_ms, config.head_timeout);
        let moved = Moved::watch(request.body_mut());
        let until = |moved: &Moved| {
            let head = later(moved.at(), patience);
            terms.until.map_or(head, |wall| wall.min(head))
        };
        let late = || match terms.until {
            Some(wall) if wall <= Instant::now() => UpstreamError::Wall,
            _ => UpstreamError::Timeout,
        };

        let streams = matches!(request.body(), Body::Stream(_) | Body::Coded(_));
        let repeatable = is_idempotent(request.method()) && matches!(request.body(), Body::Empty);
        let mut retries = upstream.retries.unwrap_or(1);
        let (mut tried, mut pooled, mut again) = (0, true, false);
        let mut last = UpstreamError::Unavailable;
        loop {
            let at = tenant.pick(tried, self.now()).ok_or(last)?;
            let origin = &tenant.origins[at];
            if std::mem::replace(&mut again, true) {
                self.metrics.retried();
            }
            if upstream.host == UpstreamHost::Origin {
                request.headers_mut().insert(header::HOST, origin.host.clone());
            }
            let http2 = upstream.protocol == UpstreamProtocol::Http2 && !terms.upgrade;
            let kept = if pooled && !terms.upgrade { origin.take(http2, self.now(), &config).await } else { None };
            let reused = kept.is_some();
            let mut link = match kept {
                Some(link) => link,
                None => match self.link(&tenant, origin, (http2, pooled), until(&moved)).await {
                    Ok(link) => link,
                    Err(error) => {
                        let over = Instant::now() >= until(&moved);
                        let error = if over { late() } else { error };
                        self.failed(origin, &error);
                        if retries == 0 || over {
                            return Err(error);
                        }
                        // Nothing was sent: the next origin may have it, whatever it is.
                        retries -= 1;
                        tried |= 1 << at;
                        last = error;
                        continue;
                    }
                },
            };
            if streams {
                link.spawn(&self.io);
            }
            link.fit(&mut request, origin.origin.tls, &origin.host);
            let copy = (repeatable && retries > 0).then(|| copy_of(&request));
            let mut refused = match in_time(&moved, until, link.send(request)).await {
                Some(Ok(response)) => {
                    origin.health.answered();
                    let exchange = Exchange { upstreams: self.clone(), tenant, at, _places: places };
                    return Ok(Answered { response, link, exchange });
                }
                Some(Err(refused)) => refused,
                None => {
                    link.is_silent();
                    let error = late();
                    self.failed(origin, &error);
                    return Err(error);
                }
            };
            let unsent = refused.take_message();
            let cause = refused.into_error();
            let error = moved.broke().map_or_else(|| UpstreamError::of(&cause), UpstreamError::of_body);
            // An origin that closed a connection while it was idle has done nothing wrong.
            if !reused {
                self.failed(origin, &error);
            }
            // What began to answer has got the request.
            let lost = matches!(error, UpstreamError::Lost) && !cause.is_parse();
            request = match unsent.or(copy) {
                Some(request) if lost && retries > 0 => request,
                _ => return Err(error),
            };
            if reused {
                pooled = false;
            } else {
                tried |= 1 << at;
            }
            retries -= 1;
            last = error;
        }
    }

    /// A new connection; with `http2` and `pooled` perhaps one that another has made meanwhile.
    async fn link(
        &self,
        tenant: &Tenant,
        origin: &OriginPool,
        (http2, pooled): (bool, bool),
        until: Instant,
    ) -> Result<Link, UpstreamError> {
        let config = self.config();
        let patience = limit(tenant.upstream.connect_timeout_ms, config.connect_timeout);
        let until = later(Instant::now(), patience).min(until);
        let shared = &origin.shared;
        let _making = if http2 && !shared.declined.load(Ordering::Relaxed) {
            let making = tokio::time::timeout_at(until, shared.making.lock()).await;
            Some(making.map_err(|_| UpstreamError::Timeout)?)
        } else {
            None
        };
        if pooled
            && http2
            && let Some(stream) = shared.take(self.now())
        {
            return Ok(Link::shared(stream));
        }
        let stream = self.connector.connect(&origin.origin, tenant.upstream.inside, http2, until).await;
        let stream = stream.inspect_err(|error| {
            tracing::debug!(origin = %origin.origin, error = %crate::dispatch::chain(error), "no connection to an origin");
        })?;
        let agreed = http2 && (!origin.origin.tls || stream.agreed_http2());
        if http2 {
            shared.declined.store(!agreed, Ordering::Relaxed);
        }
        if agreed {
            let begun = shared.begin(stream, self.now(), origin.place(&config), &self.io);
            let begun = tokio::time::timeout_at(until, begun).await.map_err(|_| UpstreamError::Timeout)?;
            return begun.map(Link::shared).map_err(|_| UpstreamError::Connect);
        }
        Link::new(stream).await.map_err(|_| UpstreamError::Connect)
    }

    fn failed(&self, origin: &OriginPool, error: &UpstreamError) {
        let config = self.config();
        if error.is_origins() && origin.health.failed(self.now(), config.failures, config.eject) {
            self.metrics.taken_out_by_requests();
        }
    }
}

/// `None`: it was not in time, which an upload that moves puts off.
async fn in_time<T>(moved: &Moved, until: impl Fn(&Moved) -> Instant, sent: impl Future<Output = T>) -> Option<T> {
    let mut sent = std::pin::pin!(sent);
    loop {
        let deadline = until(moved);
        match tokio::time::timeout_at(deadline, sent.as_mut()).await {
            Ok(answered) => return Some(answered),
            Err(_) if until(moved) > deadline => {}
            Err(_) => return None,
        }
    }
}

/// The upstream's own, else the node's.
pub fn limit(own_ms: Option<u32>, node: Duration) -> Duration {
    own_ms.map_or(node, |ms| Duration::from_millis(ms.into()))
}

/// As far away as a clock goes.
pub fn later(at: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);
    at + time.min(FAR)
}

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE)
}

/// Of a request without a body.
fn copy_of(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.version_mut() = request.version();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
