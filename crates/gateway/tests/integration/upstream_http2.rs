//! Origins that are spoken to in HTTP/2: one connection for many requests, trailers, and what ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::harness::{PATIENCE, TestGateway, read_until};
use crate::origin::{Origin, gateway, gateway_with, set};
use crate::upstream::metric;

type Reply = Response<http_body_util::combinators::BoxBody<Bytes, hyper::Error>>;

/// Speaks what it is spoken to in, without TLS, as gRPC servers and their gateways do.
async fn origin() -> Origin {
    at("127.0.0.1:0").await
}

async fn at(address: &str) -> Origin {
    Origin::with(address.parse().unwrap(), |stream, requests, release| async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            let release = release.clone();
            async move {
                // Its stream is reset, the connection goes on.
                if request.uri().path() == "/second-is-reset" && number == 1 {
                    return Err("reset");
                }
                Ok(answer(request, release).await)
            }
        });
        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
    })
    .await
}

async fn answer(mut request: Request<Incoming>, release: Arc<Notify>) -> Reply {
    let text = |text: String| Full::from(text).map_err(|never| match never {}).boxed();
    match request.uri().path() {
        "/echo" => Response::new(request.into_body().boxed()),
        "/late" => {
            release.notified().await;
            Response::new(text("late".into()))
        }
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            for (name, value) in [("grpc-status", "0"), ("set-cookie", "a=b"), ("cf-ray", "x")] {
                trailers.insert(name, value.parse().unwrap());
            }
            let frames = [Frame::data(Bytes::from_static(b"body")), Frame::trailers(trailers)];
            let body = StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, hyper::Error>)));
            Response::new(BodyExt::boxed(body))
        }
        "/upgrade" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let mut io = TokioIo::new(upgraded);
                let mut bytes = [0; 16];
                if let Ok(read) = io.read(&mut bytes).await {
                    let _ = io.write_all(&bytes[..read]).await;
                }
            });
            let reply = Response::builder().status(101).header(header::CONNECTION, "upgrade");
            reply.header(header::UPGRADE, "echo").body(text(String::new())).unwrap()
        }
        _ => {
            let host = request.uri().authority().map(ToString::to_string);
            let host = host.or_else(|| Some(request.headers().get(header::HOST)?.to_str().ok()?.to_owned()));
            let mut shown = json!({ "version": format!("{:?}", request.version()), "host": host });
            shown["target"] = request.uri().path_and_query().map(ToString::to_string).into();
            shown["te"] = request.headers().get(header::TE).and_then(|te| te.to_str().ok()).into();
            shown["lines"] = request.headers().get_all(header::HOST).iter().count().into();
            shown["method"] = request.method().as_str().into();
            let body = request.into_body().collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
            shown["body"] = String::from_utf8_lossy(&body).into();
            Response::new(text(shown.to_string()))
        }
    }
}

async fn two(gateway: &TestGateway, origin: &Origin, mut more: serde_json::Value) {
    more["protocol"] = "http2".into();
    set(gateway, "x", &[origin], more).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_go_over_one_connection() {
    let (gateway, origin) = (gateway().await, origin().await);
    two(&gateway, &origin, json!({})).await;
    let shown = gateway.send(Method::PUT, "x", "/a%2Fb?c", &[], "body".into()).await.json();
    assert_eq!(
        shown,
        json!({
            "version": "HTTP/2.0", "host": "x.test", "target": "/a%2Fb?c", "te": "trailers", "lines": 0,
            "method": "PUT", "body": "body",
        })
    );
    // As many as go over one, and one more.
    let late: Vec<_> = (0..101).map(|_| gateway.get("x", "/late")).collect();
    let all = async {
        let (answers, ()) = tokio::join!(futures_util::future::join_all(late), async {
            while origin.seen() < 102 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            assert_eq!(origin.opened(), 2);
            origin.release.notify_waiters();
        });
        answers
    };
    for answer in tokio::time::timeout(PATIENCE, all).await.unwrap() {
        answer.is(200, "late");
    }
    let body: Vec<u8> = (0..8 << 20).map(|n: u32| (n % 251) as u8).collect();
    let echo = gateway.post("x", "/echo", body.clone()).await;
    assert!(echo.bytes == body, "{} bytes came back", echo.bytes.len());
    assert_eq!(origin.opened(), 2);
    // Its own host; and what has to be another protocol's connection is one of HTTP/1.1.
    two(&gateway, &origin, json!({ "host": "origin" })).await;
    assert_eq!(gateway.get("x", "/").await.json()["host"], origin.address.to_string());
    let opened = origin.opened();
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let ask = "GET /upgrade HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    stream.write_all(b"hello").await.unwrap();
    read_until(&mut stream, "hello").await;
    drop(stream);
    assert_eq!(origin.opened(), opened + 1);
    assert_eq!(gateway.get("x", "/").await.json()["version"], "HTTP/2.0");
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 0").await;
}

/// What a client of HTTP/2 is answered, and its trailers.
async fn asked(gateway: &TestGateway, path: &str) -> (Version, Bytes, Option<HeaderMap>) {
    let io = TokioIo::new(TcpStream::connect(gateway.address()).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("http://x.test{path}")).body(Full::<Bytes>::default()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let version = response.version();
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned();
    connection.abort();
    (version, body.to_bytes(), trailers)
}

#[tokio::test]
async fn trailers_reach_those_who_can_take_them() {
    let (gateway, origin) = (gateway().await, origin().await);
    two(&gateway, &origin, json!({})).await;
    let (version, body, trailers) = asked(&gateway, "/trailers").await;
    assert_eq!((version, &body[..]), (Version::HTTP_2, &b"body"[..]));
    let trailers = trailers.unwrap();
    // Nothing that belongs into a head.
    assert_eq!((trailers.len(), &trailers["grpc-status"]), (1, &"0".parse::<header::HeaderValue>().unwrap()));
    gateway.get("x", "/trailers").await.is(200, "body");
    metric(&gateway, "switchyard_upstream_requests_total{end=\"answered\"} 2").await;
    metric(&gateway, "switchyard_requests_total{class=\"2xx\",kind=\"ok\",side=\"none\"} 2").await;
    // As they came from the origin through a dispatch Worker that leaves the body alone.
    let dispatching = |config: &mut switchyard_gateway::Config| {
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
    };
    let gateway = gateway_with(dispatching).await;
    two(&gateway, &origin, json!({})).await;
    let binding = json!([{ "type": "dispatch_namespace", "name": "ns", "namespace": "ns" }]);
    let source = "export default { fetch: (r, env) => env.ns.get('x').fetch(r) };";
    gateway.upload_worker("dispatcher", source, binding).await;
    let (_, body, trailers) = asked(&gateway, "/trailers").await;
    assert_eq!((&body[..], trailers.unwrap().len()), (&b"body"[..], 1));
}

#[tokio::test]
async fn a_connection_that_ends_is_made_anew() {
    let (gateway, origin) = (gateway().await, origin().await);
    two(&gateway, &origin, json!({})).await;
    assert_eq!(gateway.get("x", "/").await.json()["version"], "HTTP/2.0");
    let address = origin.stop().await;
    gateway.get("x", "/").await.is(502, "the origin could not be reached\n");
    let origin = at(&address.to_string()).await;
    for method in [Method::GET, Method::POST] {
        let answer = gateway.send(method.clone(), "x", "/", &[], Bytes::new()).await;
        let shown = answer.json();
        assert_eq!((&shown["method"], &shown["host"]), (&method.as_str().into(), &"x.test".into()));
    }
    assert_eq!(origin.opened(), 1);
    // A stream that is reset is sent again, as what it was.
    let other = self::origin().await;
    two(&gateway, &other, json!({})).await;
    gateway.get("x", "/").await;
    let again = gateway.get("x", "/second-is-reset").await.json();
    assert_eq!((&again["host"], &again["target"], other.seen()), (&"x.test".into(), &"/second-is-reset".into(), 3));
    // One over which no answer comes is not used again.
    two(&gateway, &origin, json!({ "head_timeout_ms": 300 })).await;
    gateway.get("x", "/").await;
    let opened = origin.opened();
    gateway.get("x", "/late").await.is(504, "the origin did not answer in time\n");
    assert_eq!(gateway.get("x", "/").await.status, 200);
    assert_eq!(origin.opened(), opened + 1);
}

#[tokio::test]
async fn a_client_that_breaks_off_is_not_the_origins_failure() {
    let (gateway, origin) = (gateway_with(|config| config.upstream.failures = 1).await, origin().await);
    two(&gateway, &origin, json!({ "retries": 0 })).await;
    assert_eq!(gateway.get("x", "/").await.status, 200);
    for _ in 0..3 {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let part = "POST /late HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n";
        let seen = origin.seen();
        stream.write_all(part.as_bytes()).await.unwrap();
        while origin.seen() == seen {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // What follows is no chunk.
        stream.write_all(b"nonsense\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(gateway.get("x", "/").await.status, 200);
    }
    assert_eq!(origin.opened(), 1);
    metric(&gateway, "switchyard_upstream_connections{state=\"in_use\"} 0").await;
}

#[tokio::test]
async fn an_origin_without_http2_is_refused_by_its_own_words() {
    // It says something else than HTTP/2 to whoever begins with that.
    let origin = Origin::saying("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let gateway = gateway().await;
    two(&gateway, &origin, json!({ "retries": 0 })).await;
    assert_eq!(gateway.get("x", "/").await.status, 502);
    assert_eq!(origin.opened(), 1);
}
