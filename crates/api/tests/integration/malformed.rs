//! Requests that are wrong in every way: each gets a JSON refusal of the client's fault, never a panic.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use switchyard_api::{ApiConfig, endpoints};

use crate::{
    coverage::concrete,
    harness::{BOUNDARY, Harness, NS, request},
};

#[tokio::test]
async fn every_endpoint_survives_nonsense() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"x\"",
        b"1e999",
        b"\xff\xfe\x00",
        b"{\"secrets\":{\"A\":[]}}",
        b"{\"name\":{\"name\":1},\"tags\":{},\"versions\":[{}],\"settings\":[]}",
    ];
    let types = [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/javascript",
        "\u{1}",
    ];
    let h = Harness::with_scripts(&["x"]).await;
    h.upload(&concrete("/accounts/{account}/workers/scripts/x", "", "")).await;
    for row in endpoints().iter().filter(|row| row.method != "DELETE" && row.method != "GET") {
        for body in bodies {
            for content_type in types {
                let path = concrete(row.path, "prod", "x");
                let mut builder = request(row.method.parse().expect("a method"), &path);
                if content_type != "\u{1}" {
                    builder = builder.header("content-type", content_type);
                }
                let body = Bytes::copy_from_slice(body);
                let reply = h.send(builder.body(body.into()).expect("a request")).await;
                assert!(!reply.status.is_server_error(), "{} {path}: {}", row.method, reply.json);
                assert!(reply.json["success"].is_boolean(), "{} {path} is no envelope", row.method);
            }
        }
    }
}

#[tokio::test]
async fn deep_and_large_json_is_refused() {
    let h = Harness::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    h.raw(Method::POST, NS, "application/json", deep.into()).await.refused(400, 10026);
    let large = json!({ "name": "x".repeat(1 << 20) }).to_string();
    h.raw(Method::POST, NS, "application/json", large.into()).await.refused(413, 10026);
}

#[tokio::test]
async fn query_parameters_may_be_anything() {
    let h = Harness::with_scripts(&["a"]).await;
    for query in ["?", "?&&=&x", "?tags=%FF:yes", "?tags=%00:yes", "?limit=1&limit=2", "?cursor=%", "?%zz=1"] {
        let reply = h.get(&format!("{NS}/prod/scripts{query}")).await;
        assert!(reply.json["success"].is_boolean() && !reply.status.is_server_error(), "{query}");
    }
}

/// A body that says a few things and then nothing, or breaks.
struct Stalled(Vec<Bytes>);

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.pop() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None => Poll::Pending,
        }
    }
}

async fn answer<B>(h: &Harness, method: Method, path: &str, content_type: &str, body: B) -> (StatusCode, Value)
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let request = request(method, path).header("content-type", content_type).body(body).expect("a request");
    let reply = h.api.handle(IpAddr::V4(Ipv4Addr::LOCALHOST), request).await;
    let status = reply.status();
    let body = reply.into_body().collect().await.expect("a full body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let h = Harness::with(ApiConfig { body_idle: Duration::from_millis(20), ..ApiConfig::default() }).await;
    h.namespace("prod").await;
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    for (method, path, content_type) in [
        (Method::POST, NS.to_owned(), "application/json"),
        (Method::PUT, format!("{NS}/prod/scripts/x"), &form),
        (Method::PUT, format!("{NS}/prod/scripts/x"), "application/javascript"),
    ] {
        let body = Stalled(vec![Bytes::from_static(b"--"), Bytes::new()]);
        let (status, json) = answer(&h, method, &path, content_type, body).await;
        assert_eq!((status.as_u16(), &json["errors"][0]["code"]), (408, &json!(10026)), "{content_type}");
    }
}

/// No single silence is too long, the whole is.
#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let h = Harness::with(ApiConfig { body_total: Duration::from_millis(60), ..ApiConfig::default() }).await;
    let trickle = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b" "))), ()))
    });
    let body = StreamBody::new(Box::pin(trickle));
    let (status, _) = answer(&h, Method::POST, NS, "application/json", body).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let h = Harness::with_scripts(&[]).await;
    for content_type in ["application/json".to_owned(), format!("multipart/form-data; boundary={BOUNDARY}")] {
        let broken = futures_util::stream::iter([
            Ok(Frame::data(Bytes::from(format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{{"
            )))),
            Err(std::io::Error::other("the connection was reset")),
        ]);
        let path = format!("{NS}/prod/scripts/x");
        let (method, path) =
            if content_type.contains("json") { (Method::POST, NS.to_owned()) } else { (Method::PUT, path) };
        let (status, json) = answer(&h, method, &path, &content_type, StreamBody::new(broken)).await;
        assert_eq!((status.as_u16(), &json["errors"][0]["code"]), (400, &json!(10026)), "{json}");
    }
}

/// The service can be spawned, and a refusal is given while the client is still sending.
#[tokio::test]
async fn a_refusal_does_not_wait_for_an_endless_body() {
    let h = Harness::new().await;
    let endless =
        futures_util::stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 65_536]))));
    let api = h.api.clone();
    let request = request(Method::PUT, &format!("{NS}/nowhere/scripts/x"))
        .header("content-type", "application/javascript")
        .body(StreamBody::new(endless))
        .expect("a request");
    let reply = tokio::spawn(async move { api.handle(IpAddr::V4(Ipv4Addr::LOCALHOST), request).await });
    assert_eq!(reply.await.expect("no panic").status(), StatusCode::NOT_FOUND);
}

/// A client that waits to be asked for its body (`Expect: 100-continue`) is refused without being asked.
#[tokio::test]
async fn a_refusal_does_not_ask_for_the_body() {
    struct Untouched;
    impl Body for Untouched {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("the body was asked for")
        }
    }
    let h = Harness::new().await;
    let request = request(Method::PUT, &format!("{NS}/nowhere/scripts/x"))
        .header("content-type", "application/javascript")
        .header("expect", "100-continue")
        .body(Untouched)
        .expect("a request");
    let reply = h.api.handle(IpAddr::V4(Ipv4Addr::LOCALHOST), request).await;
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
}
