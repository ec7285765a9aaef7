//! The origin of the probes of fetch: it shows what it gets, says what it is told to, redirects, is slow, or breaks.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Reply = Response<UnsyncBoxBody<Bytes, Error>>;

pub async fn start() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = socket.accept().await else { return };
            let serve = hyper::server::conn::http1::Builder::new();
            tokio::spawn(serve.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    address
}

fn whole(bytes: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, Error> {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// `text`, and then nothing more; or an error, which closes the connection.
fn begun(text: &'static str, breaks: bool) -> UnsyncBoxBody<Bytes, Error> {
    let stream = futures_util::stream::unfold(0, move |step| async move {
        match step {
            0 => Some((Ok(Frame::data(Bytes::from_static(text.as_bytes()))), 1)),
            _ if breaks => {
                // What came first is on its way by then.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                Some((Err("broken off".into()), 2))
            }
            _ => std::future::pending().await,
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(stream))
}

async fn answer(request: Request<Incoming>) -> Result<Reply, Error> {
    let target = request.uri().to_string();
    let path = request.uri().path().to_owned();
    if let Some(left) = path.strip_prefix("/count").and_then(|left| left.parse::<u32>().ok())
        && left > 0
    {
        let next = format!("/count{}", left - 1);
        return Ok(Response::builder().status(302).header("location", next).body(whole(""))?);
    }
    match path.as_str() {
        "/never" => std::future::pending().await,
        "/gone" => Err("gone".into()),
        "/slow" => Ok(Response::builder().header("x-a", "1").body(begun("first", false))?),
        "/cut" => Ok(Response::builder().header("content-length", "100").body(begun("part", true))?),
        "/loop" => Ok(Response::builder().status(302).header("location", "/loop").body(whole(""))?),
        "/say" => {
            let spec: Value = serde_json::from_str(&decoded(request.uri().query().unwrap_or("{}")))?;
            let mut reply = Response::builder().status(spec["status"].as_u64().unwrap_or(200) as u16);
            for header in spec["headers"].as_array().into_iter().flatten() {
                reply = reply.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
            }
            if let Some(reason) = spec["reason"].as_str() {
                reply = reply.extension(hyper::ext::ReasonPhrase::try_from(reason.to_owned())?);
            }
            let bytes = match spec["hex"].as_str() {
                Some(hex) => (0..hex.len() / 2)
                    .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16))
                    .collect::<Result<_, _>>()?,
                None => spec["text"].as_str().unwrap_or_default().as_bytes().to_vec(),
            };
            let none = *request.method() == Method::HEAD;
            Ok(reply.body(whole(if none { Vec::new() } else { bytes }))?)
        }
        _ => {
            let mut headers = json!({});
            for name in request.headers().keys() {
                let values = request.headers().get_all(name).iter().map(|value| latin1(value.as_bytes()));
                headers[name.as_str()] = values.collect::<Vec<_>>().join(", ").into();
            }
            let method = request.method().to_string();
            let body = request.into_body().collect().await?.to_bytes();
            let body = String::from_utf8_lossy(&body);
            let shown = json!({ "method": method, "target": target, "headers": headers, "body": body });
            Ok(Response::builder().header("content-type", "application/json").body(whole(shown.to_string()))?)
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        if *byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&more[..2]).unwrap(), 16).unwrap());
            rest = &more[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
