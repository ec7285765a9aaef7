//! Parts of a request's way for those who count what they cost, and requests as a server hands them on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use switchyard_runtime::Body;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Bounds, Gateway};
use crate::authority::Authority;
use crate::context::RequestContext;
use crate::error::Failure;

pub fn check(bounds: &Bounds, ctx: &RequestContext, head: &request::Parts, body: &Incoming) -> Result<(), Failure> {
    Gateway::check(bounds, ctx, head, body)
}

pub fn head_in(
    bounds: &Bounds,
    ctx: &Arc<RequestContext>,
    authority: &Authority,
    head: request::Parts,
    body: Incoming,
) -> Result<Request<Body>, Failure> {
    Gateway::check(bounds, ctx, &head, &body)?;
    Gateway::incoming(bounds, ctx, authority, head, body)
}

pub fn head_out(response: Response<Body>) -> Response<Body> {
    Gateway::outgoing(response, false)
}

/// So many requests of one connection, which nobody has answered; `head` makes each.
pub async fn incoming(many: usize, head: impl Fn(usize) -> Request<()>) -> Vec<Request<Incoming>> {
    let (mut client, server) = tokio::io::duplex(64 << 10);
    let kept: Arc<Mutex<Vec<Request<Incoming>>>> = Arc::default();
    let keeps = kept.clone();
    let service = service_fn(move |request| {
        keeps.lock().expect("no panic").push(request);
        async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
    });
    let server =
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service));
    for number in 0..many {
        let (head, ()) = head(number).into_parts();
        let mut text = format!("{} {} HTTP/1.1\r\n", head.method, head.uri);
        for (name, value) in &head.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
        }
        client.write_all((text + "\r\n").as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            client.read_buf(&mut answer).await.expect("the server answers");
        }
    }
    drop(client);
    let _ = server.await;
    std::mem::take(&mut *kept.lock().expect("no panic"))
}
