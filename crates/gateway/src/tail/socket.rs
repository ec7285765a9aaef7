//! A session as the WebSocket that `wrangler tail` reads: each event is one text message. Whoever has
//! the session's id may listen; there is no other credential, as at Cloudflare.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::hub::{End, Listener, TailHub};
use crate::websocket::accept;

/// Where sessions are listened to: the id follows.
const PATH: &str = "/client/v4/switchyard/tails/";
/// The one form of events there is.
const PROTOCOL: &str = "trace-v1";
/// For the switch to the WebSocket, and for the listener to take an event.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a listener is asked whether it is there; after three without an answer it is not.
const PING: Duration = Duration::from_secs(20);
/// A listener has nothing to say; wrangler sends one small object.
const MOST_FROM_LISTENER: usize = 16 << 10;

/// Answers a request for a session's events; `None`: it is for something else.
pub fn upgrade(hub: &TailHub, request: &mut Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let id = request.uri().path().strip_prefix(PATH)?;
    let key = match handshake(request) {
        Ok(key) => key,
        Err((status, text)) => return Some(refusal(status, text)),
    };
    let Some(listener) = hub.listen(id) else {
        return Some(refusal(StatusCode::NOT_FOUND, "there is no such tail, or somebody listens to it already\n"));
    };
    let accept = accept(key.as_bytes());
    tokio::spawn(serve(listener, hyper::upgrade::on(request)));
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    Some(response)
}

/// The key that a WebSocket's handshake brings (RFC 6455 §4.2.1).
fn handshake(request: &Request<Incoming>) -> Result<String, (StatusCode, &'static str)> {
    let headers = request.headers();
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "a tail is a WebSocket over HTTP/1.1\n"));
    }
    if !has(headers, &header::CONNECTION, "upgrade") || !has(headers, &header::UPGRADE, "websocket") {
        return Err((StatusCode::UPGRADE_REQUIRED, "a tail is a WebSocket\n"));
    }
    if !has(headers, &header::SEC_WEBSOCKET_VERSION, "13") {
        return Err((StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13\n"));
    }
    if !has(headers, &header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        return Err((StatusCode::BAD_REQUEST, "Sec-WebSocket-Protocol must be trace-v1\n"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    // 16 bytes in base64.
    let key = key.filter(|key| key.len() == 24 && key.ends_with("=="));
    key.map(str::to_owned).ok_or((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or malformed\n"))
}

/// Whether a comma-separated header lists this, in any case.
fn has(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

async fn serve(mut listener: Listener, upgrade: OnUpgrade) {
    let Ok(Ok(stream)) = timeout(PATIENCE, upgrade).await else { return };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST_FROM_LISTENER))
        .max_frame_size(Some(MOST_FROM_LISTENER))
        // wrangler does not mask its first message, against the RFC.
        .accept_unmasked_frames(true);
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, Some(config)).await;
    let Some(end) = tell(&mut listener, &mut socket).await else { return };
    let (code, reason) = match end {
        End::Over => (CloseCode::Normal, "the tail is over"),
        // As an end too: wrangler would only come again to be refused.
        End::Token => (CloseCode::Normal, "the token is not valid any more"),
        End::Away => (CloseCode::Away, "the node is going away"),
    };
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(PATIENCE, socket.close(Some(frame))).await;
}

/// Until the session ends; `None`: the listener went first.
async fn tell(listener: &mut Listener, socket: &mut WebSocketStream<TokioIo<Upgraded>>) -> Option<End> {
    let mut heard = Instant::now();
    let mut ping = interval(PING);
    ping.reset();
    loop {
        let message = tokio::select! {
            biased;
            came = socket.next() => match came {
                // The library answers pings itself.
                Some(Ok(message)) if !message.is_close() => {
                    heard = Instant::now();
                    continue;
                }
                _ => return None,
            },
            event = listener.next() => match event {
                Some(event) => Message::text(&*event),
                None => return Some(listener.end()),
            },
            _ = ping.tick() => {
                if heard.elapsed() > PING * 3 {
                    return None;
                }
                Message::Ping(Bytes::new())
            }
        };
        timeout(PATIENCE, socket.send(message)).await.ok()?.ok()?;
    }
}
