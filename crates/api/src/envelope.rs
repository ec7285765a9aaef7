//! The envelope around every reply (contract §1.2): `result`, `success`, `errors`, `messages`.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full, StreamBody, combinators::UnsyncBoxBody};
use serde::Serialize;
use serde_json::Value;

/// A reply's body: whole, or as it comes.
pub type ReplyBody = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// A successful reply.
#[derive(Debug)]
pub(crate) enum Reply {
    Envelope {
        result: Value,
        result_info: Option<Value>,
    },
    /// As `Envelope`; the result is JSON text already.
    Text {
        result: Vec<u8>,
        result_info: Option<Value>,
    },
    /// Script content is the one reply without an envelope (contract §3.9).
    Raw(Response<Full<Bytes>>),
    /// Server-sent events, as they come.
    Events(Response<UnsyncBoxBody<Bytes, Infallible>>),
}

#[derive(Serialize)]
struct Envelope<'a> {
    result: &'a Value,
    success: bool,
    errors: &'a [Fault],
    messages: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<&'a Value>,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) code: u32,
    pub(crate) message: String,
    /// wrangler prints it below the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) error_chain: Vec<Fault>,
    /// Which field of the JSON sent is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    /// RFC 6901.
    pub(crate) pointer: String,
}

impl Fault {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), error_chain: Vec::new(), source: None }
    }
}

impl Reply {
    /// 200 with this result.
    pub(crate) fn of(result: impl Into<Value>) -> Self {
        Self::Envelope { result: result.into(), result_info: None }
    }

    /// 200 with `"result": null`: what a deletion answers.
    pub(crate) fn null() -> Self {
        Self::of(Value::Null)
    }

    /// Another success than 200.
    pub(crate) fn with_status(status: StatusCode, result: impl Into<Value>) -> Self {
        Self::Raw(respond(status, &result.into(), &[], None))
    }

    pub(crate) fn paged(result: impl Into<Value>, result_info: Value) -> Self {
        Self::Envelope { result: result.into(), result_info: Some(result_info) }
    }

    /// 200 with a result that is JSON text already.
    pub(crate) fn text(result: Vec<u8>, result_info: Option<Value>) -> Self {
        Self::Text { result, result_info }
    }

    /// Server-sent events, already as text.
    pub(crate) fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        let frames = events.map(|text| Ok(Frame::data(text)));
        let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would collect them.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Self::Events(response)
    }

    pub(crate) fn into_response(self) -> Response<ReplyBody> {
        let whole = match self {
            Self::Events(response) => return response.map(Either::Right),
            Self::Envelope { result, result_info } => respond(StatusCode::OK, &result, &[], result_info.as_ref()),
            Self::Text { result, result_info } => respond_text(&result, result_info.as_ref()),
            Self::Raw(response) => response,
        };
        whole.map(Either::Left)
    }
}

/// A refusal: `success` false, `result` null.
pub(crate) fn failure(status: StatusCode, errors: &[Fault]) -> Response<Full<Bytes>> {
    respond(status, &Value::Null, errors, None)
}

fn respond(status: StatusCode, result: &Value, errors: &[Fault], result_info: Option<&Value>) -> Response<Full<Bytes>> {
    let envelope = Envelope { result, success: errors.is_empty(), errors, messages: [], result_info };
    // Values and strings only: there is nothing in an envelope that JSON cannot say.
    let text = serde_json::to_vec(&envelope).unwrap_or_default();
    json(status, text)
}

/// What [`respond`] makes of a success, around text.
fn respond_text(result: &[u8], result_info: Option<&Value>) -> Response<Full<Bytes>> {
    const ROOM: usize = 256;
    let mut text = Vec::with_capacity(result.len() + ROOM);
    text.extend_from_slice(b"{\"result\":");
    text.extend_from_slice(result);
    text.extend_from_slice(b",\"success\":true,\"errors\":[],\"messages\":[]");
    if let Some(info) = result_info {
        text.extend_from_slice(b",\"result_info\":");
        text.extend_from_slice(info.to_string().as_bytes());
    }
    text.push(b'}');
    json(StatusCode::OK, text)
}

fn json(status: StatusCode, text: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
