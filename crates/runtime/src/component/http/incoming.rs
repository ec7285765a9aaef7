//! The request that a component handles, and where it puts its response.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode, header, request};
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use super::bodies::{IncomingBody, OutgoingBody};
use super::fields::{self, Fields, content_length};
use super::{Interface, heads, without_forbidden};
use crate::Body;
use crate::component::outgoing::text_of;
use crate::component::pipe::Pipe;
use crate::component::state::{Content, State};
use crate::error::{RunError, RunErrorKind};

/// A request from outside.
pub struct IncomingRequest {
    parts: request::Parts,
    headers: Arc<HeaderMap>,
    body: Option<Body>,
}

impl IncomingRequest {
    pub fn new(mut parts: request::Parts, body: Body) -> Self {
        let headers = Arc::new(without_forbidden(std::mem::take(&mut parts.headers)));
        Self { parts, headers, body: Some(body) }
    }
}

/// Where its response goes: into the request's exchange.
pub struct ResponseOutparam {
    /// Its request's method is HEAD: a length is told of a body that is not sent.
    pub head: bool,
}

/// A response that a guest makes.
pub struct OutgoingResponse {
    status: StatusCode,
    headers: Arc<HeaderMap>,
    body: Option<Arc<Pipe>>,
}

fn failed(message: String) -> RunError {
    RunError { kind: RunErrorKind::Exception, name: "Error".into(), message }
}

/// Defines them.
pub fn add_to(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource("response-outparam", ResourceType::host::<ResponseOutparam>(), |mut store, rep| {
        let state = store.data_mut();
        state.table.delete::<ResponseOutparam>(Resource::new_own(rep))?;
        if !state.exchange.is_answered() {
            state.exchange.fail(failed("The component dropped its response-outparam without setting it.".into()));
        }
        Ok(())
    })?;
    let mut types = Interface(types);
    types.resource::<IncomingRequest>("incoming-request")?;
    types.resource::<OutgoingResponse>("outgoing-response")?;
    request(&mut types)?;
    types.function("[constructor]outgoing-response", |state, (headers,): (Resource<Fields>,)| {
        let headers = fields::take(state, headers)?.map;
        Ok(state.table.push(OutgoingResponse { status: StatusCode::OK, headers, body: None })?)
    })?;
    types.getter("[method]outgoing-response.status-code", |this: &OutgoingResponse| this.status.as_u16())?;
    types.function(
        "[method]outgoing-response.set-status-code",
        |state, (this, status): (Resource<OutgoingResponse>, u16)| {
            // What comes before a response is not one.
            let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
            let this = state.table.get_mut(&this)?;
            Ok(status.map(|status| this.status = status).ok_or(()))
        },
    )?;
    types.function("[method]outgoing-response.headers", |state, (this,): (Resource<OutgoingResponse>,)| {
        let fields = Fields::shared(Arc::clone(&state.table.get(&this)?.headers));
        Ok(state.table.push(fields)?)
    })?;
    types.function("[method]outgoing-response.body", |state, (this,): (Resource<OutgoingResponse>,)| {
        let this = state.table.get_mut(&this)?;
        if this.body.is_some() {
            return Ok(Err(()));
        }
        let pipe = Pipe::new(content_length(&this.headers), &state.memory.held);
        this.body = Some(Arc::clone(&pipe));
        Ok(Ok(state.table.push(OutgoingBody::of_response(pipe))?))
    })?;
    // It has no result: not even an empty one.
    types.0.func_wrap("[static]response-outparam.set", |mut store: StoreContextMut<'_, State>, params: Set| {
        set(store.data_mut(), params)
    })
}

type Set = (Resource<ResponseOutparam>, Result<Resource<OutgoingResponse>, ErrorCode>);

fn set(state: &mut State, (this, response): Set) -> wasmtime::Result<()> {
    let response = match response {
        Ok(response) => Ok(state.table.delete(response)?),
        Err(error) => Err(error),
    };
    let outparam = state.table.delete(this)?;
    match response {
        Ok(response) => respond(state, response, outparam.head),
        Err(error) => {
            let message = format!("The component answered with an error: {}", text_of(&error));
            state.exchange.fail(failed(message));
        }
    }
    Ok(())
}

fn respond(state: &mut State, response: OutgoingResponse, head: bool) {
    let OutgoingResponse { status, headers, body } = response;
    let mut made = Response::new(());
    *made.status_mut() = status;
    *made.headers_mut() = Arc::unwrap_or_clone(headers);
    let content = match body {
        Some(pipe) => Content::Written(pipe),
        None => {
            if !head && status != StatusCode::NOT_MODIFIED {
                made.headers_mut().remove(header::CONTENT_LENGTH); // there is nothing of that length
            }
            Content::Empty
        }
    };
    state.exchange.respond(made, content);
}

fn request(types: &mut Interface<'_, '_>) -> wasmtime::Result<()> {
    types.getter("[method]incoming-request.method", |this: &IncomingRequest| heads::method(&this.parts.method))?;
    types.getter("[method]incoming-request.path-with-query", |this: &IncomingRequest| {
        this.parts.uri.path_and_query().map(|path| path.as_str().to_owned())
    })?;
    types.getter("[method]incoming-request.scheme", |this: &IncomingRequest| {
        this.parts.uri.scheme_str().map(heads::scheme)
    })?;
    types.getter("[method]incoming-request.authority", |this: &IncomingRequest| {
        this.parts.uri.authority().map(|authority| authority.as_str().to_owned())
    })?;
    types.function("[method]incoming-request.headers", |state, (this,): (Resource<IncomingRequest>,)| {
        let fields = Fields::shared(Arc::clone(&state.table.get(&this)?.headers));
        Ok(state.table.push(fields)?)
    })?;
    types.function("[method]incoming-request.consume", |state, (this,): (Resource<IncomingRequest>,)| {
        let Some(body) = state.table.get_mut(&this)?.body.take() else { return Ok(Err(())) };
        let body = IncomingBody::new(state, body)?;
        Ok(Ok(state.table.push(body)?))
    })
}
