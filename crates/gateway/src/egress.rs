//! A Worker's way to the network: http and https, to public addresses only, redirects followed here
//! so that every hop is checked like the first, bodies streamed both ways and decoded.

mod address;
mod connect;
mod names;
mod policy;
mod pools;
mod redirect;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use switchyard_runtime::{Body, FetchError, FetchResponse, wants_socket};
use url::Url;

use crate::body::Bounded;
use crate::coding::Coding;
use crate::config;
use crate::headers::remove_hop_by_hop;
use crate::ids::reference;
use crate::loops::{Loops, Passed};
use crate::routes::Route;
use crate::websocket::{Key, WebSockets};
use connect::ConnectError;
pub use policy::Policy;
use pools::Pools;
pub use redirect::Journey;

/// The HTTP client of all Workers of this node.
pub struct Egress {
    pools: Arc<Pools>,
    loops: Loops,
    websockets: Arc<WebSockets>,
    config: config::Egress,
}

/// How one hop over the network ended. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressEnd {
    Ok,
    /// The URL, or the policy, forbids it.
    Refused,
    Lookup,
    Connect,
    Timeout,
    /// The connection broke, or what came was not HTTP.
    Lost,
    /// The outbound Worker that should have got it is gone.
    NoOutbound,
}

impl EgressEnd {
    pub const ALL: [EgressEnd; 7] =
        [Self::Ok, Self::Refused, Self::Lookup, Self::Connect, Self::Timeout, Self::Lost, Self::NoOutbound];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Lookup => "lookup",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Lost => "lost",
            Self::NoOutbound => "no_outbound",
        }
    }
}

/// What `fetch` says of a connection that could not be made or broke.
const LOST: &str = "Network connection lost.";

impl Egress {
    /// # Errors
    /// The TLS provider has no usable protocol version.
    pub fn new(config: &config::Egress, loops: Loops, websockets: Arc<WebSockets>) -> Result<Self, rustls::Error> {
        Ok(Self { pools: Pools::new(config)?, loops, websockets, config: config.clone() })
    }

    /// What all that leaves this node goes by.
    pub fn policy(&self) -> &Arc<Policy> {
        self.pools.policy()
    }

    /// Names this node's own listeners, which no Worker reaches.
    pub fn forbid(&self, own: std::net::SocketAddr) {
        self.pools.forbid(own);
    }

    pub fn loops(&self) -> &Loops {
        &self.loops
    }

    pub fn max_redirects(&self) -> u32 {
        self.config.redirects
    }

    /// Sends one hop of a Worker's. `passed` is written as `CDN-Loop`.
    ///
    /// # Errors
    /// What the Worker's `fetch` rejects with; the end says why, for the metric.
    pub async fn send(
        &self,
        route: &Route,
        journey: &mut Journey,
        passed: &Passed,
    ) -> (EgressEnd, Result<FetchResponse, FetchError>) {
        let (request, key) = match self.request(journey, passed) {
            Ok(request) => request,
            Err(error) => return (EgressEnd::Refused, Err(error)),
        };
        let head_only = request.method() == Method::HEAD;
        let response =
            match tokio::time::timeout(self.config.head_timeout, self.pools.of(route, key.is_some()).request(request))
                .await
            {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return explain(&error),
                Err(_) => return (EgressEnd::Timeout, Err(FetchError::error(LOST))),
            };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let seen = (without_fragment(&journey.url), journey.redirected());
            return self.join(seen, key, response).await;
        }
        let (mut head, body) = response.into_parts();
        let reason = head.extensions.get::<hyper::ext::ReasonPhrase>();
        let status_text = match reason {
            Some(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
            None => head.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        remove_hop_by_hop(&mut head.headers);
        let none = head_only || matches!(head.status.as_u16(), 204 | 205 | 304);
        let body = if none {
            Body::Empty
        } else if http_body::Body::is_end_stream(&body) {
            Body::Whole(Bytes::new())
        } else {
            let body = body.map_err(|_| LOST);
            let body = Body::stream(Bounded::new(body, self.config.body_timeout));
            match Coding::of(&head.headers).filter(|_| !journey.raw) {
                // The headers stay, as in Cloudflare's runtime: passed on, they say how to encode again.
                Some(coding) => coding.decode(body),
                None => body,
            }
        };
        let response = FetchResponse {
            status: head.status.as_u16(),
            status_text,
            headers: head.headers,
            url: without_fragment(&journey.url),
            redirected: journey.redirected(),
            body,
            socket: None,
        };
        (EgressEnd::Ok, Ok(response))
    }

    /// A server has agreed to a WebSocket. One that agrees to anything else makes no sense.
    async fn join(
        &self,
        (url, redirected): (String, bool),
        key: Option<Key>,
        mut response: http::Response<hyper::body::Incoming>,
    ) -> (EgressEnd, Result<FetchResponse, FetchError>) {
        let lost = || (EgressEnd::Lost, Err(FetchError::error(LOST)));
        if !key.is_some_and(|key| key.is_answered(response.headers())) {
            return lost();
        }
        let upgraded = tokio::time::timeout(self.config.connect_timeout, hyper::upgrade::on(&mut response)).await;
        let Ok(Ok(stream)) = upgraded else { return lost() };
        let socket = self.websockets.join(TokioIo::new(stream), bytes::Bytes::new(), || ());
        let response = FetchResponse {
            status: response.status().as_u16(),
            status_text: String::new(),
            headers: std::mem::take(response.headers_mut()),
            url,
            redirected,
            body: Body::Empty,
            socket: Some(socket),
        };
        (EgressEnd::Ok, Ok(response))
    }

    /// The request of one hop; with a key where it asks for a WebSocket.
    fn request(&self, journey: &mut Journey, passed: &Passed) -> Result<(Request<Body>, Option<Key>), FetchError> {
        let url = &journey.url;
        let invalid = || FetchError::type_error(format!("Invalid URL: {url}"));
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::type_error(format!("Fetch API cannot load: {url}")));
        }
        let host = url.host_str().ok_or_else(invalid)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let mut target = url.path().to_owned();
        if let Some(query) = url.query() {
            target.push('?');
            target.push_str(query);
        }
        let uri = Uri::builder().scheme(url.scheme()).authority(authority).path_and_query(target);
        let uri = uri.build().map_err(|_| invalid())?;

        let mut headers = journey.headers.clone();
        let asks_for_socket = wants_socket(&headers) && journey.method == Method::GET;
        remove_hop_by_hop(&mut headers);
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::EXPECT);
        if !headers.contains_key(header::ACCEPT_ENCODING) {
            // Part of an encoded body cannot be decoded.
            let accept = if headers.contains_key(header::RANGE) { "identity" } else { "gzip, br" };
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        }
        self.loops.mark(&mut headers, passed);
        let key = asks_for_socket.then(|| Key::write(&mut headers));
        let body = journey.take_body();
        if http_body::Body::is_end_stream(&body) && !matches!(journey.method, Method::GET | Method::HEAD) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        let mut request = Request::new(body);
        *request.method_mut() = journey.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok((request, key))
    }
}

fn without_fragment(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    url.into()
}

/// What a Worker hears of a client's error. Whether a name exists inside, or what it resolves to, is
/// not for tenants: both look alike, and the operator's log has the reference.
fn explain(error: &hyper_util::client::legacy::Error) -> (EgressEnd, Result<FetchResponse, FetchError>) {
    let lost = |end| (end, Err(FetchError::error(LOST)));
    let hidden = |end, why: &ConnectError| {
        let reference = reference();
        tracing::info!(%reference, "a Worker's fetch was refused: {why}");
        (end, Err(FetchError::error(format!("internal error; reference = {reference}"))))
    };
    match find::<ConnectError>(error) {
        Some(why @ ConnectError::Forbidden(host)) => {
            if host.parse::<std::net::IpAddr>().is_ok() {
                let message = format!("Workers cannot fetch from {host}: it is not an address that they may reach.");
                return (EgressEnd::Refused, Err(FetchError::error(message)));
            }
            hidden(EgressEnd::Refused, why)
        }
        Some(why @ ConnectError::Lookup(_)) => hidden(EgressEnd::Lookup, why),
        Some(ConnectError::Unlisted(host, port)) => {
            let message =
                format!("Workers of this namespace cannot fetch from {host}:{port}: it is not on their list.");
            (EgressEnd::Refused, Err(FetchError::error(message)))
        }
        Some(ConnectError::Port(_) | ConnectError::NoHost) => lost(EgressEnd::Refused),
        Some(ConnectError::Io(_)) => lost(EgressEnd::Connect),
        Some(ConnectError::Timeout) => lost(EgressEnd::Timeout),
        None if error.is_connect() => lost(EgressEnd::Connect),
        None => lost(EgressEnd::Lost),
    }
}

fn find<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An io::Error shows the source of what it wraps, not what it wraps.
        if let Some(wrapped) = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref())
            && let Some(found) = find::<T>(wrapped)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
