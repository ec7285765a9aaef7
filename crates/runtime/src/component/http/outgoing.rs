//! The requests that a component makes.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method};
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode};

use super::bodies::{IncomingBody, OutgoingBody};
use super::fields::{self, Fields, content_length};
use super::{Interface, heads, without_forbidden};
use crate::component::outgoing::{Asked, Failed, Fetching};
use crate::component::pipe::Pipe;
use crate::component::state::State;
use crate::{Body, FetchResponse};

/// Bytes of a path with its query.
const MAX_PATH: usize = 64 << 10;

/// A request that a guest makes.
pub struct OutgoingRequest {
    method: types::Method,
    scheme: Option<types::Scheme>,
    authority: Option<String>,
    path: Option<String>,
    headers: Arc<HeaderMap>,
    body: Option<Arc<Pipe>>,
}

/// How long a guest waits at most, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestOptions {
    connect: Option<u64>,
    first_byte: Option<u64>,
    between_bytes: Option<u64>,
}

/// A response on its way.
pub enum FutureResponse {
    Pending(Fetching),
    Ready(Result<FetchResponse, Failed>),
    Given,
}

impl FutureResponse {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Pending(fetching) = self {
            let result = std::task::ready!(fetching.poll(cx));
            *self = Self::Ready(result);
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for FutureResponse {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

/// A response that came.
pub struct IncomingResponse {
    status: u16,
    headers: Arc<HeaderMap>,
    body: Option<Body>,
}

/// Defines them.
pub fn add_to(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let mut types = Interface(types);
    types.resource::<OutgoingRequest>("outgoing-request")?;
    types.resource::<RequestOptions>("request-options")?;
    types.resource::<FutureResponse>("future-incoming-response")?;
    types.resource::<IncomingResponse>("incoming-response")?;
    request(&mut types)?;
    options(&mut types)?;
    response(&mut types)
}

fn request(types: &mut Interface<'_, '_>) -> wasmtime::Result<()> {
    types.function("[constructor]outgoing-request", |state, (headers,): (Resource<Fields>,)| {
        let headers = fields::take(state, headers)?.map;
        let (method, scheme, authority, path, body) = (types::Method::Get, None, None, None, None);
        Ok(state.table.push(OutgoingRequest { method, scheme, authority, path, headers, body })?)
    })?;
    types.function("[method]outgoing-request.body", |state, (this,): (Resource<OutgoingRequest>,)| {
        let this = state.table.get_mut(&this)?;
        if this.body.is_some() {
            return Ok(Err(()));
        }
        let pipe = Pipe::new(content_length(&this.headers), &state.memory.held);
        this.body = Some(Arc::clone(&pipe));
        Ok(Ok(state.table.push(OutgoingBody::of_request(pipe))?))
    })?;
    types.getter("[method]outgoing-request.method", |this: &OutgoingRequest| this.method.clone())?;
    types.getter("[method]outgoing-request.scheme", |this: &OutgoingRequest| this.scheme.clone())?;
    types.getter("[method]outgoing-request.authority", |this: &OutgoingRequest| this.authority.clone())?;
    types.getter("[method]outgoing-request.path-with-query", |this: &OutgoingRequest| this.path.clone())?;
    types.function("[method]outgoing-request.headers", |state, (this,): (Resource<OutgoingRequest>,)| {
        let fields = Fields::shared(Arc::clone(&state.table.get(&this)?.headers));
        Ok(state.table.push(fields)?)
    })?;
    setter(types, "set-method", |this, method: types::Method| {
        let fits = heads::method_of(&method).is_some_and(|method| method.as_str().len() <= 64);
        taken(fits, || this.method = method)
    })?;
    setter(types, "set-scheme", |this, scheme: Option<types::Scheme>| {
        let fits = match &scheme {
            Some(types::Scheme::Other(name)) => name.len() <= 64 && Scheme::try_from(name.as_str()).is_ok(),
            _ => true,
        };
        taken(fits, || this.scheme = scheme)
    })?;
    setter(types, "set-authority", |this, authority: Option<String>| {
        let fits = authority.as_deref().is_none_or(|name| name.len() <= 1024 && Authority::try_from(name).is_ok());
        taken(fits, || this.authority = authority)
    })?;
    setter(types, "set-path-with-query", |this, path: Option<String>| {
        let is_path = |path: &str| {
            (path.is_empty() || path.starts_with('/') || path.starts_with('?'))
                && path.len() <= MAX_PATH
                && PathAndQuery::try_from(path).is_ok()
        };
        taken(path.as_deref().is_none_or(is_path), || this.path = path)
    })
}

/// Sets what fits.
fn taken(fits: bool, set: impl FnOnce()) -> Result<(), ()> {
    if fits {
        set();
    }
    fits.then_some(()).ok_or(())
}

fn setter<V>(
    types: &mut Interface<'_, '_>,
    name: &str,
    set: impl Fn(&mut OutgoingRequest, V) -> Result<(), ()> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    (Resource<OutgoingRequest>, V): wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
    V: 'static,
{
    let name = format!("[method]outgoing-request.{name}");
    types.function(&name, move |state, (this, value): (Resource<OutgoingRequest>, V)| {
        Ok(set(state.table.get_mut(&this)?, value))
    })
}

/// Where a time-out is kept.
type Timeout = fn(&mut RequestOptions) -> &mut Option<u64>;

fn options(types: &mut Interface<'_, '_>) -> wasmtime::Result<()> {
    types.function("[constructor]request-options", |state, ()| Ok(state.table.push(RequestOptions::default())?))?;
    let all: [(&str, Timeout); 3] = [
        ("connect-timeout", |options| &mut options.connect),
        ("first-byte-timeout", |options| &mut options.first_byte),
        ("between-bytes-timeout", |options| &mut options.between_bytes),
    ];
    for (name, which) in all {
        types
            .getter(&format!("[method]request-options.{name}"), move |this: &RequestOptions| *which(&mut { *this }))?;
        types.function(
            &format!("[method]request-options.set-{name}"),
            move |state, (this, nanos): (Resource<RequestOptions>, Option<u64>)| {
                *which(state.table.get_mut(&this)?) = nanos;
                Ok(Ok::<(), ()>(()))
            },
        )?;
    }
    Ok(())
}

type Response = Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>;

fn response(types: &mut Interface<'_, '_>) -> wasmtime::Result<()> {
    types.function(
        "[method]future-incoming-response.subscribe",
        |state, (this,): (Resource<FutureResponse>,)| -> wasmtime::Result<Resource<DynPollable>> {
            subscribe(&mut state.table, this)
        },
    )?;
    types.function(
        "[method]future-incoming-response.get",
        |state, (this,): (Resource<FutureResponse>,)| -> wasmtime::Result<Response> {
            let future = state.table.get_mut(&this)?;
            if future.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                return Ok(None);
            }
            Ok(Some(match std::mem::replace(future, FutureResponse::Given) {
                FutureResponse::Ready(Ok(FetchResponse { status, headers, body, .. })) => {
                    let headers = Arc::new(without_forbidden(headers));
                    Ok(Ok(state.table.push(IncomingResponse { status, headers, body: Some(body) })?))
                }
                FutureResponse::Ready(Err(failed)) => Ok(Err(failed.code())),
                _ => Err(()),
            }))
        },
    )?;
    types.getter("[method]incoming-response.status", |this: &IncomingResponse| this.status)?;
    types.function("[method]incoming-response.headers", |state, (this,): (Resource<IncomingResponse>,)| {
        let fields = Fields::shared(Arc::clone(&state.table.get(&this)?.headers));
        Ok(state.table.push(fields)?)
    })?;
    types.function("[method]incoming-response.consume", |state, (this,): (Resource<IncomingResponse>,)| {
        let Some(body) = state.table.get_mut(&this)?.body.take() else { return Ok(Err(())) };
        let body = IncomingBody::new(state, body)?;
        Ok(Ok(state.table.push(body)?))
    })
}

/// `handle`: sends a request.
pub fn add_handler(handler: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    Interface(handler).function(
        "handle",
        |state, (request, options): (Resource<OutgoingRequest>, Option<Resource<RequestOptions>>)| {
            let request = state.table.delete(request)?;
            let options = match options {
                Some(options) => state.table.delete(options)?,
                None => RequestOptions::default(),
            };
            match asked(request, options) {
                Ok(asked) => {
                    let fetching = state.calls.fetch(asked);
                    Ok(Ok(state.table.push(FutureResponse::Pending(fetching))?))
                }
                Err(refused) => Ok(Err(refused)),
            }
        },
    )
}

fn asked(request: OutgoingRequest, options: RequestOptions) -> Result<Asked, ErrorCode> {
    let method: Method = heads::method_of(&request.method).ok_or(ErrorCode::HttpRequestMethodInvalid)?;
    let scheme = match request.scheme {
        Some(types::Scheme::Http) => "http",
        None | Some(types::Scheme::Https) => "https",
        Some(types::Scheme::Other(_)) => return Err(ErrorCode::HttpProtocolError),
    };
    let authority = request.authority.filter(|authority| !authority.is_empty());
    let authority = authority.ok_or(ErrorCode::HttpRequestUriInvalid)?;
    if request.body.is_none() && content_length(&request.headers).is_some_and(|length| length > 0) {
        return Err(ErrorCode::HttpRequestBodySize(Some(0)));
    }
    let path = request.path.unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let nanos = |nanos: Option<u64>| nanos.map(Duration::from_nanos);
    Ok(Asked {
        method,
        url: format!("{scheme}://{authority}{slash}{path}"),
        authority,
        headers: Arc::unwrap_or_clone(request.headers),
        body: request.body.map_or(Body::Empty, |pipe| pipe.reader(None)),
        connect: nanos(options.connect),
        first_byte: nanos(options.first_byte),
        between_bytes: nanos(options.between_bytes),
    })
}
