//! How a WebSocket begins (RFC 6455 §4): what a client brings and is answered, and what is sent to a server.
//! Extensions are negotiated with nobody.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request};
use hyper::upgrade::OnUpgrade;
use switchyard_runtime::{Body, wants_socket};

use crate::upstream::Asked;

/// The one version there is.
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// A client that wants a WebSocket. Whether it may have one is looked at when a Worker gives it one.
pub struct Client {
    key: Option<HeaderValue>,
    is_version: bool,
    upgrade: OnUpgrade,
}

impl Client {
    /// Of a head as it came; one with a body asks for nothing.
    pub fn of(head: &request::Parts) -> Option<Self> {
        let body = head.headers.contains_key(header::TRANSFER_ENCODING)
            || head.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
        if head.method != Method::GET || body || !wants_socket(&head.headers) || Asked::of(head).is_none() {
            return None;
        }
        Some(Self {
            key: head.headers.get(header::SEC_WEBSOCKET_KEY).cloned(),
            is_version: head.headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| *version == VERSION),
            upgrade: head.extensions.get::<OnUpgrade>()?.clone(),
        })
    }

    /// What its Worker sees of that, since it is no connection's own.
    pub fn describe(headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }

    /// What shows that its key was understood, and its connection to be.
    ///
    /// # Errors
    /// The answer to a handshake that is none.
    #[expect(clippy::result_large_err, reason = "the answer is sent as it is: a box would only move it once more")]
    pub(super) fn answer(self) -> Result<(HeaderValue, OnUpgrade), Response<Body>> {
        if !self.is_version {
            let mut refused =
                refusal(StatusCode::UPGRADE_REQUIRED, "ERROR: The requested WebSocket version is not supported.");
            refused.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, VERSION);
            return Err(refused);
        }
        let key = self.key.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "ERROR: Missing Sec-WebSocket-Key"))?;
        Ok((accept(key.as_bytes()), self.upgrade))
    }

    /// The answer where there is no connection to be had.
    pub(super) fn missing() -> Response<Body> {
        refusal(StatusCode::UPGRADE_REQUIRED, "ERROR: A WebSocket needs an HTTP/1.1 request with Upgrade: websocket.")
    }
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// What is answered to a key (RFC 6455 §4.2.2).
pub fn accept(key: &[u8]) -> HeaderValue {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64_value(digest.finish().as_ref())
}

fn base64_value(bytes: &[u8]) -> HeaderValue {
    // Base64 is always a header's value.
    HeaderValue::from_str(&STANDARD.encode(bytes)).unwrap_or(HeaderValue::from_static(""))
}

/// The key of a handshake that is sent.
pub struct Key(HeaderValue);

impl Key {
    /// Writes the handshake into a request's headers.
    pub fn write(headers: &mut HeaderMap) -> Self {
        let mut random = [0; 16];
        // Nothing secret: it only shows that the other side speaks the protocol.
        let _ = aws_lc_rs::rand::fill(&mut random);
        let key = base64_value(&random);
        super::strip(headers);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        headers.insert(header::SEC_WEBSOCKET_KEY, key.clone());
        Self(key)
    }

    /// Whether a head with status 101 answers it.
    pub fn is_answered(&self, headers: &HeaderMap) -> bool {
        wants_socket(headers)
            && headers.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|given| *given == accept(self.0.as_bytes()))
            && !headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_rfc_says() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut headers = HeaderMap::new();
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
        let key = Key::write(&mut headers);
        assert!(wants_socket(&headers) && !headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS));
        let mut answer = HeaderMap::new();
        answer.insert(header::UPGRADE, HeaderValue::from_static("WebSocket"));
        assert!(!key.is_answered(&answer));
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept(key.0.as_bytes()));
        assert!(key.is_answered(&answer));
        answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("x"));
        assert!(!key.is_answered(&answer));
    }
}
